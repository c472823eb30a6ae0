"""Smaller tables: bytes with a scale per row, or the largest weights alone."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.models.protocol import State

INT8, PRUNED = "int8", "pruned"
MARK = "~"  # stands between the name of a table and what is kept of it
SCALE, DATA, INDICES, STARTS, SHAPE = "scale", "data", "indices", "indptr", "shape"
WEIGHTS = "weights"  # item-to-item weights have a sparse form that scores as it is


def compressed(state: State, kind: str, keep: float = 0.1) -> State:
    """The state with every table of floats, (rows, columns), kept small; other arrays stay.

    keep: share of the weights a pruned table keeps. A table that would not shrink stays too.
    """
    small: State = {}
    for name, array in state.items():
        parts = (
            _parts(name, array, kind, keep)
            if (array.ndim == 2 and array.size > 0 and np.issubdtype(array.dtype, np.floating))
            else {name: array}
        )
        smaller = size_of(parts) < array.nbytes
        small |= parts if smaller else {name: array}
    return small


def decompressed(state: State) -> State:
    """The state a model restores: tables of float32 where they were compressed, all else as is.

    Pruned item-to-item weights come back in their sparse form, which is scored without unpacking.
    """
    whole = {name: array for name, array in state.items() if MARK not in name}
    for name in dict.fromkeys(name.split(MARK)[0] for name in state if MARK in name):
        parts = {key.split(MARK)[1]: state[key] for key in state if key.startswith(name + MARK)}
        whole |= _restored(name, parts)
    return whole


def size_of(state: State) -> int:
    """Bytes of all arrays."""
    return sum(array.nbytes for array in state.values())


def is_compressed(state: State) -> bool:
    """Whether a table of the state is kept small."""
    return any(MARK in name for name in state)


def _parts(name: str, table: np.ndarray, kind: str, keep: float) -> State:
    found = _quantized(table) if kind == INT8 else _pruned(table, keep)
    return {f"{name}{MARK}{part}": array for part, array in found.items()}


def _quantized(table: np.ndarray) -> State:
    """Whole numbers from -127 to 127 times one scale per row: Jacob et al. 2018, sec. 2.1.

    Symmetric, so that 0 stays 0.
    """
    largest = np.abs(table).max(axis=1, keepdims=True)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return {INT8: np.rint(table / scale).astype(np.int8), SCALE: scale}


def _pruned(table: np.ndarray, keep: float) -> State:
    """The `keep` largest of the table's weights by magnitude: Han et al. 2015, sec. 3."""
    sizes = np.abs(table).ravel()
    n_kept = max(1, round(keep * sizes.size))
    cut = np.partition(sizes, sizes.size - n_kept)[sizes.size - n_kept]
    sparse = csr_matrix(np.where((np.abs(table) >= cut) & (table != 0), table, 0))
    short = np.int16 if table.shape[1] <= np.iinfo(np.int16).max else np.int32
    return {
        DATA: sparse.data.astype(np.float32),
        INDICES: sparse.indices.astype(short),
        STARTS: sparse.indptr.astype(np.int32 if sparse.nnz < 2**31 else np.int64),
        SHAPE: np.array(table.shape, dtype=np.int64),
    }


def _restored(name: str, parts: State) -> State:
    if INT8 in parts:
        return {name: parts[INT8] * parts[SCALE]}
    starts = np.array(parts[STARTS])
    indices = parts[INDICES].astype(starts.dtype)
    if name.split(".")[-1] == WEIGHTS:
        owner = name.removesuffix(WEIGHTS)
        sparse = {DATA: parts[DATA], INDICES: indices, STARTS: starts, SHAPE: parts[SHAPE]}
        return {f"{owner}{part}": array for part, array in sparse.items()}
    shape = tuple(int(side) for side in parts[SHAPE])
    return {name: csr_matrix((parts[DATA], indices, starts), shape=shape).toarray()}
