"""Item-to-item weights in closed form, solved over items (primal) or over users (dual)."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from scipy.sparse import csc_matrix, csr_matrix, diags, hstack

from core.basics.scores import Contributions, DomainScores, FloatArray, IntArray
from core.data.pair import DomainPair
from core.models.protocol import PairSizes, State


class ItemWeights:
    """Scores, folds in and explains with weights from the items of both domains to the target's.

    With X = [w * source, target], D the diagonal ridge and P = (X'X + D)^-1, the weight of item i
    for item j is -P_ij / P_jj, and 0 for i = j (Steck 2019, eq. 8).

    Primal keeps these weights, (n_items, n_target_items), a row per history item. Dual keeps
    mix = M X_t / (d_t P_tt), (n_users, n_target_items), where M = (I + X D^-1 X')^-1, because
    P = D^-1 - D^-1 X' M X D^-1 (Woodbury); weight ij is then X_i' mix_j / d_i.
    """

    train: DomainPair
    weights: FloatArray | None = None  # primal
    mix: FloatArray | None = None  # dual, with the next two
    self_weight: FloatArray | None = None  # (n_target_items,) weight of an item for itself
    ridge: FloatArray | None = None  # (n_items,)

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def joint(self, source_rows: csr_matrix, target_rows: csr_matrix) -> csr_matrix:
        """[w * source, target], (n_rows, n_source_items + n_target_items) float32."""
        weighted = source_rows * np.float32(self.settings.source_weight)
        return hstack([weighted, target_rows], format="csr", dtype=np.float32)

    def solve(self, train: DomainPair, ridge: FloatArray) -> None:
        """Learn the weights for one ridge per item, (n_items,)."""
        self.train, self.ridge = train, ridge
        rows = self.joint(train.source, train.target)
        n_source = train.source.shape[1]
        if solves_dual(self.settings.solver, *rows.shape):
            self.mix, self.self_weight = _solve_dual(rows, ridge, n_source)
        else:
            self.weights = _solve_primal(rows, ridge, n_source)

    def score(self, users: IntArray) -> DomainScores:
        """Both parts for training users."""
        return self.fold_in(self.train.source[users], self.train.target[users])

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Both parts for any histories; exact, because weights do not belong to users."""
        has_source = np.diff(source_rows.indptr) > 0
        has_target = np.diff(target_rows.indptr) > 0
        source = self._part(self.joint(source_rows, csr_matrix(target_rows.shape)))
        target = self._part(self.joint(csr_matrix(source_rows.shape), target_rows))
        if self.self_weight is not None:
            target -= target_rows.multiply(self.self_weight[None, :]).toarray()
        return DomainScores.ranking(source, target, has_source, has_target)

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact: each history item adds its own weight."""
        joint = self.joint(source_row, target_row)
        amounts = joint.data * self._weights_towards(item, joint.indices)
        n_source, source = source_row.shape[1], joint.indices < source_row.shape[1]
        return Contributions(
            source_items=joint.indices[source],
            source_amounts=amounts[source],
            target_items=joint.indices[~source] - n_source,
            target_amounts=amounts[~source],
        )

    def vectors(self) -> None:
        """None: an item is a row of weights, too long for a map of vectors."""

    def state(self) -> State:
        """Weights (primal) or the mix of users and the weight of an item for itself (dual)."""
        if self.weights is not None:
            return {"weights": self.weights}
        return {"mix": self.mix, "self_weight": self.self_weight, "ridge": self.ridge}

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state; the dual form also needs the training matrices."""
        self.train = train
        self.weights = state.get("weights")
        self.mix, self.self_weight = state.get("mix"), state.get("self_weight")
        self.ridge = state.get("ridge")

    def _part(self, joint: csr_matrix) -> FloatArray:
        """Scores of weighted rows over all items, (n_rows, n_target_items) float32."""
        if self.weights is not None:
            return np.asarray(joint @ self.weights, dtype=np.float32)
        similar = joint @ (diags(1 / self.ridge) @ self._train_rows.T)  # (n_rows, n_users) sparse
        return np.asarray(similar @ self.mix, dtype=np.float32)

    def _weights_towards(self, item: int, history: IntArray) -> FloatArray:
        """Weight of each joint history item for one target item, (n_history,)."""
        if self.weights is not None:
            return self.weights[history, item]
        towards = self._train_columns[:, history].T @ self.mix[:, item] / self.ridge[history]
        itself = history == self.train.source.shape[1] + item
        return np.where(itself, 0.0, towards)

    @property
    def _train_rows(self) -> csr_matrix:
        if getattr(self, "_rows", None) is None:
            self._rows = self.joint(self.train.source, self.train.target)
        return self._rows

    @property
    def _train_columns(self) -> csc_matrix:
        if getattr(self, "_columns", None) is None:
            self._columns = self._train_rows.tocsc()
        return self._columns


def solves_dual(solver: str, n_users: int, n_items: int) -> bool:
    """Whether to invert users x users: on request, or where there are fewer users than items."""
    return solver == "dual" or (solver == "auto" and n_users < n_items)


def solve_memory(sizes: PairSizes, solver: str) -> int:
    """Bytes at the peak of a fit: the inverted matrix twice, and the weights that are kept."""
    n_items = sizes.source_items + sizes.target_items
    side = sizes.users if solves_dual(solver, sizes.users, n_items) else n_items
    return 4 * (2 * side * side + side * sizes.target_items)


def _solve_primal(rows: csr_matrix, ridge: FloatArray, n_source: int) -> FloatArray:
    gram = (rows.T @ rows).toarray()  # (n_items, n_items)
    gram[np.diag_indices_from(gram)] += ridge
    inverse = _inverse(gram)
    diagonal = np.diag(inverse)[n_source:].copy()
    weights = inverse[:, n_source:]  # only towards target items
    weights = np.divide(weights, -diagonal, out=np.empty(weights.shape, dtype=np.float32))
    targets = np.arange(weights.shape[1])
    weights[n_source + targets, targets] = 0.0
    return weights


def _solve_dual(
    rows: csr_matrix, ridge: FloatArray, n_source: int
) -> tuple[FloatArray, FloatArray]:
    kernel = (rows @ (diags(1 / ridge) @ rows.T)).toarray()  # (n_users, n_users)
    kernel[np.diag_indices_from(kernel)] += 1.0
    targets, target_ridge = rows[:, n_source:], ridge[n_source:]
    mix = np.asarray((targets.T @ _inverse(kernel)).T)  # M X_t, (n_users, n_target_items)
    quadratic = np.asarray(targets.multiply(mix).sum(axis=0)).ravel() / target_ridge**2
    diagonal = 1 / target_ridge - quadratic  # P_jj
    mix = (mix / (target_ridge * diagonal)).astype(np.float32)
    return mix, (quadratic / diagonal).astype(np.float32)


def _inverse(matrix: FloatArray) -> FloatArray:
    """Inverse of a symmetric positive definite matrix, overwriting it, by Cholesky."""
    potrf, potri = scipy.linalg.lapack.get_lapack_funcs(("potrf", "potri"), (matrix,))
    factor, _ = potrf(matrix.T, lower=False, overwrite_a=True)  # its lower half is zeros
    inverse, _ = potri(factor, lower=False, overwrite_c=True)
    diagonal = inverse.diagonal().copy()
    inverse += inverse.T
    np.fill_diagonal(inverse, diagonal)
    return inverse
