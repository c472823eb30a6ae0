import numpy as np
import pytest

from core.embedding.neighbours import nearest, nearest_of_all
from core.models.kernel.coordinates import normalised


def test_neighbours_stand_by_cosine_worked_by_hand():
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1], [-1, 0]])
    order, cosines = nearest(vectors, 0, 2)
    assert order.tolist() == [1, 2]
    np.testing.assert_allclose(cosines, [0.8, 0.0])


def test_asking_for_more_neighbours_than_points_gives_all_others():
    assert nearest(np.eye(3), 1, 10)[0].tolist() == [0, 2]


def test_neighbours_can_be_looked_for_in_one_domain_only():
    vectors = normalised(np.random.default_rng(0).normal(size=(20, 3)))
    among = np.arange(10, 20)
    order, cosines = nearest(vectors, 12, 4, among)
    assert 12 not in order
    assert (order >= 10).all()
    best = np.sort(vectors[among[among != 12]] @ vectors[12])[::-1][:4]
    np.testing.assert_allclose(cosines, best)


@pytest.mark.parametrize(("n", "k"), [(3, 15), (40, 15), (700, 15), (1025, 3)])
def test_blockwise_search_equals_brute_force(n, k):
    vectors = normalised(np.random.default_rng(n).normal(size=(n, 6)))
    found, cosines = nearest_of_all(vectors, k)
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, 2)
    expected = np.argsort(-similar, axis=1, kind="stable")[:, : min(k, n)]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(
        cosines[:, 1:], np.take_along_axis(similar, expected, axis=1)[:, 1:], atol=1e-6
    )


def test_a_point_is_its_own_first_neighbour_even_among_equals():
    found, cosines = nearest_of_all(normalised(np.ones((50, 3))), 5)
    assert found[:, 0].tolist() == list(range(50))
    np.testing.assert_allclose(cosines, 1, atol=1e-6)
