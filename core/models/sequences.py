"""Both histories of a user as one sequence in time order."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import IntArray

PADDING = 0


def joint_sequences(source: csr_matrix, target: csr_matrix, length: int) -> IntArray:
    """The last `length` items of every user, the latest last, (n, length) item numbers.

    Source items are numbered from 1, target items go on after them, PADDING fills the front.
    Stored values are places in time, larger is later; equal ones stand by item number, the source
    first.
    """
    n_source = source.shape[1]
    rows = np.concatenate([_row_of(source), _row_of(target)])
    items = np.concatenate([source.indices + 1, target.indices + 1 + n_source])
    order = np.lexsort((items, np.concatenate([source.data, target.data]), rows))
    counts = np.bincount(rows, minlength=source.shape[0])
    ends = np.cumsum(counts)
    from_end = np.repeat(ends, counts) - np.arange(len(rows))  # 1 is the latest
    kept = from_end <= length
    found = np.full((source.shape[0], length), PADDING, dtype=np.int64)
    found[rows[order][kept], length - from_end[kept]] = items[order][kept]
    return found


def _row_of(rows: csr_matrix) -> IntArray:
    return np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
