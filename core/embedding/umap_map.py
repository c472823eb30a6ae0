"""UMAP on exact neighbours: the same seed gives the same map, bit by bit."""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.files import fingerprint, read_record, whole_folder, write_json
from core.basics.progress import Progress, Report, silent
from core.basics.types import FloatArray, IntArray
from core.embedding.maps import LIMIT, pca_map
from core.embedding.neighbours import nearest_of_all

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
    # Places up to 10 from the middle, with a little noise so that equal points can part
    scaled = start / max(float(np.abs(start).max()), 1e-12) * 10
    noise = np.random.default_rng(seed).normal(scale=1e-4, size=start.shape)
    jittered = (scaled + noise).astype(np.float32)
    return _layout(graph, jittered, seed, report)


def _layout(graph: csr_matrix, start: FloatArray, seed: int, report: Report) -> FloatArray:
    """Pull neighbours together and push others apart, from `start`, (n, 2)."""
    # Import the approximate search that UMAP loads and this map never calls, as plain Python
    import numba

    config: Any = numba.config
    config.DISABLE_JIT = True
    try:
        importlib.import_module("pynndescent")
    finally:
        config.DISABLE_JIT = False
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


# The graph UMAP lays out: how surely two points are neighbours, from exact neighbours.
# The library has the same in compiled form; compiling it takes 9 CPU seconds in every new
# process, these array operations half a second for 20,000 points.

STEPS = 64  # halvings in the search for a point's scale
CLOSE = 1e-5  # how near the sum must come to its target
SMALLEST = 1e-3  # least scale, as a share of the mean distance


def fuzzy_graph(found: IntArray, distances: FloatArray) -> csr_matrix:
    """Symmetric weights in (0, 1], (n, n) float32 (McInnes, Healy and Melville 2018, alg. 2 to 3).

    found, distances: (n, k) neighbours of each point, nearest first, itself in column 0.
    """
    # (n,)
    # Smallest distance above 0 of each point, 0 where all its neighbours are equal to it
    apart = np.where(distances > 0, distances, np.inf).min(axis=1)
    nearest = np.where(np.isfinite(apart), apart, 0)
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


# Maps that were computed: kept whole under the hash of what they were made from.

PLACES, ABOUT = "map.parquet", "map.json"
ROW, X, Y = "row", "x", "y"  # row: which of the points this is


@dataclass(frozen=True)
class MapInfo:
    """What a map shows and how it came about."""

    made_from: str  # run id, or the split's hash where the vectors come from the interactions
    what: str
    seed: int
    shown: int
    of: int
    trustworthiness: float | None
    cpu_seconds: float
    versions: dict[str, str]


@dataclass(frozen=True)
class KeptMap:
    """A map as it was kept: rows of the points that are shown, and their places (n, 2)."""

    info: MapInfo
    rows: IntArray
    places: FloatArray


def map_name(made_from: str, what: str, seed: int) -> str:
    """Name of the folder of a map: the same vectors, seed, settings and library, the same name."""
    settings = [LIMIT, NEIGHBOURS, EPOCHS, MIN_DIST]
    return fingerprint("umap", made_from, what, seed, settings, version("umap-learn"))


def write_map(root: Path, kept: KeptMap, beside: Path | None = None) -> Path:
    """Keep the map under `root`, whole or not at all, and return its folder.

    beside: record of the run or split it shows; DataError is raised where that was deleted.
    """
    info = kept.info
    folder = root / map_name(info.made_from, info.what, info.seed)
    frame = pd.DataFrame(
        {ROW: kept.rows.astype(np.int32), X: kept.places[:, 0], Y: kept.places[:, 1]}
    )
    damaged = read_map(folder) is None  # it would keep its place
    with whole_folder(folder, beside, anew=damaged) as part:
        frame.to_parquet(part / PLACES, index=False)
        write_json(part / ABOUT, asdict(info))
    return folder


def read_map(folder: Path) -> KeptMap | None:
    """The map of a folder, None where there is none, or a damaged one that can be drawn again."""
    info = read_record(folder / ABOUT, MapInfo)
    if info is None:
        return None
    try:
        frame = pd.read_parquet(folder / PLACES, columns=[ROW, X, Y])
    except (OSError, ValueError):
        return None
    return KeptMap(info, frame[ROW].to_numpy(), frame[[X, Y]].to_numpy(dtype=np.float32))
