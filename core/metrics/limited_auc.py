"""AUC at the top of a list: limited, partial, and with as many relevant as other items (pAp).

hits, shown: (users, depth) whether the item at rank 1, 2, … is to be found, and whether there is
one at all; n_relevant: (users,) items to find. Answers are (users,), NaN with nothing to find.
"""

from __future__ import annotations

import numpy as np

from core.basics.types import BoolArray, FloatArray, IntArray


def limited_auc(
    hits: BoolArray, shown: BoolArray, n_relevant: IntArray, n_candidates: IntArray, k: int
) -> FloatArray:
    """AUC as if everything below the top k were tied; NaN where every candidate is to be found.

    n_candidates: (users,) items that may be recommended. Pairs within the list count as they
    stand, those of two items below it half. Schröder, Thiele, Lehner 2011, section 4.3.
    """
    found, others = hits[:, :k], _others_so_far(hits, shown)[:, :k]
    n_others = n_candidates - n_relevant
    below = n_others - (others[:, -1] if k else 0)
    won = (found * (n_others[:, None] - others)).sum(axis=1)
    tied = (n_relevant - found.sum(axis=1)) * below / 2
    return _over(won + tied, n_relevant * n_others)


def partial_auc(
    hits: BoolArray, shown: BoolArray, n_relevant: IntArray, n_candidates: IntArray, k: int
) -> FloatArray:
    """pAUC: share of the pairs of an item to find and one of the first k others that are won.

    Where a user has fewer than k others, all of them. What stands below the kept lists is found
    nowhere, so lists too short for k others give a lower bound.
    """
    others = np.minimum(k, n_candidates - n_relevant)
    won = _won(hits, shown, others).sum(axis=1)
    return _over(won, n_relevant * others)


def top_relevant_auc(
    hits: BoolArray, shown: BoolArray, n_relevant: IntArray, n_candidates: IntArray, k: int
) -> FloatArray:
    """pAp: the same with the k best-placed items to find in place of all of them."""
    others = np.minimum(k, n_candidates - n_relevant)
    first = hits.cumsum(axis=1) <= k
    won = (_won(hits, shown, others) * first).sum(axis=1)
    return _over(won, np.minimum(n_relevant, k) * others)


def _won(hits: BoolArray, shown: BoolArray, others: IntArray) -> IntArray:
    """(users, depth) of each hit, how many of the user's first `others` stand below it."""
    return np.where(hits, np.maximum(others[:, None] - _others_so_far(hits, shown), 0), 0)


def _others_so_far(hits: BoolArray, shown: BoolArray) -> IntArray:
    """(users, depth) items in the first places, up to each, that are not to be found."""
    return np.asarray((shown & ~hits).cumsum(axis=1))


def _over(amount: IntArray | FloatArray, divisor: IntArray) -> FloatArray:
    out = np.full(len(amount), np.nan)
    return np.divide(amount, divisor, out=out, where=divisor > 0)
