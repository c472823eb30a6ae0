import numpy as np
import pytest

from core.embedding.neighbours import trustworthiness
from core.models.kernel.coordinates import normalised


def test_a_map_that_keeps_all_neighbours_is_trusted_fully():
    angles = np.linspace(0, 1.7, 60) ** 2  # uneven, so that no two distances tie
    vectors = np.column_stack([np.cos(angles), np.sin(angles)])
    places = np.column_stack([angles, np.zeros(60)])
    assert trustworthiness(vectors, places, k=5) == pytest.approx(1.0)


def test_it_equals_scikit_learn():
    from sklearn.manifold import trustworthiness as reference

    rng = np.random.default_rng(0)
    vectors, places = normalised(rng.normal(size=(150, 10))), rng.normal(size=(150, 2))
    expected = reference(vectors, places, n_neighbors=7, metric="cosine")
    assert trustworthiness(vectors, places, k=7) == pytest.approx(expected, abs=1e-9)


def test_a_random_map_of_many_points_gets_a_half():
    rng = np.random.default_rng(0)
    value = trustworthiness(normalised(rng.normal(size=(3000, 8))), rng.normal(size=(3000, 2)))
    assert value == pytest.approx(0.5, abs=0.02)


def test_too_few_points_give_no_figure():
    assert np.isnan(trustworthiness(np.eye(3), np.zeros((3, 2)), k=15))


def test_points_that_are_all_equal_have_no_trust_to_measure():
    """They were trusted fully, 1.0: no two points were told apart, on the map or before it."""
    rng = np.random.default_rng(0)
    vectors, places = normalised(rng.normal(size=(60, 8))), rng.normal(size=(60, 2))
    assert np.isnan(trustworthiness(np.tile(vectors[:1], (60, 1)), places))
    assert np.isnan(trustworthiness(vectors, np.zeros((60, 2))))
