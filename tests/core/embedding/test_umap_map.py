import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.embedding.neighbours import nearest_of_all, trustworthiness
from core.embedding.umap_map import fuzzy_graph, umap_map
from core.models.kernel.coordinates import normalised

ROOT = Path(__file__).resolve().parents[3]
MAP = """
import hashlib, numpy as np
from core.models.kernel.coordinates import normalised
from core.embedding.umap_map import umap_map
vectors = normalised(np.random.default_rng(0).normal(size=(300, 8)))
print(hashlib.sha256(umap_map(vectors, seed=5).tobytes()).hexdigest())
"""


def clusters(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Three far groups: vectors (n, 8) of length 1 and the group of each."""
    rng = np.random.default_rng(0)
    groups = np.arange(n) % 3
    return normalised(np.eye(8)[groups] * 4 + rng.normal(size=(n, 8)) * 0.3), groups


def test_the_same_seed_gives_the_same_map_in_a_fresh_process():
    there = subprocess.run(
        [sys.executable, "-c", MAP], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout
    vectors = normalised(np.random.default_rng(0).normal(size=(300, 8)))
    here = umap_map(vectors, seed=5)
    assert there.strip() == hashlib.sha256(here.tobytes()).hexdigest()


def test_groups_stay_together_and_another_seed_is_another_map():
    vectors, groups = clusters()
    places, other = (umap_map(vectors, seed=seed) for seed in (1, 2))
    assert np.isfinite(places).all()
    centres = np.array([places[groups == group].mean(axis=0) for group in range(3)])
    nearest_centre = np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest_centre == groups).all()
    assert trustworthiness(vectors, places) > 0.9
    assert (places != other).any()


@pytest.mark.parametrize("n", [1, 2, 4, 5, 16])
def test_a_handful_of_points_makes_a_map_too(n):
    places = umap_map(normalised(np.random.default_rng(n).normal(size=(n, 4))), seed=0)
    assert places.shape == (n, 2)
    assert np.isfinite(places).all()


def test_equal_points_do_not_break_the_map():
    places = umap_map(normalised(np.ones((40, 4))), seed=0)
    assert np.isfinite(places).all()


def test_the_stages_are_reported():
    stages = []
    umap_map(clusters(60)[0], seed=0, report=lambda progress: stages.append(progress.stage))
    assert stages == [
        "finding every point's neighbours",
        "loading UMAP",
        "laying out 60 points",
    ]


def test_the_graph_is_the_librarys():
    """Equal points included, where the library's scale has a floor."""
    import torch
    from umap.umap_ import fuzzy_simplicial_set

    vectors = normalised(np.random.default_rng(0).normal(size=(200, 6)))
    vectors[10:30] = vectors[10]
    found, cosines = nearest_of_all(vectors, 15)
    distances = np.maximum(1 - cosines, 0)
    expected, _, _ = fuzzy_simplicial_set(
        vectors, 15, np.random.RandomState(0), "cosine", knn_indices=found, knn_dists=distances
    )
    ours = fuzzy_graph(found, distances)
    assert abs(ours - expected).max() < 1e-6
    # The library's loops leave torch the threads of the suite: more of them wait for each other
    assert torch.get_num_threads() == int(os.environ["OMP_NUM_THREADS"])
