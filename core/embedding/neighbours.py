"""Exact nearest neighbours, groups of points, and how far a map can be trusted."""

from __future__ import annotations

import numpy as np

from core.basics.types import FloatArray, IntArray

CHUNK = 256  # rows whose similarities are held at once
LANES = 32  # similarities per block when looking for the best blocks


def nearest(
    vectors: FloatArray, point: int, k: int, among: IntArray | None = None
) -> tuple[IntArray, FloatArray]:
    """Numbers and cosines of the k points nearest to one, most similar first, itself left out.

    vectors: (n, d) of length 1. among: numbers of the points to look at, rising; None for all.
    Equally similar points stand in the order of their numbers.
    """
    others = np.arange(len(vectors)) if among is None else among
    return nearest_to(vectors, vectors[point], k, others[others != point])


def nearest_to(
    vectors: FloatArray, wanted: FloatArray, k: int, among: IntArray
) -> tuple[IntArray, FloatArray]:
    """The same for any vector of length 1, (d,), that is none of the points."""
    cosines = vectors[among] @ wanted
    order = np.argsort(-cosines, kind="stable")[:k]
    return among[order], cosines[order]


def nearest_of_all(vectors: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """For every point its k nearest, itself first: numbers (n, k) int32 and cosines (n, k).

    Exact, by matrix products. The k best similarities of a row lie in the k blocks with the
    largest maxima, so only these blocks are searched.
    """
    n = len(vectors)
    k = min(k, n)
    padded = np.zeros((-(-n // LANES) * LANES, vectors.shape[1]), dtype=np.float32)
    padded[:n] = vectors
    found = np.empty((n, k), dtype=np.int32)
    cosines = np.empty((n, k), dtype=np.float32)
    for start in range(0, n, CHUNK):
        rows = np.arange(start, min(start + CHUNK, n))
        similar = padded[rows] @ padded.T  # (rows, n rounded up)
        similar[:, n:] = -np.inf
        similar[np.arange(len(rows)), rows] = np.inf  # a point is nearest to itself
        found[rows], cosines[rows] = _best(similar, k)
    cosines[:, 0] = 1.0
    return found, cosines


def _best(similar: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Columns and values of each row's k largest entries, largest first."""
    blocks = similar.reshape(len(similar), LANES, -1)  # block b holds columns b, b + n_blocks, ...
    n_blocks = blocks.shape[2]
    if n_blocks <= k:
        columns = np.broadcast_to(np.arange(similar.shape[1]), similar.shape)
    else:
        best = np.argpartition(-blocks.max(axis=1), k - 1, axis=1)[:, :k]  # (rows, k)
        steps = n_blocks * np.arange(LANES)
        columns = (best[:, :, None] + steps).reshape(len(similar), -1)
    values = np.take_along_axis(similar, columns, axis=1)
    order = np.argpartition(-values, k - 1, axis=1)[:, :k]
    columns = np.take_along_axis(columns, order, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    order = np.lexsort((columns, -values), axis=1)
    return np.take_along_axis(columns, order, axis=1), np.take_along_axis(values, order, axis=1)
