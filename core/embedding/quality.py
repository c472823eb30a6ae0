"""How far a map can be trusted: whether neighbours on it are neighbours in the original space."""

from __future__ import annotations

import numpy as np

from core.basics.scores import FloatArray, IntArray

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
    original = _ranks(-(vectors @ vectors.T))  # (n, n), 0 is the point itself
    on_map = _ranks(_squared_distances(places))
    intruders = (on_map >= 1) & (on_map <= k) & (original > k)
    penalty = (original[intruders] - k).sum()
    return float(1 - 2 / (n * k * (2 * n - 3 * k - 1)) * penalty)


def _sample(n: int, seed: int) -> IntArray:
    if n <= SAMPLE:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))


def _squared_distances(places: FloatArray) -> FloatArray:
    places = places.astype(np.float64)
    lengths = (places**2).sum(axis=1)
    return lengths[:, None] + lengths[None, :] - 2 * places @ places.T


def _ranks(distances: FloatArray) -> IntArray:
    """Place of each column in its row's order, the point itself at 0."""
    np.fill_diagonal(distances, -np.inf)
    order = np.argsort(distances, axis=1, kind="stable")
    ranks = np.empty(order.shape, dtype=np.int32)
    np.put_along_axis(ranks, order, np.arange(len(order), dtype=np.int32)[None, :], axis=1)
    return ranks
