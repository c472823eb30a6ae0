"""How lists share out the catalogue, and how popular what they show is.

lists is always (users, k) item numbers, -1 where a list is shorter; popularity (n_items,) training
interactions. Answers per user are NaN for an empty list.
"""

from __future__ import annotations

import numpy as np

from core.basics.types import BoolArray, FloatArray, IntArray

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
