import numpy as np

from core.embedding.maps import normalised
from core.embedding.neighbours import clusters_of


def test_directions_that_differ_are_groups_the_largest_first():
    rng = np.random.default_rng(0)
    sizes = [40, 30, 20, 10, 9, 8, 7, 6]
    true = np.repeat(np.arange(8), sizes)
    vectors = normalised(10 * np.eye(8)[true] + 0.1 * rng.normal(size=(len(true), 8)))
    np.testing.assert_array_equal(clusters_of(vectors), true)


def test_fewer_points_than_groups_are_groups_of_their_own():
    assert sorted(clusters_of(np.eye(3, dtype=np.float32))) == [0, 1, 2]
