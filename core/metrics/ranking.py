"""Ranking metrics that every run keeps, per user, worked out for many users at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.basics.types import BoolArray, FloatArray, IntArray
from core.metrics.card import CARDS, metric

KS = (5, 10, 20, 50)
FEW = 16  # relevant items up to which counting is faster than sorting all scores


@dataclass(frozen=True)
class Hits:
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
    """Every metric `of_hits` at every k, keys like "ndcg@10", values (users,) float64.

    hits: (users, k_max), whether the item at rank 1, 2, … is relevant; a list shorter than k_max
    is filled up with False. n_relevant: (users,) items to find. Raises ValueError for k > k_max.
    """
    if max(ks) > hits.shape[1]:
        raise ValueError(f"k = {max(ks)} needs lists of that length, these have {hits.shape[1]}")
    ranks = np.arange(1, hits.shape[1] + 1)
    hit = hits.astype(np.float64)
    found = hit.cumsum(axis=1)
    first = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1.0, np.inf)
    running = Hits(
        found=found,
        gains=(hit / np.log2(ranks + 1)).cumsum(axis=1),
        precisions=(hit * found / ranks).cumsum(axis=1),
        first=first,
        ideal=_ideal_gains(hits.shape[1]),
        n_relevant=np.asarray(n_relevant),
    )
    nothing = n_relevant == 0
    return {
        card.column(k): np.where(nothing, np.nan, card.function(running, k))
        for card in CARDS
        if card.of_hits
        for k in ks
    }


@metric(
    "nDCG",
    r"$\sum_{i \le k} r_i / \log_2(i + 1)$ over the same sum for a perfect list",
    "How many held-out items are in the list and how high up; 1 is a perfect list. "
    "The perfect list has min(k, items to find) hits.",
    "Järvelin and Kekäläinen 2002; binary gain",
    "ranking",
    of_hits=True,
)
def _ndcg(hits: Hits, k: int) -> FloatArray:
    ideal = hits.ideal[np.minimum(hits.n_relevant, k)]
    return hits.gains[:, k - 1] / np.where(ideal > 0, ideal, 1.0)


@metric(
    "Recall",
    r"hits in the top $k$ / items to find",
    "Share of a user's held-out items that made the list; the divisor is never capped at k.",
    "Standard",
    "ranking",
    of_hits=True,
)
def _recall(hits: Hits, k: int) -> FloatArray:
    return hits.found[:, k - 1] / np.maximum(hits.n_relevant, 1)


@metric(
    "Precision",
    r"hits in the top $k$ / $k$",
    "Share of the list that is held out for the user; a short list still divides by k.",
    "Standard",
    "ranking",
    of_hits=True,
)
def _precision(hits: Hits, k: int) -> FloatArray:
    return hits.found[:, k - 1] / k


@metric(
    "F1",
    r"$2 P R / (P + R)$",
    "Harmonic mean of a user's precision and recall; 0 without a hit.",
    "van Rijsbergen 1979",
    "ranking",
    of_hits=True,
)
def _f1(hits: Hits, k: int) -> FloatArray:
    return 2 * hits.found[:, k - 1] / (k + hits.n_relevant)  # 2PR / (P + R), 0 without a hit


@metric(
    "Hit rate",
    r"1 if there is a hit in the top $k$, else 0",
    "Share of users with at least one held-out item in the list.",
    "Standard",
    "ranking",
    of_hits=True,
)
def _hit_rate(hits: Hits, k: int) -> FloatArray:
    return (hits.first <= k).astype(np.float64)


@metric(
    "MRR",
    r"1 / rank of the first hit, 0 without one in the top $k$",
    "How far down a user reads to the first held-out item.",
    "Voorhees 1999",
    "ranking",
    of_hits=True,
)
def _mrr(hits: Hits, k: int) -> FloatArray:
    return np.where(hits.first <= k, 1 / hits.first, 0.0)


@metric(
    "MAP",
    r"$\sum_{i \le k} P@i \, r_i$ / min($k$, items to find)",
    "Precision at each hit, averaged; it rewards hits near the top.",
    "Divisor min(k, n) as in Kaggle's MAP@k; libraries differ",
    "ranking",
    of_hits=True,
)
def _map(hits: Hits, k: int) -> FloatArray:
    return hits.precisions[:, k - 1] / np.clip(hits.n_relevant, 1, k)


@metric(
    "AUC",
    r"$P(s_{relevant} > s_{other}) + \tfrac{1}{2} P(s_{relevant} = s_{other})$",
    "Chance that a held-out item scores above another unmasked item of the whole catalogue.",
    "Mann and Whitney 1947; ties count half",
    "ranking",
    name="auc",
    kept=True,
    at_k=False,
)
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
