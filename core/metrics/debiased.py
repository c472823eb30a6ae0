"""Ranking metrics in which popular items do not decide: hits weighed by how popular they are.

hits: (users, k) whether an item of lists (users, k) is to be found; weights: (n_items,) what a hit
on each item is worth. Answers are (users,), NaN with nothing to find.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, FloatArray, IntArray

SPREAD = 1.5  # interquartile ranges above the third quartile from which an item is too popular


def inverse_propensity(popularity: FloatArray) -> FloatArray:
    """(n_items,) mean popularity over each item's own: 1 for an item of average popularity.

    An item nobody has counts as one that one user has, so that no hit is worth more than that.
    """
    mean = popularity.mean() if len(popularity) else 1.0
    return np.asarray(mean / np.maximum(popularity, 1.0))


def kept_share(counts: IntArray) -> FloatArray:
    """(n_items,) share of its held-out interactions each item keeps, 1 up to the usual number.

    counts: (n_items,) held-out interactions. The usual number ends at Q3 + 1.5 (Q3 - Q1) over items
    with any. Where RecTools draws interactions down to it by lot, all of them are kept here with
    this weight, which is what drawing gives on average.
    """
    some = counts[counts > 0]
    if not len(some):
        return np.ones(len(counts))
    low, high = np.quantile(some, [0.25, 0.75])
    border = int(high + SPREAD * (high - low))
    return np.minimum(1.0, border / np.maximum(counts, 1))


def weighted_hits(
    hits: BoolArray, lists: IntArray, n_relevant: IntArray, weights: FloatArray
) -> FloatArray:
    """Sum over each list of what its hits are worth."""
    worth = (hits * weights[np.where(lists >= 0, lists, 0)]).sum(axis=1)
    return np.where(n_relevant > 0, worth, np.nan)


def weighted_recall(
    hits: BoolArray, lists: IntArray, relevant: csr_matrix, weights: FloatArray
) -> FloatArray:
    """What the hits are worth over what everything to find is; relevant: (users, n_items) ones."""
    n_relevant = np.diff(relevant.indptr)
    total = (relevant != 0).astype(np.float64) @ weights
    found = weighted_hits(hits, lists, n_relevant, weights)
    return np.divide(found, total, out=np.full(len(found), np.nan), where=total > 0)
