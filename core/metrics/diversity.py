"""How much variety lists hold: within one list, between users, and between two lists of one user.

lists is always (users, k) item numbers, -1 where a list is shorter.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags_array

from core.basics.types import FloatArray, IntArray

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
        squares = _squares_by_table(lists, shown, units)
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
    rows, here, there = np.nonzero((ours[:, :, None] == theirs[:, None, :]) & _real(ours))
    joined = np.maximum(here, there)  # from this place on both have the item
    k = ours.shape[1]
    counts = np.bincount(rows * k + joined, minlength=len(ours) * k).reshape(len(ours), k)
    return counts.cumsum(axis=1)


def _real(lists: IntArray) -> np.ndarray:
    return (lists >= 0)[:, :, None]


def _squares_by_table(lists: IntArray, shown: IntArray, units: csr_matrix) -> FloatArray:
    """|s|^2 of each list's summed vectors from the cosines of all shown items."""
    table = np.zeros((len(shown) + 1, len(shown) + 1), dtype=np.float32)  # the last is the padding
    table[:-1, :-1] = (units[shown] @ units[shown].T).toarray()
    place = np.full(units.shape[0] + 1, len(shown))  # of each item, and of -1
    place[shown] = np.arange(len(shown))
    found = np.zeros(len(lists))
    for start in range(0, len(lists), BLOCK):
        items = place[lists[start : start + BLOCK]]
        found[start : start + BLOCK] = table[items[:, :, None], items[:, None, :]].sum(
            axis=(1, 2), dtype=np.float64
        )
    return found


def _squares_by_sums(members: csr_matrix, units: csr_matrix) -> FloatArray:
    """The same from the sums themselves, whatever the number of items."""
    found = np.zeros(members.shape[0])
    for start in range(0, members.shape[0], BLOCK):
        sums = csr_matrix(members[start : start + BLOCK] @ units)
        rows = np.repeat(np.arange(sums.shape[0]), np.diff(sums.indptr))
        squares = np.bincount(rows, sums.data**2, minlength=sums.shape[0])
        found[start : start + BLOCK] = squares
    return found
