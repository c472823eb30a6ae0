"""The weights of a blend, found on validation users: one from a small grid, or six by stacking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.columns import VALID
from core.basics.errors import RunError
from core.basics.types import BoolArray, DomainScores, FloatArray, IntArray, Masked
from core.data.snapshot import Split
from core.evaluation.evaluate import user_chunks
from core.fusion.combine import mask, top_k
from core.metrics.ranking import per_user_metrics
from core.models.made.blend import (
    STACKING,
    Comparable,
    combined,
    simple_coefficients,
    stacked_weights,
)
from core.models.protocol import CrossDomainModel

GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MOST_USERS = 2_000  # validation users looked at, drawn once
SHOWN = 100  # best items of each member that stacking learns from


@dataclass(frozen=True)
class _Chunk:
    """Some validation users with what both members say of them."""

    first: Comparable
    second: Comparable
    masked: Masked
    relevant: csr_matrix


def weights_on_validation(
    members: Sequence[CrossDomainModel], kind: str, split: Split
) -> dict[float, FloatArray]:
    """nDCG@10 of every validation user by weight of the first member, over the grid.

    Raises RunError where the split has no validation users.
    """
    found: dict[float, list[FloatArray]] = {weight: [] for weight in GRID}
    for chunk in _chunks(members, kind, split):
        for weight, values in found.items():
            scores = combined(chunk.first, chunk.second, simple_coefficients(weight))
            values.append(_ndcg(scores, chunk.masked, chunk.relevant))
    return {weight: np.concatenate(values) for weight, values in found.items()}


def best_weight(found: dict[float, FloatArray]) -> float:
    """The weight nearest to equal shares within one standard error of the best.

    The error is that of the paired difference to the best: neighbours on a noisy curve are not
    told apart by luck on validation.
    """
    best = max(found.values(), key=lambda values: float(values.mean()))
    n_users = max(1, len(best))

    def as_good(values: FloatArray) -> bool:
        behind = best - values
        return bool(behind.mean() <= behind.std() / np.sqrt(n_users))

    near = [weight for weight, values in found.items() if as_good(values)]
    return min(near, key=lambda weight: (abs(weight - 0.5), -found[weight].mean()))


def stacked_coefficients(members: Sequence[CrossDomainModel], split: Split) -> FloatArray:
    """(2, 3) weights of own score, source part and target part of both members.

    Learned on the items that stand among the SHOWN best of either member: an item that neither
    lists cannot be brought up by weighing them.
    """
    features, liked = [], []
    for chunk in _chunks(members, STACKING, split):
        for row in range(chunk.relevant.shape[0]):
            items = _shown(chunk, row)
            features.append(_features(chunk, row, items))
            liked.append(np.isin(items, chunk.relevant[row].indices))
    return stacked_weights(features, liked).reshape(2, 3).astype(np.float32)


def _chunks(members: Sequence[CrossDomainModel], kind: str, split: Split) -> Iterator[_Chunk]:
    users = split.users(VALID)
    if not len(users):
        raise RunError(
            what="This split has no validation users to find the weights on.",
            hint="Give a weight for a sum or a product, or split with a validation part.",
        )
    if len(users) > MOST_USERS:
        users = np.sort(np.random.default_rng(0).choice(users, MOST_USERS, replace=False))
    masked, relevant = split.masked(VALID), split.held_out(VALID)
    for chunk in user_chunks(users, relevant.shape[1]):
        first, second = (Comparable.of(member.score(chunk), kind) for member in members)
        yield _Chunk(first, second, masked[chunk], relevant[chunk])


def _ndcg(scores: DomainScores, masked: Masked, relevant: csr_matrix) -> FloatArray:
    """nDCG@10 of each user by the blend's own score."""
    lists = top_k(mask(scores.own_scores().copy(), masked), scores.source, scores.target, 10)
    return per_user_metrics(_hits(lists, relevant), np.diff(relevant.indptr), (10,))["ndcg@10"]


def _hits(lists: IntArray, relevant: csr_matrix) -> BoolArray:
    """Which places of the lists hold something to find; padding never does."""
    rows = np.arange(len(lists))[:, None]
    found = relevant.astype(bool).toarray()
    return found[rows, lists] & (lists >= 0)


def _shown(chunk: _Chunk, row: int) -> IntArray:
    """Unmasked items among the best of either member, (n_shown,)."""
    free, best = chunk.masked.free(row), []
    for member in (chunk.first, chunk.second):
        own = member.own[row].copy()
        own[~free] = -np.inf
        n_best = min(SHOWN, int(free.sum()))
        best.append(np.argsort(-own)[:n_best])
    return np.union1d(*best)


def _features(chunk: _Chunk, row: int, items: IntArray) -> FloatArray:
    """(n_shown, 6) own score, source part and target part of the first member, then the second."""
    columns = [
        values[row, items]
        for member in (chunk.first, chunk.second)
        for values in (member.own, member.source, member.target)
    ]
    return np.stack(columns, axis=1)
