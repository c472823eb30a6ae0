"""Vectors of users and items from the interactions alone, for models that have none."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags, hstack

from core.basics.types import FloatArray, IntArray, Vectors
from core.data.pair import DomainPair

FACTORS = 32
_EXTRA, _ROUNDS = 10, 4  # oversampling and power iterations of the randomised decomposition


def interaction_vectors(
    train: DomainPair, factors: int = FACTORS, seed: int = 0, learned: IntArray | None = None
) -> Vectors:
    """Principal coordinates of the users x (source items, target items) matrix.

    Correspondence analysis (Greenacre 1984, ch. 4): each interaction counts 1 / sqrt(user's
    interactions x item's interactions), less what both counts alone make likely, so that neither
    heavy users nor hits rule the map. A user's vector in a domain sums over their history there.

    learned: users whose histories say where items lie; all others are placed by their items alone,
    so that nothing but taste can bring their two vectors together. None for everybody.
    """
    joint = hstack([train.source, train.target], format="csr")
    known = joint if learned is None else joint[learned]
    counts = [np.asarray(known.sum(axis=axis), dtype=np.float32).ravel() for axis in (1, 0)]
    # Right singular vectors times their singular values, largest first, (n_items, <= wanted)
    matrix = _Residual(_balanced(known, *counts), *counts)
    size = min(factors + _EXTRA, *matrix.shape)
    start = np.random.default_rng(seed).normal(size=(matrix.shape[1], size)).astype(np.float32)
    basis, _ = np.linalg.qr(matrix.times(start))
    for _ in range(_ROUNDS):
        basis, _ = np.linalg.qr(matrix.transposed_times(basis))
        basis, _ = np.linalg.qr(matrix.times(basis))
    _, values, right = np.linalg.svd(matrix.transposed_times(basis).T, full_matrices=False)
    vectors = (right * values[:, None]).T[:, :factors]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    items = np.ascontiguousarray(vectors * np.where(signs == 0, 1, signs), dtype=np.float32)
    n_source = train.source.shape[1]
    by_user = np.asarray(joint.sum(axis=1), dtype=np.float32).ravel()
    balanced = _balanced(joint, by_user, counts[1])
    return Vectors(
        source_items=items[:n_source],
        target_items=items[n_source:],
        source_users=np.asarray(balanced[:, :n_source] @ items[:n_source]),
        target_users=np.asarray(balanced[:, n_source:] @ items[n_source:]),
    )


def _balanced(joint: csr_matrix, by_user: FloatArray, by_item: FloatArray) -> csr_matrix:
    """Entries over the roots of their row's and their column's counts; empty ones stay 0."""
    rows, columns = (diags(1 / np.sqrt(np.maximum(counts, 1))) for counts in (by_user, by_item))
    return (rows @ joint @ columns).astype(np.float32).tocsr()


class _Residual:
    """The balanced matrix less its expectation, a rank of one that is never written out."""

    def __init__(self, balanced: csr_matrix, by_user: FloatArray, by_item: FloatArray) -> None:
        self.balanced, self.shape = balanced, balanced.shape
        total = max(float(by_user.sum()), 1.0)
        self.users, self.items = np.sqrt(by_user / total), np.sqrt(by_item / total)

    def times(self, columns: FloatArray) -> FloatArray:
        """(n_users, m) from (n_items, m)."""
        return self.balanced @ columns - np.outer(self.users, self.items @ columns)

    def transposed_times(self, columns: FloatArray) -> FloatArray:
        """(n_items, m) from (n_users, m)."""
        return self.balanced.T @ columns - np.outer(self.items, self.users @ columns)


def normalised(vectors: FloatArray) -> FloatArray:
    """Rows at length 1, float32, so that dot products are cosines; rows of zeros stay zeros."""
    vectors = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
