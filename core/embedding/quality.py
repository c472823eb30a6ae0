"""How far a map can be trusted: whether neighbours on it are neighbours in the original space."""

from __future__ import annotations

import numpy as np

from core.basics.types import FloatArray, IntArray

SAMPLE = 2_000  # points; ranks of all pairs among them are held at once


def trustworthiness(
    vectors: FloatArray, places: FloatArray, *, k: int = 15, seed: int = 0
) -> float:
    """1 where the k nearest on the map are the k nearest by cosine, about 0.5 for a random map.

    vectors: (n, d) of length 1; places: (n, 2). Venna and Kaski 2001, eq. 1, on at most 2,000
    points drawn with the seed. NaN where there are too few points (n <= 1.5 k + 0.5).
    """
    chosen = _sample(len(vectors), seed)
    vectors, places, n = vectors[chosen], places[chosen], len(chosen)
    if 2 * n - 3 * k - 1 <= 0:
        return float("nan")
    original = -(vectors @ vectors.T)  # (n, n), rising as nearness falls
    on_map = _squared_distances(places)
    for distances in (original, on_map):
        np.fill_diagonal(distances, -np.inf)  # a point is its own neighbour number 0
    close = np.argpartition(on_map, k, axis=1)[:, : k + 1]  # (n, k + 1), itself among them
    distances = np.take_along_axis(original, close, axis=1)
    ranks = np.column_stack([(original < column[:, None]).sum(axis=1) for column in distances.T])
    penalty = np.maximum(ranks - k, 0).sum()  # how far each neighbour on the map is from being one
    return float(1 - 2 / (n * k * (2 * n - 3 * k - 1)) * penalty)


def _sample(n: int, seed: int) -> IntArray:
    if n <= SAMPLE:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))


def _squared_distances(places: FloatArray) -> FloatArray:
    places = places.astype(np.float64)
    lengths = (places**2).sum(axis=1)
    return lengths[:, None] + lengths[None, :] - 2 * places @ places.T
