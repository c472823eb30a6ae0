"""Ridge regressions towards target items in closed form, over items (primal) or users (dual)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags

from core.basics.errors import RunError
from core.basics.scores import FloatArray
from core.models.protocol import PairSizes

BLOCK = 2048  # rows mirrored at once, so that no second big matrix is made


def solves_dual(solver: str, n_users: int, n_items: int) -> bool:
    """Whether to invert users x users: on request, or where there are fewer users than items."""
    return solver == "dual" or (solver == "auto" and n_users < n_items)


def solve_memory(sizes: PairSizes, solver: str) -> int:
    """Bytes at the peak of a fit: the matrix twice, its sparse form, and the weights kept.

    The sparse form of X'X or XX' has at most a cell per pair of entries that share a row or column.
    """
    n_items = sizes.source_items + sizes.target_items
    dual = solves_dual(solver, sizes.users, n_items)
    side, other = (sizes.users, n_items) if dual else (n_items, sizes.users)
    per_line = (sizes.source_rows + sizes.target_rows) / max(1, other)
    sparse = min(side * side, other * per_line**2 * 4)  # histories are uneven: times 4
    return int(8 * side * side + 12 * sparse + 8 * side * sizes.target_items)


def ease_primal(rows: csr_matrix, ridge: FloatArray, n_source: int) -> FloatArray:
    """Weights of every item for the target items, (n_items, n_target_items), 0 for itself.

    With P = (X'X + D)^-1 the weight of item i for item j is -P_ij / P_jj (Steck 2019, eq. 8).
    """
    gram = (rows.T @ rows).toarray()  # (n_items, n_items)
    gram[np.diag_indices_from(gram)] += ridge
    inverse = inverted(gram)
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
    kernel = (rows @ (diags(1 / ridge) @ rows.T)).toarray()  # (n_users, n_users)
    kernel[np.diag_indices_from(kernel)] += 1.0
    targets, target_ridge = rows[:, n_source:], ridge[n_source:]
    mix = np.asarray((targets.T @ inverted(kernel)).T)  # M X_t, (n_users, n_target_items)
    quadratic = np.asarray(targets.multiply(mix).sum(axis=0)).ravel() / target_ridge**2
    diagonal = 1 / target_ridge - quadratic  # P_jj
    mix = np.ascontiguousarray(mix / (target_ridge * diagonal), dtype=np.float32)
    return mix, (quadratic / diagonal).astype(np.float32)


def ridge_primal(rows: csr_matrix, wanted: csr_matrix, ridge: float) -> FloatArray:
    """(X'X + ridge)^-1 X'Y, (n_items, n_wanted) float32."""
    gram = (rows.T @ rows).toarray()
    gram[np.diag_indices_from(gram)] += ridge
    towards = (rows.T @ wanted).toarray()  # (n_items, n_wanted)
    return np.asarray(inverted(gram) @ towards, dtype=np.float32)


def ridge_dual(rows: csr_matrix, wanted: csr_matrix, ridge: float) -> FloatArray:
    """(XX' + ridge)^-1 Y, (n_users, n_wanted) float32; the weights are X' times this."""
    kernel = (rows @ rows.T).toarray()
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
