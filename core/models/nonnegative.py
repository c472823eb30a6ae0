"""Many small least-squares problems whose solutions may not be below zero."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray

SWEEPS = 500  # of coordinate descent at most
CLOSE = 1e-7  # largest change of a sweep that ends it


def nonnegative_rows(
    rows: csr_matrix, wanted: FloatArray, factors: FloatArray, ridge: float
) -> FloatArray:
    """x >= 0 of least sum_i (y_i - f_i x)^2 + ridge |x|^2 for each row, over its entries i.

    rows: (n, m), of which only the places count; wanted: y in the order of rows.data; factors:
    (m, d). Returns (n, d) float64, zeros for empty rows. Coordinate descent over all rows at once
    (Franc, Hlavac, Navara 2005), the problems being strictly convex.
    """
    count, d = rows.shape[0], factors.shape[1]
    wide = factors.astype(np.float64)
    pairs = np.einsum("mk,ml->mkl", wide, wide).reshape(len(wide), d * d)
    shape = rows.shape
    ones = csr_matrix((np.ones(rows.nnz), rows.indices, rows.indptr), shape=shape)
    ratings = csr_matrix((wanted.astype(np.float64), rows.indices, rows.indptr), shape=shape)
    left = (ones @ pairs).reshape(count, d, d)
    left[:, np.arange(d), np.arange(d)] += ridge
    right, solved = ratings @ wide, np.zeros((count, d))
    for _ in range(SWEEPS):
        change = 0.0
        for k in range(d):
            gap = right[:, k] - np.einsum("nl,nl->n", left[:, k], solved)
            better = np.maximum(0.0, solved[:, k] + gap / left[:, k, k])
            change = max(change, float(np.abs(better - solved[:, k]).max(initial=0.0)))
            solved[:, k] = better
        if change < CLOSE:
            break
    return solved
