"""Stored entries of sparse matrices, whatever their values: a rating of 0 is an entry too."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.sorted_sets import among
from core.basics.types import IntArray


def apart(held_out: csr_matrix, *known: csr_matrix) -> csr_matrix:
    """Held-out entries that are not known already: a given split may have rows in two parts."""
    places = held_out.tocoo()
    new = ~among(cells(held_out), np.concatenate([cells(matrix) for matrix in known]))
    kept = places.data[new], (places.row[new], places.col[new])
    return csr_matrix(kept, shape=held_out.shape)


def cells(matrix: csr_matrix) -> IntArray:
    """One number per stored entry, the same for the same user and item; zeros are entries too."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return rows * max(1, matrix.shape[1]) + matrix.indices


def ones_of(matrix: csr_matrix) -> csr_matrix:
    """A one for every stored entry: SciPy's sums and products drop entries that are 0."""
    ones = np.ones(matrix.nnz, dtype=np.float32)
    return csr_matrix((ones, matrix.indices, matrix.indptr), shape=matrix.shape)
