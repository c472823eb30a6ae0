"""The graph UMAP lays out: how surely two points are neighbours, from exact neighbours.

The library has the same in compiled form; compiling it takes 9 CPU seconds in every new process,
these array operations half a second for 20,000 points.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray, IntArray

STEPS = 64  # halvings in the search for a point's scale
CLOSE = 1e-5  # how near the sum must come to its target
SMALLEST = 1e-3  # least scale, as a share of the mean distance


def fuzzy_graph(found: IntArray, distances: FloatArray) -> csr_matrix:
    """Symmetric weights in (0, 1], (n, n) float32 (McInnes, Healy and Melville 2018, alg. 2 to 3).

    found, distances: (n, k) neighbours of each point, nearest first, itself in column 0.
    """
    nearest = _nearest_other(distances)  # (n,)
    scales = _scales(distances, nearest)
    beyond = np.maximum(distances - nearest[:, None], 0)
    weights = np.exp(-beyond / scales[:, None]).astype(np.float32)
    n, k = found.shape
    rows = np.repeat(np.arange(n), k)
    strangers = found.ravel() != rows
    one_way = csr_matrix(
        (weights.ravel()[strangers], (rows[strangers], found.ravel()[strangers])), shape=(n, n)
    )
    other_way = one_way.T.tocsr()
    either = one_way + other_way - one_way.multiply(other_way)  # a or b, probabilistic sum
    return either.tocsr().astype(np.float32)


def _nearest_other(distances: FloatArray) -> FloatArray:
    """Smallest distance above 0 of each point, 0 where all its neighbours are equal to it."""
    apart = np.where(distances > 0, distances, np.inf).min(axis=1)
    return np.where(np.isfinite(apart), apart, 0)


def _scales(distances: FloatArray, nearest: FloatArray) -> FloatArray:
    """The scale at which each point's weights sum to log2(k), by halving, (n,)."""
    beyond = np.maximum(distances[:, 1:] - nearest[:, None], 0).astype(np.float64)
    wanted = np.log2(distances.shape[1])
    low, high, scale = np.zeros(len(nearest)), np.full(len(nearest), np.inf), np.ones(len(nearest))
    for _ in range(STEPS):
        total = np.exp(-beyond / scale[:, None]).sum(axis=1)
        searching = np.abs(total - wanted) >= CLOSE
        if not searching.any():
            break
        too_wide = searching & (total > wanted)
        too_narrow = searching & (total < wanted)
        high[too_wide] = scale[too_wide]
        low[too_narrow] = scale[too_narrow]
        middle = np.where(np.isinf(high), scale * 2, (low + high) / 2)
        scale = np.where(searching, middle, scale)
    own, everyone = distances.mean(axis=1), distances.mean()
    return np.maximum(scale, SMALLEST * np.where(nearest > 0, own, everyone) + 1e-12)
