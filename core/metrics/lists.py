"""What a list is like beside being right: coverage, novelty, diversity, exposure, mix.

lists is always (users, k) item numbers, -1 where a list is shorter.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.sparse import csr_matrix, diags_array

from core.basics.sorted_sets import distinct
from core.basics.types import BoolArray, FloatArray, IntArray
from core.metrics.card import MetricCard

BLOCK = 512  # users whose lists are looked at at once
TABLE = 4_000  # items whose cosines are held in one table, 64 MB
PERSISTENCE = 0.9  # of RBO: how likely a reader goes on to the next rank


def membership(lists: IntArray, n_items: int) -> csr_matrix:
    """(users, n_items) ones where an item is in the list; a repeated item counts once."""
    rows, places = np.nonzero(lists >= 0)
    ones = np.ones(len(rows))
    found = csr_matrix((ones, (rows, lists[rows, places])), shape=(len(lists), n_items))
    found.data[:] = 1.0
    return found


def unit_rows(vectors: csr_matrix) -> csr_matrix:
    """The rows scaled to length 1; empty rows stay empty."""
    lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return csr_matrix(diags_array(scale) @ vectors)


def pair_distance(lists: IntArray, units: csr_matrix, most: int = TABLE) -> FloatArray:
    """Mean of 1 - cosine over the pairs of each list, (users,); NaN below two items with a vector.

    units: (n_items, d) rows of length 1, or empty for an item that is in no pair. With s the sum
    of m unit vectors the cosines of all pairs add up to (|s|^2 - m) / 2. Where vectors are long,
    the cosines of up to `most` shown items are worked out once, in a table: several times as fast.
    """
    members = membership(lists, units.shape[0])
    known = members @ (np.diff(units.indptr) > 0)
    shown = np.flatnonzero(members.getnnz(axis=0))
    entries = (members @ np.diff(units.indptr)).sum()  # of all vectors of all places
    if len(shown) <= most and entries > lists.size * lists.shape[1]:
        # |s|^2 of each list's summed vectors from the cosines of all shown items
        table = np.zeros(
            (len(shown) + 1, len(shown) + 1), dtype=np.float32
        )  # the last is the padding
        table[:-1, :-1] = (units[shown] @ units[shown].T).toarray()
        place = np.full(units.shape[0] + 1, len(shown))  # of each item, and of -1
        place[shown] = np.arange(len(shown))
        squares: FloatArray = np.zeros(len(lists))
        for start in range(0, len(lists), BLOCK):
            items = place[lists[start : start + BLOCK]]
            squares[start : start + BLOCK] = table[items[:, :, None], items[:, None, :]].sum(
                axis=(1, 2), dtype=np.float64
            )
    else:
        squares = _squares_by_sums(members, units)
    pairs = known * (known - 1)  # both orders
    out = np.full(len(known), np.nan)
    return 1 - np.divide(squares - known, pairs, out=out, where=pairs > 0)


def categories_in(members: csr_matrix, categories: csr_matrix) -> FloatArray:
    """How many different categories each list touches, (users,); NaN for an empty list."""
    touched = np.diff(csr_matrix(members @ categories).indptr).astype(np.float64)
    return np.where(np.diff(members.indptr) > 0, touched, np.nan)


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


def outside(members: csr_matrix, others: csr_matrix) -> FloatArray:
    """Unexpectedness: share of each list that is not in the other one, (users,)."""
    size = np.diff(members.indptr)
    common = np.asarray(members.multiply(others).sum(axis=1)).ravel()
    return 1 - np.divide(common, size, out=np.full(len(size), np.nan), where=size > 0)


def rank_biased_overlap(ours: IntArray, theirs: IntArray, p: float = PERSISTENCE) -> FloatArray:
    """RBO of two lists of each user, (users,), extrapolated beyond their end; NaN for an empty one.

    Both (users, k), read to the end of the shorter. Webber, Moffat, Zobel 2010, equation 30.
    """
    k = ours.shape[1]
    lengths = np.minimum((ours >= 0).sum(axis=1), (theirs >= 0).sum(axis=1))
    common = _common_by_depth(ours, theirs)
    depth = np.arange(1, k + 1)
    within = depth <= lengths[:, None]
    agreement = np.where(within, common / depth, 0.0)
    end = np.maximum(lengths, 1)
    last = agreement[np.arange(len(ours)), end - 1]
    found = last * p**end + (1 - p) / p * (agreement * p**depth).sum(axis=1)
    return np.where(lengths > 0, found, np.nan)


def _common_by_depth(ours: IntArray, theirs: IntArray) -> IntArray:
    """(users, k) items that both lists hold in their first d places, d from 1 to k."""
    rows, here, there = np.nonzero(
        (ours[:, :, None] == theirs[:, None, :]) & (ours >= 0)[:, :, None]
    )
    joined = np.maximum(here, there)  # from this place on both have the item
    k = ours.shape[1]
    counts = np.bincount(rows * k + joined, minlength=len(ours) * k).reshape(len(ours), k)
    return counts.cumsum(axis=1)


def _squares_by_sums(members: csr_matrix, units: csr_matrix) -> FloatArray:
    """The same from the sums themselves, whatever the number of items."""
    found = np.zeros(members.shape[0])
    for start in range(0, members.shape[0], BLOCK):
        sums = csr_matrix(members[start : start + BLOCK] @ units)
        rows = np.repeat(np.arange(sums.shape[0]), np.diff(sums.indptr))
        squares = np.bincount(rows, sums.data**2, minlength=sums.shape[0])
        found[start : start + BLOCK] = squares
    return found


# How lists share out the catalogue, and how popular what they show is.
# lists is always (users, k) item numbers, -1 where a list is shorter; popularity (n_items,)
# training interactions. Answers per user are NaN for an empty list.

HEAD = 0.2  # share of the catalogue that is its head


def exposure(lists: IntArray, n_items: int) -> IntArray:
    """How often each item is recommended, (n_items,)."""
    return np.bincount(lists[lists >= 0], minlength=n_items)


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


def entropy(counts: IntArray) -> float:
    """Shannon entropy of exposure in bits; NaN without any. Shani and Gunawardana 2011."""
    shown = counts[counts > 0] / max(1, counts.sum())
    return float(-(shown * np.log2(shown)).sum()) + 0.0 if len(shown) else float("nan")


def lorenz(counts: IntArray) -> tuple[FloatArray, FloatArray]:
    """Share of the catalogue, least shown first, and the share of all places it has, (n + 1,)."""
    rising = np.concatenate([[0], np.sort(counts).cumsum()])
    return np.linspace(0, 1, len(rising)), rising / max(1, rising[-1])


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


def average_popularity(lists: IntArray, popularity: FloatArray) -> FloatArray:
    """ARP: mean interactions of the items in each list, (users,). Yin et al. 2012."""
    return list_means(popularity, lists)


def tail_share(lists: IntArray, head: BoolArray) -> FloatArray:
    """APLT: share of each list outside the head, (users,). Abdollahpouri et al. 2017."""
    return list_means(~head, lists)


def gap_sums(recommended: FloatArray, taken: FloatArray) -> FloatArray:
    """(users, 2) summands of a group's GAP of lists and of histories, NaN kept as NaN.

    recommended, taken: (users,) mean popularity of each user's list and history. A user without
    either counts for neither, so that both are means over the same users.
    """
    there = ~np.isnan(recommended) & ~np.isnan(taken)
    return np.where(there[:, None], np.column_stack([recommended, taken]), np.nan)


def delta_gap(sums: FloatArray) -> FloatArray:
    """(lists - histories) / histories from (…, 2) sums or means. Abdollahpouri et al. 2019."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[..., 0] / sums[..., 1] - 1


def items_for_half(counts: IntArray) -> int:
    """How many items, most shown first, take half of all places; 0 without any."""
    falling = np.sort(counts)[::-1].cumsum()
    return int(np.searchsorted(falling, falling[-1] / 2) + 1) if falling[-1:].sum() > 0 else 0


# The mix of a list: categories as in the user's history (Steck), and domains by their parts.

SMOOTHING = 0.01  # share of the history's mix in the smoothed mix of the list
CELLS = 2_000_000  # cells of users times categories held at once


def even_rows(categories: csr_matrix) -> csr_matrix:
    """p(c | i): every item's categories at equal shares, rows sum to 1 or are empty."""
    counts = np.diff(categories.indptr)
    shares = np.divide(1.0, counts, out=np.zeros(len(counts)), where=counts > 0)
    return csr_matrix(diags_array(shares) @ categories)


def category_mix(items: csr_matrix, shares: csr_matrix) -> csr_matrix:
    """p(c | u): mean of p(c | i) over each row's items that have categories, (users, categories).

    items: (users, n_items) ones; shares: as even_rows gives them. A row without any is empty.
    """
    total = csr_matrix((items != 0).astype(np.float64) @ shares)
    weight = np.asarray(total.sum(axis=1)).ravel()
    scale = np.divide(1.0, weight, out=np.zeros(len(weight)), where=weight > 0)
    return csr_matrix(diags_array(scale) @ total)


def miscalibration(wanted: csr_matrix, got: csr_matrix, smoothing: float = SMOOTHING) -> FloatArray:
    """KL divergence of the wanted mix from the smoothed mix of the list in bits, (users,).

    NaN where either mix is empty. Steck 2018, C_KL.
    """
    step = max(1, CELLS // max(1, wanted.shape[1]))
    parts = [
        _divergence(
            wanted[start : start + step].toarray(), got[start : start + step].toarray(), smoothing
        )
        for start in range(0, wanted.shape[0], step)
    ]
    return np.concatenate([np.zeros(0), *parts])


def source_share(source: FloatArray, target: FloatArray) -> FloatArray:
    """Size of the source's parts over that of both domains', (users,); NaN where all are 0.

    source, target: (users, k) what each domain adds to every place, NaN where nothing is known.
    """
    here, there = (
        np.nan_to_num(np.abs(part)).sum(axis=1, dtype=np.float64) for part in (source, target)
    )
    both = np.asarray(here + there)
    return np.divide(here, both, out=np.full(len(both), np.nan), where=both > 0)


def _divergence(wanted: FloatArray, got: FloatArray, smoothing: float) -> FloatArray:
    smoothed = (1 - smoothing) * got + smoothing * wanted
    ratio = np.divide(wanted, smoothed, out=np.ones_like(wanted), where=wanted > 0)
    there = (wanted.sum(axis=1) > 0) & (got.sum(axis=1) > 0)
    return np.where(there, (wanted * np.log2(ratio)).sum(axis=1), np.nan)


# What lists say about the catalogue: how much of it is shown, and how familiar it is.


def coverage(lists: IntArray, n_items: int) -> float:
    """Share of the catalogue that is in at least one list.

    lists: (users, k) item numbers, -1 where a list is shorter. NaN for an empty catalogue.
    """
    shown = distinct(lists)
    return float((shown >= 0).sum() / n_items) if n_items else float("nan")


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


# Cards of what is read off lists: variety, surprise, popularity, mix.

_diversity = partial(MetricCard, group="diversity", kept=False)
_surprise = partial(MetricCard, group="surprise", kept=False)
_popularity = partial(MetricCard, group="popularity", kept=False)
_mix = partial(MetricCard, group="mix", kept=False)

DIVERSITY_CARDS = (
    _diversity(
        "intra_list_diversity",
        "Intra-list diversity",
        r"mean of $1 - \cos(v_i, v_j)$ over pairs in the top $k$",
        "How little the items of one list are taken by the same people. An item's vector is who "
        "has it in the target's training data; items nobody has are in no pair.",
        "Ziegler et al. 2005; Smyth and McClave 2001",
    ),
    _diversity(
        "category_distance",
        "Category diversity",
        r"mean of $1 - \cos(c_i, c_j)$ over pairs in the top $k$",
        "The same by categories in place of people: 1 where no two items share one. Items without "
        "categories are in no pair.",
        "Ziegler et al. 2005",
    ),
    _diversity(
        "categorical_diversity",
        "Categories per place",
        r"distinct categories in the top $k$ / $k$",
        "How many different categories a place of the list brings; above 1 where items have "
        "several.",
        "CategoricalDiversity of RePlay",
    ),
    _diversity(
        "s_recall",
        "S-recall",
        r"categories in the top $k$ / categories in the catalogue",
        "Share of all the target's categories that a list touches.",
        "Zhai, Cohen, Lafferty 2003",
    ),
    _diversity(
        "full_list",
        "Full lists",
        r"1 if there are $k$ different items in the list, else 0",
        "Share of users who get a whole list; below 1 where candidates run out.",
        "SufficientReco and UnrepeatedReco of RecTools",
    ),
    _diversity(
        "user_coverage",
        "User coverage",
        r"1 if there is any item in the list, else 0",
        "Share of users who get anything at all; below 1 only where lists from another system "
        "leave users out.",
        "UserCoverage of WarpRec, as a share",
        at_k=False,
    ),
    _diversity(
        "personalisation",
        "Personalisation",
        r"$1 -$ mean of $|L_u \cap L_v| / \sqrt{|L_u| |L_v|}$ over all pairs of users",
        "How different two users' lists are: 0 if all get the same, 1 if no two share an item. "
        "Exact over all pairs. It has no interval: a resampled user meets copies of himself.",
        "personalization of recmetrics",
        has_interval=False,
    ),
)

SURPRISE_CARDS = (
    _surprise(
        "serendipity",
        "Serendipity",
        r"mean of $\max(p_i - \hat p_i, 0) \, r_i$ over the top $k$; $p_i = (n + 1 - rank)/n$",
        "Hits that popularity would have placed lower. An item's popularity rank counts distinct "
        "popularities, and its share is 0 where nobody has it.",
        "Serendipity of RecTools",
    ),
    _surprise(
        "unexpectedness",
        "Unexpectedness",
        r"$1 - |L_u \cap P_u|$ / items in the list",
        "Share of the list that the most popular items the user does not have would not have "
        "brought.",
        "Murakami, Mori, Orihara 2008; Unexpectedness of RePlay",
    ),
    _surprise(
        "epc",
        "EPC",
        r"$\sum_{i \le k} d_i r_i (1 - n_i/N) / \sum_{i \le k} d_i$, $d_i = 1/\log_2(i+1)$",
        "Hits, each worth the share of users who do not have the item: found and not popular.",
        "Vargas and Castells 2011, expected popularity complement",
    ),
    _surprise(
        "efd",
        "EFD",
        r"$-\sum_{i \le k} d_i r_i \log_2 \frac{n_i + 1}{N + 1} / \sum_{i \le k} d_i$",
        "Hits, each worth the bits of its rarity as in novelty.",
        "Vargas and Castells 2011, expected free discovery",
    ),
)

POPULARITY_CARDS = (
    _popularity(
        "average_popularity",
        "Average popularity",
        r"mean number of training interactions of the items in the top $k$ (ARP)",
        "How popular the recommended items are; less leaves more room to the rest of the "
        "catalogue.",
        "Yin et al. 2012; Abdollahpouri, Burke, Mobasher 2019",
        higher_is_better=False,
    ),
    _popularity(
        "tail_share",
        "Long-tail share",
        r"items outside the head in the top $k$ / items in the list (APLT)",
        "Share of the list beyond the head, the most popular fifth of the catalogue. Times k it is "
        "ACLT, the number of such items.",
        "Abdollahpouri, Burke, Mobasher 2017 and 2019",
    ),
    _popularity(
        "gini",
        "Gini of exposure",
        r"$\sum_j (2j - n - 1) c_j / ((n - 1) \sum c)$, $c$ rising",
        "How unevenly lists share out the catalogue: 0 if every item is recommended as often, 1 if "
        "one item takes all. It has no interval: resampled users show fewer items.",
        "Fleder and Hosanagar 2009; ExposureGini of LensKit",
        higher_is_better=False,
        has_interval=False,
    ),
    _popularity(
        "entropy",
        "Entropy of exposure",
        r"$-\sum_i p_i \log_2 p_i$, $p_i$ the item's share of all places",
        "Bits of choice over the catalogue; two to its power is the number of equally shown items. "
        "It has no interval: resampled users show fewer items.",
        "Shani and Gunawardana 2011, section 8.3.3.2",
        has_interval=False,
    ),
    _popularity(
        "delta_gap",
        "Delta-GAP",
        r"(popularity of lists $-$ of histories) / popularity of histories, of a group of users",
        "By how much a group's lists are more popular than what its users took: 0 keeps their "
        "level, 1 doubles it. Users without target history are left out.",
        "Abdollahpouri et al. 2019 (the unfairness of popularity bias); ClayRS",
        higher_is_better=False,
    ),
)

MIX_CARDS = (
    _mix(
        "calibration",
        "Miscalibration",
        r"$\sum_c p_c \log_2 (p_c / \tilde q_c)$, $\tilde q = 0.99 q + 0.01 p$",
        "How far the list's mix of categories is from the user's target history, in bits; 0 is the "
        "same mix. Users without target history have no value.",
        "Steck 2018, KL divergence with alpha 0.01",
        higher_is_better=False,
    ),
    _mix(
        "source_calibration",
        "Miscalibration to the source",
        r"the same with $p$ from the source history, over categories of both domains",
        "How far the list's mix is from what the user took in the source: low where tastes are "
        "carried across. Only categories that both domains name.",
        "Our own; after Steck 2018",
        higher_is_better=False,
    ),
    _mix(
        "domain_mix",
        "Source share of scores",
        r"$\sum_{i \le k} |s_i| / \sum_{i \le k} (|s_i| + |t_i|)$, "
        r"$s_i$ and $t_i$ what source and target add to an item's score",
        "How much of the scores in the list comes from the source: 0 is target alone, 1 source "
        "alone. Only models whose score is the sum of both parts have it, at equal weights, and "
        "only users with evidence in both domains: others have nothing to share between. Like the "
        "parts, it is told for at most 5,000 users.",
        "Our own",
    ),
    _mix(
        "rbo",
        "List overlap (RBO)",
        r"$\frac{|A \cap B|_k}{k} p^k + \frac{1-p}{p} \sum_{d \le k} \frac{|A \cap B|_d}{d} p^d$, "
        r"$p = 0.9$",
        "How alike two lists of one user are, the top counting more: 1 for the same list in the "
        "same order, 0 for no item in common. Read to the end of the shorter one.",
        "Webber, Moffat, Zobel 2010, equation 30 (extrapolated)",
    ),
)
