"""Ranking metrics that are made from lists when they are looked at: further ones, and areas.

hits: (users, k_max) whether the item at rank 1, 2, … is to be found, False where a list is shorter;
n_relevant: (users,) items to find. Answers are (users,), NaN with nothing to find.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, FloatArray, IntArray
from core.metrics.card import metric

PATIENCE = 0.85  # of RBP: how likely a reader goes on to the next rank


@metric(
    "Capped recall",
    r"hits in the top $k$ / min($k$, items to find)",
    "Recall whose best value is 1 for every user: who has more than k items to find is not "
    "blamed for the length of the list.",
    "CalibratedRecallK of RecPack; Recall of RepSys",
    "further",
    of=lambda seen: (seen.all_hits, seen.wanted, seen.k),
)
def capped_recall(hits: BoolArray, n_relevant: IntArray, k: int) -> FloatArray:
    """Hits over min(k, items to find), (users,)."""
    return _over(hits[:, :k].sum(axis=1), np.minimum(n_relevant, k))


@metric(
    "RBP",
    r"$(1 - p) \sum_{i \le k} r_i \, p^{i-1}$ with $p = 0.85$",
    "Rank-biased precision: hits seen by a reader who goes on to the next item with "
    "probability 0.85. What lies below k counts as nothing, so it is a lower bound.",
    "Moffat and Zobel 2008; p as in LensKit",
    "further",
    name="rbp",
    of=lambda seen: (seen.all_hits, seen.wanted, seen.k),
)
def rank_biased_precision(hits: BoolArray, n_relevant: IntArray, k: int) -> FloatArray:
    """RBP over k ranks, (users,). Moffat and Zobel 2008."""
    weights = (1 - PATIENCE) * PATIENCE ** np.arange(k)
    return np.where(n_relevant > 0, hits[:, :k] @ weights, np.nan)


@metric(
    "R-precision",
    r"hits in the top $R$ / $R$, where $R$ is the number of items to find",
    "Precision at each user's own number of items to find. Users with more than a kept list "
    "holds (50) have no value.",
    "Manning, Raghavan, Schütze 2008, section 8.4",
    "further",
    of=lambda seen: (seen.all_hits, seen.wanted),
    at_k=False,
)
def r_precision(hits: BoolArray, n_relevant: IntArray) -> FloatArray:
    """Hits in the first R places over R items to find; NaN where R is longer than the lists."""
    found = np.concatenate([np.zeros((len(hits), 1), int), hits.cumsum(axis=1)], axis=1)
    fits = (n_relevant > 0) & (n_relevant <= hits.shape[1])
    at = np.where(fits, n_relevant, 0)
    return np.where(fits, _over(found[np.arange(len(hits)), at], at), np.nan)


@metric(
    "Percentile rank",
    r"mean of (rank $-$ 1) / candidates over the items to find",
    "How far down the whole catalogue held-out items stand: 0 is the top, 0.5 is chance. "
    "Worked out from each user's AUC, so ties stand in their middle; lists from elsewhere have "
    "no scores and no value.",
    "Hu, Koren, Volinsky 2008, equation 8, with every item weighing the same",
    "further",
    of=lambda seen: (seen.auc, seen.wanted, seen.n_candidates),
    needs=["scores"],
    higher_is_better=False,
    at_k=False,
)
def percentile_rank(auc: FloatArray, n_relevant: IntArray, n_candidates: IntArray) -> FloatArray:
    """Mean of (rank - 1) / candidates over the items to find, (users,), from the AUC alone.

    The others that stand above relevant items number (1 - AUC) · others · relevant; relevant items
    above each other add (relevant - 1) / 2 on average. Hu, Koren, Volinsky 2008, equation 8.
    """
    others = n_candidates - n_relevant
    above = (1 - auc) * others + (n_relevant - 1) / 2
    return np.where(n_relevant > 0, above / np.maximum(n_candidates, 1), np.nan)


# AUC with items in place of users, and at the top of a list: limited, partial, and with as many
# relevant as other items (pAp). shown: (users, depth) whether there is an item at the place at all.


@metric(
    "GAUC",
    r"$\sum_u n_u \, AUC_u / \sum_u n_u$, $n_u$ items to find",
    "AUC with every held-out item weighing the same, in place of every user. Its interval "
    "resamples users with all their items.",
    "Zhu et al. 2017 (optimized cost per click), weights by items to find",
    "area",
    name="gauc",
    at_k=False,
)
def pooled_auc(sums: FloatArray) -> FloatArray:
    """GAUC from (…, 2) sums of items to find times AUC, and of items to find."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[..., 0] / sums[..., 1]


@metric(
    "Limited AUC",
    r"AUC with everything below the top $k$ tied",
    "AUC of the list alone: the curve of hits over others runs along the top k, then straight "
    "to its end, as if what lies below were in no order. 0.5 is a list without use. Elliot and "
    "WarpRec give what lies below nothing at all in place of a half.",
    "Schröder, Thiele, Lehner 2011, section 4.3",
    "area",
    name="lauc",
    of=lambda seen: (seen.all_hits, seen.all_shown, seen.wanted, seen.n_candidates, seen.k),
)
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


@metric(
    "Partial AUC",
    r"$\sum_{hits} \max(k - m, 0) / (k \, n_u)$, $m$ others above the hit",
    "Chance that an item to find stands above one of the first k that are not. Read off the "
    "whole kept list (50), and what lies below it counts as nothing, so at k = 50 it is a "
    "lower bound.",
    "Narasimhan and Agarwal 2013; PAUC of RecTools",
    "area",
    name="pauc",
    of=lambda seen: (seen.all_hits, seen.all_shown, seen.wanted, seen.n_candidates, seen.k),
)
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


@metric(
    "pAp",
    r"$\sum_{first\ k\ hits} \max(k - m, 0) / (k \min(k, n_u))$, $m$ others above the hit",
    "Partial AUC of the k best-placed items to find: who has more of them is not blamed for "
    "the rest.",
    "Hiranandani et al. 2020 (pAp@k); PAP of RecTools",
    "area",
    name="pap",
    of=lambda seen: (seen.all_hits, seen.all_shown, seen.wanted, seen.n_candidates, seen.k),
)
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


# Ranking metrics in which popular items do not decide: hits weighed by how popular they are.
# hits: (users, k) whether an item of lists (users, k) is to be found; weights: (n_items,) what a
# hit on each item is worth.

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


@metric(
    "IPS hits",
    r"$\sum_{i \le k} r_i \, \bar n / \max(n_i, 1)$, $n_i$ interactions in training",
    "Hits, each worth the inverse of how likely anybody is to have the item: an item of "
    "average popularity counts 1, one ten times as popular a tenth. It may be above 1, and few "
    "rare hits decide it.",
    "Schnabel et al. 2016; IPSHitRateK of RecPack, over the number of items",
    "further",
    name="ips_hit_rate",
    of=lambda seen: (seen.hits, seen.lists, seen.wanted, seen.world.rarity),
    needs=["popularity"],
)
def weighted_hits(
    hits: BoolArray, lists: IntArray, n_relevant: IntArray, weights: FloatArray
) -> FloatArray:
    """Sum over each list of what its hits are worth."""
    worth = (hits * weights[np.where(lists >= 0, lists, 0)]).sum(axis=1)
    return np.where(n_relevant > 0, worth, np.nan)


@metric(
    "Debiased recall",
    r"$\sum_{hits} w_i / \sum_{to\ find} w_i$, $w_i = \min(1, b / h_i)$, "
    r"$b = Q_3 + 1.5 (Q_3 - Q_1)$ of $h$",
    "Recall in which no item counts more often than is usual: of an item held out h times, "
    "more than the border b, every time weighs so little that all together weigh b. RecTools "
    "draws such items down to b by lot; this is the same without the lot.",
    "DebiasConfig of RecTools, with weights in place of sampling",
    "further",
    name="debiased_recall",
    of=lambda seen: (seen.hits, seen.lists, seen.world.relevant[seen.users], seen.world.debiased),
    needs=["popularity"],
)
def weighted_recall(
    hits: BoolArray, lists: IntArray, relevant: csr_matrix, weights: FloatArray
) -> FloatArray:
    """What the hits are worth over what everything to find is; relevant: (users, n_items) ones."""
    n_relevant = np.diff(relevant.indptr)
    total = (relevant != 0).astype(np.float64) @ weights
    found = weighted_hits(hits, lists, n_relevant, weights)
    return np.divide(found, total, out=np.full(len(found), np.nan), where=total > 0)


def _over(amount: IntArray | FloatArray, divisor: IntArray) -> FloatArray:
    out = np.full(len(amount), np.nan)
    return np.divide(amount, divisor, out=out, where=divisor > 0)
