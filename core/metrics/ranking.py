"""Ranking metrics per user from hits and ranks, worked out for many users at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.basics.types import BoolArray, FloatArray, IntArray

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
    lists = _running_sums(hits, n_relevant)
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


def _running_sums(hits: BoolArray, n_relevant: IntArray) -> _Lists:
    ranks = np.arange(1, hits.shape[1] + 1)
    hit = hits.astype(np.float64)
    found = hit.cumsum(axis=1)
    first = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1.0, np.inf)
    return _Lists(
        found=found,
        gains=(hit / np.log2(ranks + 1)).cumsum(axis=1),
        precisions=(hit * found / ranks).cumsum(axis=1),
        first=first,
        ideal=_ideal_gains(hits.shape[1]),
        n_relevant=np.asarray(n_relevant),
    )


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
