"""UMAP on exact neighbours: the same seed gives the same map, bit by bit."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.progress import Progress, Report, silent
from core.basics.types import FloatArray
from core.embedding.fuzzy_graph import fuzzy_graph
from core.embedding.neighbours import nearest_of_all
from core.embedding.pca import pca_map

NEIGHBOURS, EPOCHS, MIN_DIST = 15, 200, 0.1
FEWEST = 5  # points; below, a map of neighbourhoods says nothing
STAGES = 4  # of a map job; the last is its caller's


def umap_map(vectors: FloatArray, *, seed: int, report: Report = silent) -> FloatArray:
    """Places of the points, (n, 2) float32 (McInnes, Healy and Melville 2018).

    vectors: (n, d) of length 1; nearness is cosine. Neighbours are exact, by matrix products.
    Starts from the principal components; fewer than 5 points keep them.
    """
    start = pca_map(vectors)
    if len(vectors) < FEWEST:
        return start
    report(Progress(0, STAGES, "finding every point's neighbours"))
    found, cosines = nearest_of_all(vectors, NEIGHBOURS)
    graph = fuzzy_graph(found, np.maximum(1 - cosines, 0))
    report(Progress(1, STAGES, "loading UMAP"))
    return _layout(graph, _jittered(start, seed), seed, report)


def _layout(graph: csr_matrix, start: FloatArray, seed: int, report: Report) -> FloatArray:
    """Pull neighbours together and push others apart, from `start`, (n, 2)."""
    _load_search_uncompiled()
    from umap.umap_ import find_ab_params, simplicial_set_embedding

    report(Progress(2, STAGES, f"laying out {graph.shape[0]:,} points"))
    a, b = find_ab_params(1.0, MIN_DIST)
    places, _ = simplicial_set_embedding(
        None,
        graph,
        2,
        initial_alpha=1.0,
        a=a,
        b=b,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=EPOCHS,
        init=start,
        random_state=np.random.RandomState(seed),
        metric="cosine",
        metric_kwds={},
        densmap=False,
        densmap_kwds={},
        output_dens=False,
    )
    return np.ascontiguousarray(places, dtype=np.float32)


def _load_search_uncompiled() -> None:
    """Import the approximate search that UMAP loads and this map never calls, as plain Python.

    Compiling it costs 17 CPU seconds on the first map of an installation, more than the map.
    """
    import numba

    config: Any = numba.config
    config.DISABLE_JIT = True
    try:
        importlib.import_module("pynndescent")
    finally:
        config.DISABLE_JIT = False


def _jittered(places: FloatArray, seed: int) -> FloatArray:
    """Places up to 10 from the middle, with a little noise so that equal points can part."""
    scaled = places / max(float(np.abs(places).max()), 1e-12) * 10
    noise = np.random.default_rng(seed).normal(scale=1e-4, size=places.shape)
    return (scaled + noise).astype(np.float32)
