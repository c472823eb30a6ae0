"""What all models of item-to-item weights share: a score is a sum over the items of a history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix, diags, hstack

from core.basics.errors import RunError
from core.basics.types import Contributions, FloatArray, IntArray
from core.data.pair import DomainPair
from core.models.kernel.history import HistoryModel
from core.models.protocol import PairSizes, State


class ItemWeights(HistoryModel):
    """Scores, folds in and explains with weights from the items of both domains to the target's.

    A history is the row [w * source, target] of (n_source_items + n_target_items,) values.
    """

    form: WeightForm

    def joint(self, source_rows: csr_matrix, target_rows: csr_matrix) -> csr_matrix:
        """[w * source, target], (n_rows, n_source_items + n_target_items) float32."""
        weighted = source_rows * np.float32(self.settings.source_weight)
        return hstack([weighted, target_rows], format="csr", dtype=np.float32)

    def training_rows(self, train: DomainPair) -> csr_matrix:
        """The histories the weights are learned on."""
        return self.joint(train.source, train.target)

    def parts(
        self, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> tuple[FloatArray, FloatArray]:
        """Both parts for any histories; exact, because weights do not belong to users."""
        source = self.form.scores(self.joint(source_rows, csr_matrix(target_rows.shape)))
        target = self.form.scores(self.joint(csr_matrix(source_rows.shape), target_rows))
        return source, target

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact: each history item adds its own weight."""
        joint = self.joint(source_row, target_row)
        amounts = joint.data * self.form.towards(item, joint.indices)
        n_source, source = source_row.shape[1], joint.indices < source_row.shape[1]
        return Contributions(
            source_items=joint.indices[source],
            source_amounts=amounts[source],
            target_items=joint.indices[~source] - n_source,
            target_amounts=amounts[~source],
        )

    def state(self) -> State:
        """The weights, in the form they are kept in."""
        return self.form.state()

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state; a mix of users also needs the training matrices."""
        self.train = train
        self.form = restored(state, self.training_rows(train))


# Ridge regressions towards target items in closed form, over items (primal) or users (dual).

BLOCK = 2048  # rows mirrored at once, so that no second big matrix is made
GRAM_ROWS = 1024  # rows of a matrix of co-occurrences that are worked out at once
_PARTS = 2  # a score is made of two, each a product of its own
_SPARSE = 10  # how many times as long a product of a sparse row takes as a dense one


def solves_dual(solver: str, n_users: int, n_items: int, n_targets: int, n_rows: int) -> bool:
    """Whether to invert users x users: on request, or where learning and asking cost less so.

    The primal form inverts items x items, n_items^3, and adds up one row of weights per history
    item; the dual inverts users x users and compares everyone asked with all users. Everyone is
    asked twice, on validation and on test. n_rows: interactions of both domains.
    """
    if solver != "auto":
        return solver == "dual"
    asked = 2 * _PARTS * n_users * n_targets  # scores
    per_user = n_rows / max(1, n_users)
    primal = float(n_items) ** 3 + asked * per_user * _SPARSE / _PARTS
    return float(n_users) ** 3 + asked * float(n_users) < primal


def solve_memory(sizes: PairSizes, solver: str) -> int:
    """Bytes at the peak of a fit: the matrix, its inverse or weights, and a block of rows on the
    way to it."""
    n_items = sizes.source_items + sizes.target_items
    n_rows = sizes.source_rows + sizes.target_rows
    dual = solves_dual(solver, sizes.users, n_items, sizes.target_items, n_rows)
    side = sizes.users if dual else n_items
    sparse = min(side, GRAM_ROWS) * side  # every cell of a block at most, 12 bytes each
    return int(8 * side * side + 12 * sparse + 8 * side * sizes.target_items)


def dense_product(left: csr_matrix, right: csr_matrix) -> FloatArray:
    """left @ right as a full matrix, block by block: its sparse form is never there as a whole."""
    left, right = csr_matrix(left), csr_matrix(right)
    kind = np.result_type(left.dtype, right.dtype)
    whole = np.empty((left.shape[0], right.shape[1]), dtype=kind)
    for start in range(0, len(whole), GRAM_ROWS):
        part = slice(start, start + GRAM_ROWS)
        (left[part] @ right).toarray(out=whole[part])
    return whole


def ease_primal(rows: csr_matrix, ridge: FloatArray, n_source: int) -> FloatArray:
    """Weights of every item for the target items, (n_items, n_target_items), 0 for itself.

    With P = (X'X + D)^-1 the weight of item i for item j is -P_ij / P_jj (Steck 2019, eq. 8).
    """
    matrix = dense_product(rows.T, rows)  # (n_items, n_items)
    matrix[np.diag_indices_from(matrix)] += ridge
    inverse = inverted(matrix)
    diagonal = np.diag(inverse)[n_source:].copy()
    weights = inverse[:, n_source:]  # only towards target items
    weights = np.divide(weights, -diagonal, out=np.empty(weights.shape, dtype=np.float32))
    targets = np.arange(weights.shape[1])
    weights[n_source + targets, targets] = 0.0
    return weights


def ease_dual(rows: csr_matrix, ridge: FloatArray, n_source: int) -> tuple[FloatArray, FloatArray]:
    """(mix, self_weight): the weight of item i for item j is X_i' mix_j / d_i, less itself.

    With M = (I + X D^-1 X')^-1, P = D^-1 - D^-1 X' M X D^-1 (Woodbury), and
    mix = M X_t / (d_t P_tt), (n_users, n_target_items); self_weight: (n_target_items,).
    """
    kernel = dense_product(rows, diags(1 / ridge) @ rows.T)  # (n_users, n_users)
    return ease_mix(kernel, rows[:, n_source:], ridge[n_source:])


def ease_mix(
    kernel: FloatArray, targets: csr_matrix, target_ridge: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(mix, self_weight) of `ease_dual` from X D^-1 X', (n_users, n_users), which is overwritten.

    targets: X_t, (n_users, n_target_items); target_ridge: its share of D.
    """
    kernel[np.diag_indices_from(kernel)] += 1.0
    mix = np.asarray((targets.T @ inverted(kernel)).T)  # M X_t, (n_users, n_target_items)
    quadratic = np.asarray(targets.multiply(mix).sum(axis=0)).ravel() / target_ridge**2
    diagonal = 1 / target_ridge - quadratic  # P_jj
    mix = np.ascontiguousarray(mix / (target_ridge * diagonal), dtype=np.float32)
    return mix, (quadratic / diagonal).astype(np.float32)


# EASE on pairs that differ only in who has which source row: most of the matrix stays as it is.


def ease_dealt_dual(
    source: csr_matrix, target: csr_matrix, ridge: FloatArray
) -> Callable[[IntArray], tuple[FloatArray, FloatArray]]:
    """`ease_dual` of [source[givers], target] for any givers, (n_users,).

    Of X D^-1 X' the half of the source moves its rows and columns with the people, no more.
    """
    n_source = source.shape[1]
    of_source = dense_product(source, diags(1 / ridge[:n_source]) @ source.T)
    of_target = dense_product(target, diags(1 / ridge[n_source:]) @ target.T)

    def solve(givers: IntArray) -> tuple[FloatArray, FloatArray]:
        kernel = of_source[np.ix_(givers, givers)]
        kernel += of_target
        return ease_mix(kernel, target, ridge[n_source:])

    return solve


def ease_dealt_primal(
    source: csr_matrix, target: csr_matrix, ridge: FloatArray
) -> Callable[[IntArray], FloatArray]:
    """`ease_primal` of [source[givers], target] for any givers, (n_users,).

    Of the matrix [[A, B], [B', G]] a deal changes B alone. With the Schur complement
    C = G - B' A^-1 B the target columns of the inverse are [-A^-1 B C^-1, C^-1], so that A is
    worked out once. Where fewer people than source items have source rows, A^-1 is not needed:
    by Woodbury B' A^-1 B = T'T - T'QT with Q = (I + S D^-1 S')^-1, (n_people, n_people).
    """
    n_source = source.shape[1]
    people = np.flatnonzero(np.diff(source.indptr))
    rows, source_ridge, target_ridge = source[people], ridge[:n_source], ridge[n_source:]
    by_people = len(people) <= n_source
    if by_people:
        kernel = dense_product(rows, diags(1 / source_ridge) @ rows.T)
        kernel[np.diag_indices_from(kernel)] += 1.0
        kept = inverted(kernel)  # Q
    else:
        kept = dense_product(rows.T, rows)
        kept[np.diag_indices_from(kept)] += source_ridge
        kept = _cholesky(kept)  # L of A = L L'
    # What the target says by itself: of everybody, or of those whose T'T does not cancel
    alone = target[np.diff(source.indptr) == 0] if by_people else target
    own = dense_product(alone.T, alone)
    own[np.diag_indices_from(own)] += target_ridge

    def solve(givers: IntArray) -> FloatArray:
        owners = target[np.argsort(givers)[people]]  # target rows of who has each source row now
        half = (owners.T @ kept).T if by_people else _solved(kept, dense_product(rows.T, owners))
        complement = own + owners.T @ half if by_people else own - half.T @ half
        inverse = inverted(np.asarray(complement, dtype=np.float32))  # C^-1
        across = half @ (inverse / np.diag(inverse))
        targets = np.arange(len(inverse))
        weights = np.empty((n_source + len(inverse), len(inverse)), dtype=np.float32)
        if by_people:
            weights[:n_source] = (rows.T @ across) / source_ridge[:, None]
        else:
            weights[:n_source] = _solved(kept, across, transposed=True)
        np.divide(inverse, -np.diag(inverse), out=weights[n_source:])
        weights[n_source + targets, targets] = 0.0
        return weights

    return solve


def _cholesky(matrix: FloatArray) -> FloatArray:
    from scipy.linalg import LinAlgError, cholesky

    try:
        return np.asarray(cholesky(matrix, lower=True, overwrite_a=True, check_finite=False))
    except LinAlgError as error:
        raise _singular() from error


def _solved(factor: FloatArray, wanted: FloatArray, transposed: bool = False) -> FloatArray:
    """L^-1 wanted, or L'^-1 wanted; factor: L, (n, n) lower triangular."""
    from scipy.linalg import solve_triangular

    trans = "T" if transposed else "N"
    return np.asarray(solve_triangular(factor, wanted, trans, lower=True, check_finite=False))


def ridge_primal(rows: csr_matrix, wanted: csr_matrix, ridge: float) -> FloatArray:
    """(X'X + ridge)^-1 X'Y, (n_items, n_wanted) float32."""
    towards = (rows.T @ wanted).toarray()  # (n_items, n_wanted)
    return np.asarray(ridge_inverse(rows.T, ridge) @ towards, dtype=np.float32)


def ridge_dual(rows: csr_matrix, wanted: csr_matrix, ridge: float) -> FloatArray:
    """(XX' + ridge)^-1 Y, (n_users, n_wanted) float32; the weights are X' times this."""
    mix = (wanted.T @ ridge_inverse(rows, ridge)).T
    return np.ascontiguousarray(mix, dtype=np.float32)


def ridge_inverse(rows: csr_matrix, ridge: float) -> FloatArray:
    """(XX' + ridge)^-1, (n_rows, n_rows)."""
    matrix = dense_product(rows, rows.T)
    matrix[np.diag_indices_from(matrix)] += ridge
    return inverted(matrix)


def inverted(matrix: FloatArray) -> FloatArray:
    """Inverse of a symmetric positive definite matrix, overwriting it, by Cholesky.

    Raises RunError where rounding leaves the matrix without an inverse.
    """
    from scipy.linalg.lapack import get_lapack_funcs

    potrf, potri = get_lapack_funcs(("potrf", "potri"), (matrix,))
    factor, failed = potrf(matrix.T, lower=False, overwrite_a=True)
    if failed:
        raise _singular()
    inverse, _ = potri(factor, lower=False, overwrite_c=True)  # only its upper half is meant
    for start in range(0, len(inverse), BLOCK):
        rows = slice(start, start + BLOCK)
        block = inverse[rows, rows]
        block[:] = np.triu(block) + np.triu(block, 1).T
        inverse[start + BLOCK :, rows] = inverse[rows, start + BLOCK :].T
    return inverse


def _singular() -> RunError:
    return RunError(
        what="The weights cannot be solved: the matrix of co-occurrences is singular.",
        hint="Raise regularization, ten times at first.",
    )


# Three ways to keep item-to-item weights: a full table, a sparse one, or a mix of users.

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
