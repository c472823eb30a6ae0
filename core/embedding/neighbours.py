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
        # Columns and values of each row's k largest entries, largest first
        blocks = similar.reshape(
            len(similar), LANES, -1
        )  # block b holds columns b, b + n_blocks, ...
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
        found[rows], cosines[rows] = (
            np.take_along_axis(columns, order, axis=1),
            np.take_along_axis(values, order, axis=1),
        )
    cosines[:, 0] = 1.0
    return found, cosines


# Groups of points that lie together in the original space, for colouring a map.

CLUSTERS = 8  # as many as there are colours
_ROUNDS = 25


def clusters_of(vectors: FloatArray, seed: int = 0) -> IntArray:
    """Number of each point's group, (n,), 0 the largest; points whose direction is alike.

    Spherical k-means (Dhillon and Modha 2001), begun as k-means++ (Arthur and Vassilvitskii 2007).
    vectors: (n, d) of length 1.
    """
    k = min(CLUSTERS, len(vectors))
    rng = np.random.default_rng(seed)
    chosen = [int(rng.integers(len(vectors)))]
    while len(chosen) < k:
        away = np.clip(1.0 - (vectors @ vectors[chosen].T).max(axis=1), 0.0, None).astype(float)
        whole = away.sum()
        chosen.append(int(rng.choice(len(vectors), p=away / whole if whole > 0 else None)))
    centres = vectors[chosen].copy()
    group = np.zeros(len(vectors), dtype=np.int64)
    for _ in range(_ROUNDS):
        before, group = group, (vectors @ centres.T).argmax(axis=1)
        if (before == group).all():
            break
        for number in range(k):
            total = vectors[group == number].sum(axis=0)
            if length := float(np.linalg.norm(total)):
                centres[number] = total / length
    order = np.argsort(-np.bincount(group, minlength=k), kind="stable")
    return np.argsort(order)[group]


# How far a map can be trusted: whether neighbours on it are neighbours in the original space.

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
