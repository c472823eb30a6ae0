"""How differently two domains are made: what kinds of items are taken, and how unevenly."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray
from core.data.knowledge import compared, names_in
from core.data.pair import DomainPair, ItemFeatures

BINS = 20  # parts of the catalogue, from its most to its least popular items


@dataclass(frozen=True)
class ContentGap:
    """Jensen-Shannon divergences in bits: 0 alike, 1 nothing in common."""

    categories: float  # NaN where a domain has no categories
    shared_categories: int  # names that both domains use
    popularity: float


def content_gap(train: DomainPair) -> ContentGap:
    """Divergence of categories, by interactions, and of how these fall on the catalogue."""
    mixes = [
        _category_mix(matrix, features)
        for matrix, features in (
            (train.source, train.source_features),
            (train.target, train.target_features),
        )
    ]
    names = sorted(set(mixes[0]) | set(mixes[1]))
    shares = [np.array([mix.get(name, 0.0) for name in names]) for mix in mixes]
    known = bool(mixes[0]) and bool(mixes[1])
    return ContentGap(
        categories=jensen_shannon(*shares) if known else float("nan"),
        shared_categories=len(set(mixes[0]) & set(mixes[1])),
        popularity=jensen_shannon(_popularity(train.source), _popularity(train.target)),
    )


def jensen_shannon(first: FloatArray, second: FloatArray) -> float:
    """Jensen-Shannon divergence in bits of two weightings of the same things; Lin 1991, eq. 4.1.

    NaN where either has no weight at all.
    """
    if not first.sum() > 0 or not second.sum() > 0:
        return float("nan")
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2
    return float((_bits(p, middle) + _bits(q, middle)) / 2)


def _bits(p: FloatArray, q: FloatArray) -> float:
    there = p > 0
    return float((p[there] * np.log2(p[there] / q[there])).sum())


def _category_mix(matrix: csr_matrix, features: ItemFeatures | None) -> dict[str, float]:
    """Interactions by category; an item's count is split over its categories."""
    if features is None:
        return {}
    counts: defaultdict[str, float] = defaultdict(float)
    taken = np.asarray(matrix.sum(axis=0)).ravel()
    for item in np.flatnonzero(taken):
        names = names_in(features.categories[item])
        for name in names:
            counts[compared(name)] += float(taken[item]) / len(names)
    return dict(counts)


def _popularity(matrix: csr_matrix) -> FloatArray:
    """Share of the interactions in each twentieth of the items, the most popular first, (BINS,)."""
    taken = np.sort(np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel())[::-1]
    if not len(taken):
        return np.zeros(BINS)
    place = np.arange(len(taken)) * BINS // len(taken)
    return np.bincount(place, weights=taken, minlength=BINS).astype(np.float64)
