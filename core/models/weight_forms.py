"""Three ways to keep item-to-item weights: a full table, a sparse one, or a mix of users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix, diags

from core.basics.types import FloatArray, IntArray
from core.models.protocol import State

CHUNK = 1024  # users compared with all training users at once


class WeightForm(Protocol):
    """Weights from history items, (n_items,) of one or both domains, to the target items."""

    def scores(self, rows: csr_matrix) -> FloatArray:
        """Weights summed over histories, (n_rows, n_items) -> (n_rows, n_target_items) float32."""
        ...

    def towards(self, item: int, history: IntArray) -> FloatArray:
        """Weight of each history item for one target item, (n_history,)."""
        ...

    def state(self) -> State:
        """The arrays to keep."""
        ...


@dataclass(frozen=True)
class DenseWeights:
    """Every weight, (n_items, n_target_items), a row per history item."""

    weights: FloatArray

    def scores(self, rows: csr_matrix) -> FloatArray:
        """One sparse product."""
        return np.asarray(rows @ self.weights, dtype=np.float32)

    def towards(self, item: int, history: IntArray) -> FloatArray:
        """Read off."""
        return self.weights[history, item]

    def state(self) -> State:
        """The table."""
        return {"weights": self.weights}


@dataclass(frozen=True)
class SparseWeights:
    """The few weights that are not 0, (n_items, n_target_items)."""

    weights: csr_matrix

    def scores(self, rows: csr_matrix) -> FloatArray:
        """One sparse product."""
        return (rows @ self.weights).toarray().astype(np.float32, copy=False)

    def towards(self, item: int, history: IntArray) -> FloatArray:
        """Read off; 0 where the history item is no neighbour."""
        return self.weights[history][:, [item]].toarray().ravel()

    def state(self) -> State:
        """The three arrays of the sparse table and its shape."""
        table = self.weights
        shape = np.array(table.shape, dtype=np.int64)
        arrays = {"data": table.data, "indices": table.indices, "indptr": table.indptr}
        return arrays | {"shape": shape}


@dataclass(frozen=True)
class UserMix:
    """Weight of item i for item j is rows_i' mix_j / ridge_i, less self_weight where i is j.

    rows: (n_users, n_items) training histories, target items last; mix: (n_users, n_target_items).
    ridge: (n_items,), None for ones; self_weight: (n_target_items,), None where target items are
    not among the items of a history.
    """

    rows: csr_matrix
    mix: FloatArray
    ridge: FloatArray | None = None
    self_weight: FloatArray | None = None

    def scores(self, rows: csr_matrix) -> FloatArray:
        """Likeness to the training users, times the mix; dense, as nearly all users overlap."""
        weighted = rows if self.ridge is None else rows @ diags(1 / self.ridge)
        likeness = weighted @ self.rows.T  # (n_rows, n_users) sparse
        scores = np.empty((rows.shape[0], self.mix.shape[1]), dtype=np.float32)
        for start in range(0, len(scores), CHUNK):
            part = slice(start, start + CHUNK)
            np.matmul(likeness[part].toarray().astype(np.float32), self.mix, out=scores[part])
        if self.self_weight is not None:
            own = rows[:, -len(self.self_weight) :].tocoo()
            scores[own.row, own.col] -= own.data * self.self_weight[own.col]
        return scores

    def towards(self, item: int, history: IntArray) -> FloatArray:
        """One product per history item; an item has no weight for itself."""
        weights = self.rows[:, history].T @ self.mix[:, item]
        if self.ridge is not None:
            weights = weights / self.ridge[history]
        if self.self_weight is None:
            return weights
        first_target = self.rows.shape[1] - len(self.self_weight)
        return np.where(history == first_target + item, 0.0, weights)

    def state(self) -> State:
        """The mix and what goes with it; the rows come with the split."""
        kept = {"mix": self.mix, "ridge": self.ridge, "self_weight": self.self_weight}
        return {name: array for name, array in kept.items() if array is not None}


def restored(state: State, rows: csr_matrix) -> WeightForm:
    """The form a state was made from; rows: the training histories it was learned on."""
    if "weights" in state:
        return DenseWeights(state["weights"])
    if "mix" in state:
        return UserMix(rows, state["mix"], state.get("ridge"), state.get("self_weight"))
    arrays = state["data"], state["indices"], state["indptr"]
    return SparseWeights(csr_matrix(arrays, shape=tuple(state["shape"]), copy=False))
