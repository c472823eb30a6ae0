"""Ranking metrics per user from hits and ranks, worked out for many users at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, FloatArray, IntArray
from core.metrics.card import MetricCard

KS = (5, 10, 20, 50)
FEW = 16  # relevant items up to which counting is faster than sorting all scores


@dataclass(frozen=True)
class _Lists:
    """Running sums over ranks of every user's list, so that each metric at any k is one look-up."""

    found: FloatArray  # (users, k_max) hits so far
    gains: FloatArray  # (users, k_max) discounted hits so far
    precisions: FloatArray  # (users, k_max) sum of the precision at each hit so far
    first: FloatArray  # (users,) rank of the first hit, infinite where there is none
    ideal: FloatArray  # (k_max + 1,) discounted gain of a perfect list with so many hits
    n_relevant: IntArray  # (users,)


def per_user_metrics(
    hits: BoolArray, n_relevant: IntArray, ks: Sequence[int] = KS
) -> dict[str, FloatArray]:
    """Every ranking metric at every k, keys like "ndcg@10", values (users,) float64.

    hits: (users, k_max), whether the item at rank 1, 2, … is relevant; a list shorter than k_max
    is filled up with False. n_relevant: (users,) items to find. Raises ValueError for k > k_max.
    """
    if max(ks) > hits.shape[1]:
        raise ValueError(f"k = {max(ks)} needs lists of that length, these have {hits.shape[1]}")
    ranks = np.arange(1, hits.shape[1] + 1)
    hit = hits.astype(np.float64)
    found = hit.cumsum(axis=1)
    first = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1.0, np.inf)
    lists = _Lists(
        found=found,
        gains=(hit / np.log2(ranks + 1)).cumsum(axis=1),
        precisions=(hit * found / ranks).cumsum(axis=1),
        first=first,
        ideal=_ideal_gains(hits.shape[1]),
        n_relevant=np.asarray(n_relevant),
    )
    nothing = n_relevant == 0
    return {
        f"{name}@{k}": np.where(nothing, np.nan, metric(lists, k))
        for name, metric in _METRICS.items()
        for k in ks
    }


def per_user_auc(
    scores: FloatArray, relevant_rows: IntArray, relevant_items: IntArray
) -> FloatArray:
    """Share of (relevant, other) pairs in the right order, ties counting half, (users,) float64.

    scores: (users, items), -inf where an item is masked; masked items are in no pair.
    relevant_rows, relevant_items: (pairs,) what each row of scores has to find, unmasked. NaN for a
    user without a relevant or without another item. Mann and Whitney 1947, with mid-ranks.
    """
    n_masked = np.isneginf(scores).sum(axis=1)
    order = np.argsort(relevant_rows, kind="stable")
    bounds = np.searchsorted(relevant_rows[order], np.arange(len(scores) + 1))
    auc = np.full(len(scores), np.nan)
    for row in np.flatnonzero(np.diff(bounds)):
        items = relevant_items[order[bounds[row] : bounds[row + 1]]]
        auc[row] = _auc(scores[row], int(n_masked[row]), scores[row, items])
    return auc


def ndcg(found_at: IntArray, rows: IntArray, n_relevant: IntArray, k: int) -> FloatArray:
    """nDCG@k from the ranks of relevant items alone, (users,) float64.

    found_at: (pairs,) rank of a relevant item, 1 is best; rows: (pairs,) whose it is.
    """
    gains = np.where(found_at <= k, 1 / np.log2(found_at + 1.0), 0.0)
    total = np.bincount(rows, weights=gains, minlength=len(n_relevant))
    ideal = _ideal_gains(k)[np.minimum(n_relevant, k)]
    return np.divide(total, ideal, out=np.full(len(total), np.nan), where=n_relevant > 0)


def _auc(values: FloatArray, n_masked: int, found: FloatArray) -> float:
    """values: (items,) of one user; found: those of the relevant items, none of them masked."""
    n_relevant = len(found)
    n_others = len(values) - n_masked - n_relevant
    if n_others == 0:
        return np.nan
    below, up_to = _places(values, found)
    mid_ranks = (below + up_to + 1) / 2 - n_masked
    wins = mid_ranks.sum() - n_relevant * (n_relevant + 1) / 2
    return float(wins / (n_relevant * n_others))


def _places(values: FloatArray, found: FloatArray) -> tuple[IntArray, IntArray]:
    """How many values are below, and how many at most as high as, each of `found`."""
    if len(found) > FEW:
        ordered = np.sort(values)
        return np.searchsorted(ordered, found), np.searchsorted(ordered, found, side="right")
    below = np.array([np.count_nonzero(values < value) for value in found])
    return below, np.array([np.count_nonzero(values <= value) for value in found])


def _ideal_gains(k_max: int) -> FloatArray:
    """Discounted gain of a perfect list with 0, 1, …, k_max hits."""
    return np.concatenate([[0.0], (1 / np.log2(np.arange(2, k_max + 2))).cumsum()])


def _ndcg(lists: _Lists, k: int) -> FloatArray:
    ideal = lists.ideal[np.minimum(lists.n_relevant, k)]
    return lists.gains[:, k - 1] / np.where(ideal > 0, ideal, 1.0)


def _recall(lists: _Lists, k: int) -> FloatArray:
    return lists.found[:, k - 1] / np.maximum(lists.n_relevant, 1)


def _precision(lists: _Lists, k: int) -> FloatArray:
    return lists.found[:, k - 1] / k


def _f1(lists: _Lists, k: int) -> FloatArray:
    return 2 * lists.found[:, k - 1] / (k + lists.n_relevant)  # 2PR / (P + R), 0 without a hit


def _hit_rate(lists: _Lists, k: int) -> FloatArray:
    return (lists.first <= k).astype(np.float64)


def _mrr(lists: _Lists, k: int) -> FloatArray:
    return np.where(lists.first <= k, 1 / lists.first, 0.0)


def _map(lists: _Lists, k: int) -> FloatArray:
    return lists.precisions[:, k - 1] / np.clip(lists.n_relevant, 1, k)


_METRICS: dict[str, Callable[[_Lists, int], FloatArray]] = {
    "ndcg": _ndcg,
    "recall": _recall,
    "precision": _precision,
    "f1": _f1,
    "hit_rate": _hit_rate,
    "mrr": _mrr,
    "map": _map,
}


# Ranking metrics beyond the kept ones, per user, from hits in lists; NaN with nothing to find.
# hits: (users, k_max) whether the item at rank 1, 2, … is to be found, False where a list is
# shorter; n_relevant: (users,) items to find.

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


# Cards of ranking metrics that are read off lists when they are looked at.

_further = partial(MetricCard, group="further", kept=False)
_area = partial(MetricCard, group="area", kept=False)

FURTHER_CARDS = (
    _further(
        "capped_recall",
        "Capped recall",
        r"hits in the top $k$ / min($k$, items to find)",
        "Recall whose best value is 1 for every user: who has more than k items to find is not "
        "blamed for the length of the list.",
        "CalibratedRecallK of RecPack; Recall of RepSys",
    ),
    _further(
        "rbp",
        "RBP",
        r"$(1 - p) \sum_{i \le k} r_i \, p^{i-1}$ with $p = 0.85$",
        "Rank-biased precision: hits seen by a reader who goes on to the next item with "
        "probability 0.85. What lies below k counts as nothing, so it is a lower bound.",
        "Moffat and Zobel 2008; p as in LensKit",
    ),
    _further(
        "r_precision",
        "R-precision",
        r"hits in the top $R$ / $R$, where $R$ is the number of items to find",
        "Precision at each user's own number of items to find. Users with more than a kept list "
        "holds (50) have no value.",
        "Manning, Raghavan, Schütze 2008, section 8.4",
        at_k=False,
    ),
    _further(
        "percentile_rank",
        "Percentile rank",
        r"mean of (rank $-$ 1) / candidates over the items to find",
        "How far down the whole catalogue held-out items stand: 0 is the top, 0.5 is chance. "
        "Worked out from each user's AUC, so ties stand in their middle; lists from elsewhere have "
        "no scores and no value.",
        "Hu, Koren, Volinsky 2008, equation 8, with every item weighing the same",
        higher_is_better=False,
        at_k=False,
    ),
    _further(
        "ips_hit_rate",
        "IPS hits",
        r"$\sum_{i \le k} r_i \, \bar n / \max(n_i, 1)$, $n_i$ interactions in training",
        "Hits, each worth the inverse of how likely anybody is to have the item: an item of "
        "average popularity counts 1, one ten times as popular a tenth. It may be above 1, and few "
        "rare hits decide it.",
        "Schnabel et al. 2016; IPSHitRateK of RecPack, over the number of items",
    ),
    _further(
        "debiased_recall",
        "Debiased recall",
        r"$\sum_{hits} w_i / \sum_{to\ find} w_i$, $w_i = \min(1, b / h_i)$, "
        r"$b = Q_3 + 1.5 (Q_3 - Q_1)$ of $h$",
        "Recall in which no item counts more often than is usual: of an item held out h times, "
        "more than the border b, every time weighs so little that all together weigh b. RecTools "
        "draws such items down to b by lot; this is the same without the lot.",
        "DebiasConfig of RecTools, with weights in place of sampling",
    ),
)

AREA_CARDS = (
    _area(
        "gauc",
        "GAUC",
        r"$\sum_u n_u \, AUC_u / \sum_u n_u$, $n_u$ items to find",
        "AUC with every held-out item weighing the same, in place of every user. Its interval "
        "resamples users with all their items.",
        "Zhu et al. 2017 (optimized cost per click), weights by items to find",
        at_k=False,
    ),
    _area(
        "lauc",
        "Limited AUC",
        r"AUC with everything below the top $k$ tied",
        "AUC of the list alone: the curve of hits over others runs along the top k, then straight "
        "to its end, as if what lies below were in no order. 0.5 is a list without use. Elliot and "
        "WarpRec give what lies below nothing at all in place of a half.",
        "Schröder, Thiele, Lehner 2011, section 4.3",
    ),
    _area(
        "pauc",
        "Partial AUC",
        r"$\sum_{hits} \max(k - m, 0) / (k \, n_u)$, $m$ others above the hit",
        "Chance that an item to find stands above one of the first k that are not. Read off the "
        "whole kept list (50), and what lies below it counts as nothing, so at k = 50 it is a "
        "lower bound.",
        "Narasimhan and Agarwal 2013; PAUC of RecTools",
    ),
    _area(
        "pap",
        "pAp",
        r"$\sum_{first\ k\ hits} \max(k - m, 0) / (k \min(k, n_u))$, $m$ others above the hit",
        "Partial AUC of the k best-placed items to find: who has more of them is not blamed for "
        "the rest.",
        "Hiranandani et al. 2020 (pAp@k); PAP of RecTools",
    ),
)


# AUC at the top of a list: limited, partial, and with as many relevant as other items (pAp).
# hits, shown: (users, depth) whether the item at rank 1, 2, … is to be found, and whether there
# is one at all; n_relevant: (users,) items to find. Answers are (users,), NaN with nothing to
# find.


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


# Ranking metrics in which popular items do not decide: hits weighed by how popular they are.
# hits: (users, k) whether an item of lists (users, k) is to be found; weights: (n_items,) what a
# hit on each item is worth. Answers are (users,), NaN with nothing to find.

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
