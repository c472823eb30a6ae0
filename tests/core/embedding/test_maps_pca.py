import numpy as np

from core.embedding.maps import pca_map
from core.models.kernel.coordinates import normalised


def test_the_two_largest_directions_come_first():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 5)) * [1, 5, 0.1, 3, 0.5]
    places = pca_map(vectors)
    centred = vectors - vectors.mean(axis=0)
    values = np.linalg.svd(centred, compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(places, axis=0), values[:2], rtol=1e-5)
    assert abs(np.corrcoef(places[:, 0], vectors[:, 1])[0, 1]) > 0.95


def test_the_sign_never_depends_on_the_solver():
    """Turning every vector round turns the map round; the same vectors give the same map."""
    vectors = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    np.testing.assert_array_equal(pca_map(vectors), pca_map(vectors.copy()))
    shuffled = np.random.default_rng(2).permutation(50)
    np.testing.assert_allclose(pca_map(vectors[shuffled]), pca_map(vectors)[shuffled], atol=1e-4)


def test_one_factor_or_one_point_still_makes_a_map():
    assert pca_map(np.array([[1.0], [3.0]])).tolist() == [[-1.0, 0.0], [1.0, 0.0]]
    assert pca_map(np.ones((1, 3))).tolist() == [[0.0, 0.0]]


def test_normalised_rows_have_length_one_and_zeros_stay():
    np.testing.assert_allclose(normalised(np.array([[3.0, 4.0], [0, 0]])), [[0.6, 0.8], [0, 0]])
