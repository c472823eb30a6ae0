"""Interactions that a model keeps from its own training, to see how well it finds them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray, IntArray
from core.metrics.ranking import ndcg
from core.models.kernel.losses import entries

ROWS_AT_ONCE = 256
SEED = 0  # the same interactions whatever the run's seed, so that runs can be compared


def held_out(rows: csr_matrix, share: float) -> csr_matrix:
    """About `share` of each row's entries, rounded and drawn at random; rows of few keep theirs."""
    users, _ = entries(rows)
    order = np.lexsort((np.random.default_rng(SEED).random(rows.nnz), users))
    places = np.empty(rows.nnz, dtype=np.int64)  # of each entry in its row's random order
    places[order] = np.arange(rows.nnz) - np.repeat(rows.indptr[:-1], np.diff(rows.indptr))
    chosen = places < np.round(share * np.diff(rows.indptr))[users]
    found = (rows.data[chosen], (users[chosen], rows.indices[chosen]))
    return csr_matrix(found, shape=rows.shape, dtype=np.float32)


def without(rows: csr_matrix, hidden: csr_matrix) -> csr_matrix:
    """The entries of rows that are not hidden."""
    left = csr_matrix(rows - rows.multiply(hidden), dtype=np.float32)
    left.eliminate_zeros()
    return left


def held_out_ndcg(
    score: Callable[[IntArray], FloatArray], known: csr_matrix, hidden: csr_matrix
) -> float:
    """Mean nDCG@10 of finding hidden items among all that are not known, over rows with any.

    score: row numbers -> (n, n_items). Equal scores share the last of their ranks, so that a
    model with nothing to say finds nothing.
    """
    users = np.flatnonzero(np.diff(hidden.indptr))
    found = []
    for start in range(0, len(users), ROWS_AT_ONCE):
        some = users[start : start + ROWS_AT_ONCE]
        scores = score(some).astype(np.float32)
        scores[entries(known[some])] = -np.inf
        rows, items = entries(hidden[some])
        at_least = scores[rows] >= scores[rows, items][:, None]  # (entries, n_items)
        n_hidden = np.diff(hidden[some].indptr)
        found.append(ndcg(at_least.sum(axis=1), rows, n_hidden, 10))
    return float(np.mean(np.concatenate(found)))
