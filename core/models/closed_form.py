"""Ridge regressions towards target items in closed form, over items (primal) or users (dual)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags

from core.basics.errors import RunError
from core.basics.types import FloatArray
from core.models.protocol import PairSizes

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
    kernel[np.diag_indices_from(kernel)] += 1.0
    targets, target_ridge = rows[:, n_source:], ridge[n_source:]
    mix = np.asarray((targets.T @ inverted(kernel)).T)  # M X_t, (n_users, n_target_items)
    quadratic = np.asarray(targets.multiply(mix).sum(axis=0)).ravel() / target_ridge**2
    diagonal = 1 / target_ridge - quadratic  # P_jj
    mix = np.ascontiguousarray(mix / (target_ridge * diagonal), dtype=np.float32)
    return mix, (quadratic / diagonal).astype(np.float32)


def ridge_primal(rows: csr_matrix, wanted: csr_matrix, ridge: float) -> FloatArray:
    """(X'X + ridge)^-1 X'Y, (n_items, n_wanted) float32."""
    matrix = dense_product(rows.T, rows)
    matrix[np.diag_indices_from(matrix)] += ridge
    towards = (rows.T @ wanted).toarray()  # (n_items, n_wanted)
    return np.asarray(inverted(matrix) @ towards, dtype=np.float32)


def ridge_dual(rows: csr_matrix, wanted: csr_matrix, ridge: float) -> FloatArray:
    """(XX' + ridge)^-1 Y, (n_users, n_wanted) float32; the weights are X' times this."""
    kernel = dense_product(rows, rows.T)
    kernel[np.diag_indices_from(kernel)] += ridge
    mix = (wanted.T @ inverted(kernel)).T
    return np.ascontiguousarray(mix, dtype=np.float32)


def inverted(matrix: FloatArray) -> FloatArray:
    """Inverse of a symmetric positive definite matrix, overwriting it, by Cholesky.

    Raises RunError where rounding leaves the matrix without an inverse.
    """
    from scipy.linalg.lapack import get_lapack_funcs

    potrf, potri = get_lapack_funcs(("potrf", "potri"), (matrix,))
    factor, failed = potrf(matrix.T, lower=False, overwrite_a=True)
    if failed:
        raise RunError(
            what="The weights cannot be solved: the matrix of co-occurrences is singular.",
            hint="Raise regularization, ten times at first.",
        )
    inverse, _ = potri(factor, lower=False, overwrite_c=True)  # only its upper half is meant
    for start in range(0, len(inverse), BLOCK):
        rows = slice(start, start + BLOCK)
        block = inverse[rows, rows]
        block[:] = np.triu(block) + np.triu(block, 1).T
        inverse[start + BLOCK :, rows] = inverse[rows, start + BLOCK :].T
    return inverse
