"""How lists share out the catalogue, and how popular and familiar what they show is.

lists is always (users, k) item numbers, -1 where a list is shorter; popularity (n_items,) training
interactions. Answers per user are NaN for an empty list.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.sorted_sets import distinct
from core.basics.types import BoolArray, FloatArray, IntArray
from core.metrics.card import metric
from core.metrics.lists import unit_rows

HEAD = 0.2  # share of the catalogue that is its head


@metric(
    "Novelty",
    r"mean of $-\log_2 \frac{n_i + 1}{N + 1}$ over the top $k$",
    "How unfamiliar the list is, in bits: n of N users have the item in training.",
    "Zhou et al. 2010, add-one smoothed",
    "ranking",
    kept=True,
)
def novelty(lists: IntArray, popularity: FloatArray, n_users: int) -> FloatArray:
    """Mean self-information of a user's list in bits, (users,); NaN for an empty list.

    popularity: (n_items,) users who have each item in training, of n_users. An item's share is
    (popularity + 1) / (n_users + 1), so that an item nobody has stays finite.
    """
    bits = -np.log2((np.asarray(popularity, dtype=np.float64) + 1) / (n_users + 1))
    there = lists >= 0
    total = np.where(there, bits[np.where(there, lists, 0)], 0.0).sum(axis=1)
    count = there.sum(axis=1)
    return np.divide(total, count, out=np.full(len(lists), np.nan), where=count > 0)


@metric(
    "Coverage",
    r"distinct items in all lists / items in the catalogue",
    "Share of the catalogue that somebody gets. It has no interval: resampled users always "
    "show fewer items.",
    "Ge et al. 2010",
    "ranking",
    of_all=lambda seen: (seen.lists, len(seen.exposure)),
    kept=True,
    has_interval=False,
)
def coverage(lists: IntArray, n_items: int) -> float:
    """Share of the catalogue that is in at least one list.

    lists: (users, k) item numbers, -1 where a list is shorter. NaN for an empty catalogue.
    """
    shown = distinct(lists)
    return float((shown >= 0).sum() / n_items) if n_items else float("nan")


def head_items(popularity: FloatArray, share: float = HEAD) -> BoolArray:
    """(n_items,) whether an item is among the most popular `share`; ties go to the lower number."""
    head = np.zeros(len(popularity), dtype=bool)
    order = np.argsort(-np.asarray(popularity), kind="stable")
    head[order[: round(share * len(popularity))]] = True
    return head


def list_means(values: FloatArray | BoolArray, lists: IntArray) -> FloatArray:
    """Mean over each list of what its items are worth, (users,); values: (n_items,)."""
    there = lists >= 0
    worth = np.where(there, np.asarray(values, dtype=np.float64)[np.where(there, lists, 0)], 0.0)
    count = there.sum(axis=1)
    return np.divide(worth.sum(axis=1), count, out=np.full(len(lists), np.nan), where=count > 0)


@metric(
    "Average popularity",
    r"mean number of training interactions of the items in the top $k$ (ARP)",
    "How popular the recommended items are; less leaves more room to the rest of the catalogue.",
    "Yin et al. 2012; Abdollahpouri, Burke, Mobasher 2019",
    "popularity",
    of=lambda seen: (seen.lists, seen.world.users_of_items),
    needs=["popularity"],
    higher_is_better=False,
)
def average_popularity(lists: IntArray, popularity: FloatArray) -> FloatArray:
    """ARP: mean interactions of the items in each list, (users,). Yin et al. 2012."""
    return list_means(popularity, lists)


@metric(
    "Long-tail share",
    r"items outside the head in the top $k$ / items in the list (APLT)",
    "Share of the list beyond the head, the most popular fifth of the catalogue. Times k it is "
    "ACLT, the number of such items.",
    "Abdollahpouri, Burke, Mobasher 2017 and 2019",
    "popularity",
    of=lambda seen: (seen.lists, seen.world.head),
    needs=["popularity"],
)
def tail_share(lists: IntArray, head: BoolArray) -> FloatArray:
    """APLT: share of each list outside the head, (users,). Abdollahpouri et al. 2017."""
    return list_means(~head, lists)


@metric(
    "Gini of exposure",
    r"$\sum_j (2j - n - 1) c_j / ((n - 1) \sum c)$, $c$ rising",
    "How unevenly lists share out the catalogue: 0 if every item is recommended as often, 1 if "
    "one item takes all. It has no interval: resampled users show fewer items.",
    "Fleder and Hosanagar 2009; ExposureGini of LensKit",
    "popularity",
    of_all=lambda seen: (seen.exposure,),
    higher_is_better=False,
    has_interval=False,
)
def gini(counts: IntArray) -> float:
    """Inequality of exposure, from 0 (all alike) to 1 (one item has it all).

    sum (2j - n - 1) c_j / ((n - 1) sum c) over rising counts; NaN below two items or without any
    exposure. Fleder and Hosanagar 2009.
    """
    n, total = len(counts), counts.sum()
    if n < 2 or total == 0:
        return float("nan")
    places = 2 * np.arange(1, n + 1) - n - 1
    return float(places @ np.sort(counts) / ((n - 1) * total))


@metric(
    "Entropy of exposure",
    r"$-\sum_i p_i \log_2 p_i$, $p_i$ the item's share of all places",
    "Bits of choice over the catalogue; two to its power is the number of equally shown items. "
    "It has no interval: resampled users show fewer items.",
    "Shani and Gunawardana 2011, section 8.3.3.2",
    "popularity",
    of_all=lambda seen: (seen.exposure,),
    has_interval=False,
)
def entropy(counts: IntArray) -> float:
    """Shannon entropy of exposure in bits; NaN without any. Shani and Gunawardana 2011."""
    shown = counts[counts > 0] / max(1, counts.sum())
    return float(-(shown * np.log2(shown)).sum()) + 0.0 if len(shown) else float("nan")


def lorenz(counts: IntArray) -> tuple[FloatArray, FloatArray]:
    """Share of the catalogue, least shown first, and the share of all places it has, (n + 1,)."""
    rising = np.concatenate([[0], np.sort(counts).cumsum()])
    return np.linspace(0, 1, len(rising)), rising / max(1, rising[-1])


def items_for_half(counts: IntArray) -> int:
    """How many items, most shown first, take half of all places; 0 without any."""
    falling = np.sort(counts)[::-1].cumsum()
    return int(np.searchsorted(falling, falling[-1] / 2) + 1) if falling[-1:].sum() > 0 else 0


def gap_sums(recommended: FloatArray, taken: FloatArray) -> FloatArray:
    """(users, 2) summands of a group's GAP of lists and of histories, NaN kept as NaN.

    recommended, taken: (users,) mean popularity of each user's list and history. A user without
    either counts for neither, so that both are means over the same users.
    """
    there = ~np.isnan(recommended) & ~np.isnan(taken)
    return np.where(there[:, None], np.column_stack([recommended, taken]), np.nan)


@metric(
    "Delta-GAP",
    r"(popularity of lists $-$ of histories) / popularity of histories, of a group of users",
    "By how much a group's lists are more popular than what its users took: 0 keeps their "
    "level, 1 doubles it. Users without target history are left out.",
    "Abdollahpouri et al. 2019 (the unfairness of popularity bias); ClayRS",
    "popularity",
    higher_is_better=False,
)
def delta_gap(sums: FloatArray) -> FloatArray:
    """(lists - histories) / histories from (…, 2) sums or means. Abdollahpouri et al. 2019."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[..., 0] / sums[..., 1] - 1


@metric(
    "Personalisation",
    r"$1 -$ mean of $|L_u \cap L_v| / \sqrt{|L_u| |L_v|}$ over all pairs of users",
    "How different two users' lists are: 0 if all get the same, 1 if no two share an item. "
    "Exact over all pairs. It has no interval: a resampled user meets copies of himself.",
    "personalization of recmetrics",
    "diversity",
    of_all=lambda seen: (seen.members,),
    has_interval=False,
)
def personalisation(members: csr_matrix) -> float:
    """1 - mean cosine of two users' lists over all pairs, exact; NaN below two lists.

    The cosines of all pairs follow from the sum of the lists, each scaled to length 1.
    """
    lists = unit_rows(members[np.diff(members.indptr) > 0])
    n = lists.shape[0]
    if n < 2:
        return float("nan")
    total = np.asarray(lists.sum(axis=0)).ravel()
    return float(1 - (total @ total - n) / (n * (n - 1)))
