"""Each domain's users drawn from that domain alone: the honest "before" of an alignment.

Two spaces made apart differ by an arbitrary rotation, so their gap would be large for nothing: one
is turned onto the other first, learned from users the gap is not measured on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray, Vectors
from core.data.pair import DomainPair
from core.embedding.gap import UserVectors, user_vectors
from core.embedding.interaction_vectors import interaction_vectors
from core.models.networks.adversarial import held_out_users

FACTORS = 32


def separate_vectors(train: DomainPair, factors: int = FACTORS, seed: int = 0) -> UserVectors:
    """Users by either domain's interactions alone, the source turned onto the target.

    The rotation is the orthogonal Procrustes solution (Schönemann 1966) over the shared users whom
    no gap is measured on. Raises DataError for too few shared users.
    """
    source = interaction_vectors(_alone(train, source=True), factors, seed).source_users
    target = interaction_vectors(_alone(train, source=False), factors, seed).target_users
    assert source is not None
    assert target is not None
    source, target = _same_width(source, target)
    drawn = user_vectors(Vectors(None, None, source, target))
    learned, _ = held_out_users(drawn.users)
    some = drawn.of(learned)
    return replace(drawn, source=drawn.source @ rotation(some.source, some.target))


def turned_onto(before: UserVectors, after: UserVectors) -> UserVectors:
    """The separate space laid onto a model's: one rotation for both domains, by target vectors.

    Both then share one layout; a rotation changes no distance within `before`.
    """
    width = max(before.source.shape[1], after.source.shape[1])
    onto = _wide(after.target, width)
    both = np.intersect1d(before.users, after.users)
    turn = rotation(
        _wide(before.of(both).target, width), onto[np.flatnonzero(np.isin(after.users, both))]
    )
    return replace(
        before, source=_wide(before.source, width) @ turn, target=_wide(before.target, width) @ turn
    )


def rotation(moved: FloatArray, onto: FloatArray) -> FloatArray:
    """Orthogonal matrix, (d, d), that brings rows of `moved` nearest to those of `onto`."""
    left, _, right = np.linalg.svd(moved.T.astype(np.float64) @ onto)
    return np.asarray(left @ right, dtype=np.float32)


def _alone(train: DomainPair, *, source: bool) -> DomainPair:
    """The pair with the other domain silenced."""
    if source:
        return replace(train, target=csr_matrix(train.target.shape, dtype=np.float32))
    return replace(train, source=csr_matrix(train.source.shape, dtype=np.float32))


def _same_width(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    width = max(first.shape[1], second.shape[1])
    return _wide(first, width), _wide(second, width)


def _wide(vectors: FloatArray, width: int) -> FloatArray:
    """The vectors with zeros behind them; no distance changes."""
    return np.pad(vectors, ((0, 0), (0, max(0, width - vectors.shape[1]))))
