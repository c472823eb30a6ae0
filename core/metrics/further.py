"""Ranking metrics beyond the kept ones, per user, from hits in lists; NaN with nothing to find.

hits: (users, k_max) whether the item at rank 1, 2, … is to be found, False where a list is shorter;
n_relevant: (users,) items to find.
"""

from __future__ import annotations

import numpy as np

from core.basics.types import BoolArray, FloatArray, IntArray

PATIENCE = 0.85  # of RBP: how likely a reader goes on to the next rank


def capped_recall(hits: BoolArray, n_relevant: IntArray, k: int) -> FloatArray:
    """Hits over min(k, items to find), (users,)."""
    return _over(hits[:, :k].sum(axis=1), np.minimum(n_relevant, k))


def rank_biased_precision(hits: BoolArray, n_relevant: IntArray, k: int) -> FloatArray:
    """RBP over k ranks, (users,). Moffat and Zobel 2008."""
    weights = (1 - PATIENCE) * PATIENCE ** np.arange(k)
    return np.where(n_relevant > 0, hits[:, :k] @ weights, np.nan)


def r_precision(hits: BoolArray, n_relevant: IntArray) -> FloatArray:
    """Hits in the first R places over R items to find; NaN where R is longer than the lists."""
    found = np.concatenate([np.zeros((len(hits), 1), int), hits.cumsum(axis=1)], axis=1)
    fits = (n_relevant > 0) & (n_relevant <= hits.shape[1])
    at = np.where(fits, n_relevant, 0)
    return np.where(fits, _over(found[np.arange(len(hits)), at], at), np.nan)


def percentile_rank(auc: FloatArray, n_relevant: IntArray, n_candidates: IntArray) -> FloatArray:
    """Mean of (rank - 1) / candidates over the items to find, (users,), from the AUC alone.

    The others that stand above relevant items number (1 - AUC) · others · relevant; relevant items
    above each other add (relevant - 1) / 2 on average. Hu, Koren, Volinsky 2008, equation 8.
    """
    others = n_candidates - n_relevant
    above = (1 - auc) * others + (n_relevant - 1) / 2
    return np.where(n_relevant > 0, above / np.maximum(n_candidates, 1), np.nan)


def pooled_auc(sums: FloatArray) -> FloatArray:
    """GAUC from (…, 2) sums of items to find times AUC, and of items to find."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[..., 0] / sums[..., 1]


def serendipity(
    hits: BoolArray, lists: IntArray, n_relevant: IntArray, popularity: FloatArray
) -> FloatArray:
    """Mean over each list of how much higher a hit stands than popularity puts it, (users,).

    Popularity ranks count distinct popularities, 1 for the highest, as RecTools does; an item
    nobody has is expected with share 0. NaN with nothing to find or an empty list.
    """
    n_items = len(popularity)
    distinct, place = np.unique(popularity, return_inverse=True)
    rank = len(distinct) - place  # 1 is the most popular
    expected = np.where(popularity > 0, (n_items + 1 - rank) / n_items, 0.0)
    offered = (n_items - np.arange(lists.shape[1])) / n_items  # (n + 1 - rank) / n
    there = lists >= 0
    surprise = np.maximum(offered - expected[np.where(there, lists, 0)], 0.0) * hits
    mean = _over(surprise.sum(axis=1), there.sum(axis=1))
    return np.where(n_relevant > 0, mean, np.nan)


def discounted_worth(
    hits: BoolArray, lists: IntArray, n_relevant: IntArray, worth: FloatArray
) -> FloatArray:
    """Hits times what each is worth, discounted by rank, over all the ranks' discounts, (users,).

    EPC with worth 1 - n_i / N, EFD with -log2((n_i + 1) / (N + 1)): Vargas and Castells 2011.
    """
    discounts = 1 / np.log2(np.arange(2, lists.shape[1] + 2))
    gains = hits * worth[np.where(lists >= 0, lists, 0)]
    return np.where(n_relevant > 0, gains @ discounts / discounts.sum(), np.nan)


def _over(amount: IntArray | FloatArray, divisor: IntArray) -> FloatArray:
    out = np.full(len(amount), np.nan)
    return np.divide(amount, divisor, out=out, where=divisor > 0)
