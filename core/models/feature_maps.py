"""Feature maps phi: what a history of one domain says about a user, as a vector of d features.

Every map keeps one promise, so that a model can take any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix, diags

from core.basics.types import FloatArray
from core.models.als import Penalty, mass, random_factors
from core.models.protocol import State

PCA, LDA, NMF, ALS, AUTOENCODER = "pca", "lda", "nmf", "als", "autoencoder"
BPR, LIGHTGCN = "bpr", "lightgcn"
KINDS = (PCA, LDA, NMF, ALS, AUTOENCODER, BPR, LIGHTGCN)
LEARNED = (AUTOENCODER, BPR, LIGHTGCN)  # on torch
TORCH = 400 * 2**20  # bytes that loading torch takes
SPREAD = 0.5  # sums of history vectors are divided by (length of the history)^SPREAD
TINY = 1e-12


@dataclass(frozen=True)
class MapOptions:
    """How a map is learned; the last three are those of iALS alone."""

    factors: int
    rounds: int = 10
    regularization: float = 0.03
    unobserved_weight: float = 5.0


class FeatureMap(Protocol):
    """What was learned on the rows of one domain; asked for any history with NumPy alone."""

    @property
    def items(self) -> FloatArray:
        """(n_items, d); users(rows) @ items.T ranks the items of the domain."""
        ...

    def users(self, rows: csr_matrix) -> FloatArray:
        """phi of each history, (n, n_items) -> (n, d) float32; zeros for an empty one."""
        ...

    def shares(self, row: csr_matrix) -> FloatArray:
        """What each item of a history, (1, n_items), adds to its phi; (n_history, d)."""
        ...

    def state(self) -> State:
        """Everything learned, as named arrays."""
        ...


@dataclass(frozen=True)
class Reading:
    """phi by reading one vector per history item: a sum, brought to size.

    size "sum" divides the sum by the root of the history's length, "unit" to length 1, "positive"
    also cuts it off below 0: a layer of an autoencoder, which is still a sum over the items.
    """

    read: FloatArray  # (n_items, d)
    items: FloatArray  # (n_items, d)
    size: str

    def users(self, rows: csr_matrix) -> FloatArray:
        """Sums of the vectors read, brought to size."""
        sums = np.asarray(rows @ self.read, dtype=np.float32)
        return sums * self._scale(sums, np.diff(rows.indptr))

    def shares(self, row: csr_matrix) -> FloatArray:
        """The vector read for each item at the size of the whole; exact."""
        entries = self.read[row.indices] * row.data[:, None]
        return entries * self._scale(entries.sum(axis=0, keepdims=True), np.diff(row.indptr))

    def state(self) -> State:
        """Both tables of vectors."""
        return {"read": self.read, "items": self.items}

    def _scale(self, sums: FloatArray, lengths: np.ndarray) -> FloatArray:
        """(n, d) or (n, 1)"""
        if self.size == "unit":
            return 1 / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), TINY)
        short = (np.maximum(lengths, 1.0)[:, None] ** -SPREAD).astype(np.float32)
        return short * (sums > 0) if self.size == "positive" else short


@dataclass(frozen=True)
class Factors:
    """phi by implicit ALS: the best vector of a history while the items stand still."""

    items: FloatArray  # (n_items, d)
    penalty: Penalty

    def users(self, rows: csr_matrix) -> FloatArray:
        """A_u^-1 times the sum of the history's vectors, A_u from the history too."""
        return self.penalty.solve(rows, self.items, len(self.items))

    def shares(self, row: csr_matrix) -> FloatArray:
        """v_i' A_u^-1 of each history item; exact."""
        history = self.items[row.indices]  # (n_history, d)
        if not len(history):
            return history
        ridge = self.penalty.ridge(mass(row), len(self.items))
        left = self.penalty.gram(self.items) + history.T @ (history * row.data[:, None])
        left += ridge * np.eye(self.items.shape[1])
        shares: FloatArray = np.linalg.solve(left, (history * row.data[:, None]).T).T
        return shares

    def state(self) -> State:
        """Item vectors, and what a cell without interaction and a vector's length cost."""
        return {"items": self.items, "penalty": np.array(astuple(self.penalty))}


def map_steps(
    kind: str, rows: csr_matrix, options: MapOptions, rng: np.random.Generator
) -> Iterator[tuple[int, FeatureMap]]:
    """(steps in all, map) after every step of learning; only iALS has more than one.

    rows: (n_users, n_items). A domain without interactions gets a map to zeros. There are never
    more features than users or items can carry.
    """
    if kind == ALS:
        yield from ((options.rounds, found) for found in _factors(rows, options, rng))
        return
    if not rows.nnz:
        nothing = np.zeros((rows.shape[1], 1), dtype=np.float32)
        yield 1, restored_map(kind, dict.fromkeys(("read", "items"), nothing))
    else:
        yield 1, _fit_at_once(kind, rows, options.factors, int(rng.integers(2**31)))


def restored_map(kind: str, state: State) -> FeatureMap:
    """A map from its state."""
    if kind == ALS:
        return Factors(state["items"], Penalty(*map(float, state["penalty"])))
    if kind in (LDA, NMF):
        from core.models.feature_maps_topics import Topics

        return Topics(state["items"], state.get("table"))
    sizes = {AUTOENCODER: "positive", LIGHTGCN: "unit"}
    return Reading(state["read"], state["items"], sizes.get(kind, "sum"))


def _fit_at_once(kind: str, rows: csr_matrix, factors: int, seed: int) -> FeatureMap:
    if kind == PCA:
        return _pca(rows, factors, seed)
    if kind in (LDA, NMF):
        from core.models.feature_maps_topics import fit_topics

        return fit_topics(kind, rows, factors, seed)
    from core.models.feature_maps_learned import fit_learned

    return fit_learned(kind, rows, factors, seed)


def _factors(rows: csr_matrix, options: MapOptions, rng: np.random.Generator) -> Iterator[Factors]:
    penalty = Penalty.of(rows, options.unobserved_weight, options.regularization)
    items = random_factors(rows.shape[1], options.factors, rng)
    present = int((np.diff(rows.indptr) > 0).sum())
    for _ in range(options.rounds):
        users = penalty.solve(rows, items, len(items))
        items = penalty.solve(rows.T.tocsr(), users, present)
        yield Factors(items, penalty)


def _pca(rows: csr_matrix, factors: int, seed: int) -> Reading:
    """Truncated SVD of the rows at length 1 each: users are V' of their row (PureSVD).

    Cremonesi et al. 2010 (Performance of recommender algorithms on top-N), sec. 3 (PureSVD).
    """
    from sklearn.utils.extmath import randomized_svd

    lengths = np.maximum(np.diff(rows.indptr), 1.0)
    scaled = csr_matrix(diags(lengths**-SPREAD) @ rows)
    width = min(factors, *rows.shape)
    _, _, axes = randomized_svd(scaled, width, random_state=seed)  # (d, n_items)
    axes = np.ascontiguousarray(axes.T, dtype=np.float32)
    return Reading(axes, axes, "sum")
