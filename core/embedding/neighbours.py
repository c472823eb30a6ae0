"""Exact nearest neighbours, groups of points, and how far a map can be trusted."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

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


# Groups of points that lie together in the original space.

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


# What a person sees as groups on a map: islands with water around them.

CELLS = 64  # of the map in its longer direction, at most; fewer for few points
LEAST = 8  # points of an island
TOO_LARGE = 0.15  # share of all points from which an island is told apart by clusters
NO_GROUP = -1


def islands_of(places: FloatArray, clusters: IntArray | None = None) -> IntArray:
    """Number of the group each point of a map is seen in, (n,), 0 the largest; NO_GROUP for few.

    places: (n, 2). Points are of one island where their cells of a grid touch. A very
    large island is parted by `clusters`, (n,), so that a map without water has those.
    """
    from scipy.sparse.csgraph import connected_components

    low = places.min(axis=0)
    cells = min(CELLS, max(8, int(1.5 * np.sqrt(len(places)))))
    cell = max(float((places.max(axis=0) - low).max()) / cells, 1e-12)
    at = ((places - low) / cell).astype(np.int64)
    width = int(at[:, 1].max()) + 3
    filled, where = np.unique((at[:, 0] + 1) * width + at[:, 1] + 1, return_inverse=True)
    pairs = []
    for step in (1, width - 1, width, width + 1):  # half of the eight cells around, in either way
        found = np.minimum(np.searchsorted(filled, filled + step), len(filled) - 1)
        first = np.flatnonzero(filled[found] == filled + step)
        pairs.append(np.column_stack([first, found[first]]))
    touch = np.concatenate(pairs)
    shape = (len(filled), len(filled))
    graph = csr_matrix((np.ones(len(touch)), (touch[:, 0], touch[:, 1])), shape=shape)
    island = connected_components(graph, directed=False)[1][where]
    large = np.bincount(island)[island] >= TOO_LARGE * len(places)
    if clusters is not None:
        parted = island * (clusters.max() + 2) + np.where(large, clusters + 1, 0)
        _, island = np.unique(parted, return_inverse=True)
    sizes = np.bincount(island)
    order = np.argsort(np.argsort(-sizes, kind="stable"))
    return np.where(sizes[island] >= LEAST, order[island], NO_GROUP)


# Whether points that are alike in something lie together in the original space.

AROUND = 10  # neighbours that are asked


def shared_by_neighbours(
    vectors: FloatArray, labels: np.ndarray, seed: int = 0
) -> tuple[float, float]:
    """Share of a point's 10 nearest that have its label, and what it would be by chance.

    vectors: (n, d) of length 1; labels: (n,). On at most 2,000 points drawn with the seed; NaN
    where there are too few.
    """
    chosen = _sample(len(vectors), seed)
    if len(chosen) <= AROUND:
        return float("nan"), float("nan")
    _, numbers, counts = np.unique(labels[chosen], return_inverse=True, return_counts=True)
    near = nearest_of_all(vectors[chosen], AROUND + 1)[0][:, 1:]
    n = len(chosen)
    by_chance = (counts * (counts - 1)).sum() / (n * (n - 1))
    return float((numbers[near] == numbers[:, None]).mean()), float(by_chance)


def goes_with_neighbours(vectors: FloatArray, values: FloatArray, seed: int = 0) -> float:
    """Correlation of a point's value with the mean of its 10 nearest, by ranks: 0 by chance.

    vectors: (n, d) of length 1; values: (n,), all known. On at most 2,000 points drawn with the
    seed; NaN where there are too few or all have one value.
    """
    chosen = _sample(len(vectors), seed)
    if len(chosen) <= AROUND or len(np.unique(values[chosen])) < 2:
        return float("nan")
    ranks = pd.Series(values[chosen]).rank().to_numpy()
    around = ranks[nearest_of_all(vectors[chosen], AROUND + 1)[0][:, 1:]].mean(axis=1)
    return float(np.corrcoef(ranks, around)[0, 1])


# How far a map can be trusted: whether neighbours on it are neighbours in the original space.

SAME = 1e-6  # spread below which points lie at one place: what float32 leaves of equal ones
SAMPLE = 2_000  # points; ranks of all pairs among them are held at once


def trustworthiness(
    vectors: FloatArray, places: FloatArray, *, k: int = 15, seed: int = 0
) -> float:
    """1 where the k nearest on the map are the k nearest by cosine, about 0.5 for a random map.

    vectors: (n, d) of length 1; places: (n, 2). Venna and Kaski 2001, eq. 1, on at most 2,000
    points drawn with the seed. NaN where there are too few points (n <= 1.5 k + 0.5), and where all
    lie at one place, in either space: then nobody is nearer than anybody.
    """
    chosen = _sample(len(vectors), seed)
    vectors, places, n = vectors[chosen], places[chosen], len(chosen)
    if 2 * n - 3 * k - 1 <= 0:
        return float("nan")
    if any(float(np.ptp(part, axis=0).max()) <= SAME for part in (vectors, places)):
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
