"""Groups of points that lie together in the original space, for colouring a map."""

from __future__ import annotations

import numpy as np

from core.basics.types import FloatArray, IntArray

CLUSTERS = 8  # as many as there are colours
_ROUNDS = 25


def clusters_of(vectors: FloatArray, seed: int = 0) -> IntArray:
    """Number of each point's group, (n,), 0 the largest; points whose direction is alike.

    Spherical k-means (Dhillon and Modha 2001), begun as k-means++ (Arthur and Vassilvitskii 2007).
    vectors: (n, d) of length 1.
    """
    k = min(CLUSTERS, len(vectors))
    centres = _first_centres(vectors, k, np.random.default_rng(seed))
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


def _first_centres(vectors: FloatArray, k: int, rng: np.random.Generator) -> FloatArray:
    chosen = [int(rng.integers(len(vectors)))]
    while len(chosen) < k:
        away = np.clip(1.0 - (vectors @ vectors[chosen].T).max(axis=1), 0.0, None).astype(float)
        whole = away.sum()
        chosen.append(int(rng.choice(len(vectors), p=away / whole if whole > 0 else None)))
    return vectors[chosen].copy()
