"""Fused lists of all users at any weighting, quality over the ratio, and weights by activity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.sorted_sets import among
from core.basics.types import BoolArray, Candidates, DomainScores, FloatArray, IntArray, Masked
from core.fusion.combine import Fusion, blend, fuse_scores, row_weights, shaped
from core.fusion.lists import NOBODY, top_k


@dataclass(frozen=True)
class FusedLists:
    """Lists of users at one weighting, best first; NaN where a list is shorter than k."""

    users: IntArray  # (n_users,)
    items: IntArray  # (n_users, k) int32, -1 where a list is shorter
    source: FloatArray  # (n_users, k) float32, the part as the model gave it
    target: FloatArray
    source_part: FloatArray  # (n_users, k) what it adds to fused: alpha * f(source)
    target_part: FloatArray
    base: FloatArray
    fused: FloatArray  # base + source_part + target_part


@dataclass(frozen=True)
class Prepared:
    """Candidates that can reach a top k, in padded rows, ready for any alpha and beta.

    Rows are users; entries stand by source part, target part, item number, so equal fused scores
    go by position. Where a row is shorter, base is -inf and items is -1.
    """

    users: IntArray  # (n_users,)
    items: IntArray  # (n_users, width) int32
    source: FloatArray  # (n_users, width) float32, raw
    target: FloatArray
    base: FloatArray
    source_value: FloatArray  # (n_users, width) float32: f(source) of the kind and scale
    target_value: FloatArray
    has_source: BoolArray  # (n_users,)
    has_target: BoolArray
    kind: str
    scale: str
    k: int

    def fused(self, alpha: float, beta: float) -> FloatArray:
        """Fused scores, (n_users, width) float32, -inf where a row is shorter."""
        fusion = Fusion(alpha, beta, self.kind, self.scale)
        return blend(
            self.base,
            self.source_value,
            self.target_value,
            self.has_source,
            self.has_target,
            fusion,
        )

    def row_weights(self, alpha: float, beta: float) -> tuple[FloatArray, FloatArray]:
        """alpha and beta as they act for each user, (n_users, 1) each."""
        return row_weights(self.has_source, self.has_target, Fusion(alpha, beta))


def prepare(candidates: Candidates, kind: str, scale: str, k: int) -> Prepared:
    """What stays the same while a slider moves; raises ValueError for k beyond the depth."""
    if k > candidates.depth:
        raise ValueError(f"lists of {k} need candidates of that depth, not {candidates.depth}")
    reach = candidates.dominators < k
    rows = np.repeat(np.arange(len(candidates.users)), np.diff(candidates.starts))[reach]
    sizes = np.bincount(rows, minlength=len(candidates.users))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    place = rows, np.arange(len(rows)) - starts[rows]
    shape = len(sizes), int(sizes.max(initial=1))

    def padded(name: str, filler: float) -> np.ndarray:
        values = getattr(candidates, name)
        column = np.full(shape, filler, dtype=values.dtype)
        column[place] = values[reach]
        return column

    source, target = padded("source", 0.0), padded("target", 0.0)
    source_value, target_value = (
        shaped(values, padded(f"{name}_rank", 1), getattr(candidates, f"{name}_scale"), kind, scale)
        for name, values in (("source", source), ("target", target))
    )
    return Prepared(
        candidates.users,
        padded("items", NOBODY),
        source,
        target,
        padded("base", -np.inf),
        source_value,
        target_value,
        candidates.has_source,
        candidates.has_target,
        kind,
        scale,
        k,
    )


def fused_top_k(candidates: Candidates, fusion: Fusion, k: int) -> FusedLists:
    """Every user's top k, equal to ranking the whole catalogue; raises ValueError for k > depth."""
    prepared = prepare(candidates, fusion.kind, fusion.scale, k)
    return prepared_top_k(prepared, fusion.alpha, fusion.beta, k)


def prepared_top_k(prepared: Prepared, alpha: float, beta: float, k: int) -> FusedLists:
    """The same from prepared candidates, for k up to theirs."""
    fused = prepared.fused(alpha, beta)
    places = _best_places(fused, min(k, fused.shape[1]))  # (n_users, up to k)
    items = _taken(prepared.items, places, k, NOBODY)
    there = items != NOBODY
    columns = (
        prepared.source,
        prepared.target,
        prepared.source_value,
        prepared.target_value,
        prepared.base,
        fused,
    )
    source, target, source_value, target_value, base, score = (
        np.where(there, _taken(values, places, k, 0.0), np.float32(np.nan)) for values in columns
    )
    of_source, of_target = prepared.row_weights(alpha, beta)
    return FusedLists(
        prepared.users,
        items,
        source,
        target,
        of_source * source_value,
        of_target * target_value,
        base,
        score,
    )


def one_user_top_k(
    scores: DomainScores, masked: Masked, fusion: Fusion, k: int
) -> tuple[IntArray, FloatArray]:
    """Item numbers and fused scores of one user's list from full scores, (up to k,) each.

    scores and masked have one row. For users who were not evaluated and have no candidates.
    """
    fused = fuse_scores(scores, masked, fusion)
    items = top_k(fused, scores.source, scores.target, k)[0]
    items = items[items != NOBODY]
    return items, fused[0, items]


def relevant_entries(prepared: Prepared, relevant: csr_matrix) -> BoolArray:
    """Which entries are held out for their user, (n_users, width).

    relevant: (all users, n_items), rows by user number.
    """
    return held_out(prepared.users, prepared.items, relevant)


def held_out(users: IntArray, items: IntArray, relevant: csr_matrix) -> BoolArray:
    """Which of each user's items are held out for them, (n_users, n).

    items: (n_users, n) numbers, -1 where there is none; relevant: (all users, n_items).
    """
    wanted, n_items = relevant[users], relevant.shape[1]
    rows = np.repeat(np.arange(len(users)), np.diff(wanted.indptr))
    keys = np.arange(len(users))[:, None] * n_items + items.astype(np.int64)
    return among(keys, rows * n_items + wanted.indices) & (items != NOBODY)


def ranks_of(fused: FloatArray, rows: IntArray, places: IntArray) -> IntArray:
    """Rank of each given entry within its row of fused scores, 1 is best, (entries,).

    Far cheaper than sorting: only held-out entries are asked for.
    """
    ranks = np.empty(len(rows), dtype=np.int64)
    step = max(1, 4_000_000 // max(1, fused.shape[1]))
    earlier = np.arange(fused.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        row, place = fused[rows[part]], places[part]
        own = row[np.arange(len(row)), place][:, None]
        before = (row > own) | ((row == own) & (earlier < place[:, None]))
        ranks[part] = 1 + before.sum(axis=1)
    return ranks


def _best_places(fused: FloatArray, k: int) -> IntArray:
    """Positions of each row's best k, best first; equal scores go by position."""
    cut = np.partition(fused, fused.shape[1] - k, axis=1)[:, -k, None]
    above, level = fused > cut, fused == cut
    room = k - above.sum(axis=1, keepdims=True)
    taken = above | (level & (level.cumsum(axis=1, dtype=np.int32) <= room))
    places = np.nonzero(taken)[1].reshape(len(fused), k)
    order = np.argsort(-np.take_along_axis(fused, places, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)


def _taken(values: np.ndarray, places: IntArray, k: int, filler: float) -> np.ndarray:
    """Values at the places, (n_users, k), filled up where a row is shorter than k."""
    taken = np.take_along_axis(values, places, axis=1)
    return np.pad(taken, ((0, 0), (0, k - taken.shape[1])), constant_values=filler)
