import numpy as np
import pytest

from core.basics.errors import DataError
from core.basics.types import Vectors
from core.embedding.maps import points_of


@pytest.fixture
def vectors() -> Vectors:
    return Vectors(
        source_items=np.array([[3.0, 4.0], [0.0, 0.0]]),
        target_items=np.array([[1.0, 0.0], [np.nan, 1.0], [0.0, 2.0]]),
        source_users=np.array([[1.0, 1.0]]),
        target_users=None,
    )


def test_points_stand_by_kind_and_domain_with_their_numbers(vectors):
    points = points_of(vectors, "both")
    assert points.is_item.tolist() == [True, True, True, False]
    assert points.is_source.tolist() == [True, False, False, True]
    assert points.numbers.tolist() == [0, 0, 2, 0]
    assert points.groups.tolist() == [0, 1, 1, 2]
    np.testing.assert_allclose(np.linalg.norm(points.vectors, axis=1), 1)


def test_zero_and_broken_vectors_are_left_out_and_counted(vectors):
    assert points_of(vectors, "items").left_out == 2
    assert len(points_of(vectors, "users")) == 1


def test_a_model_without_such_vectors_says_so():
    with pytest.raises(DataError, match="no vectors of users"):
        points_of(Vectors(np.ones((1, 2)), None, None, None), "users")


def test_a_map_draws_at_most_twenty_thousand_with_every_group_at_its_share():
    many = Vectors(np.ones((30_000, 1)), np.ones((10_000, 1)), None, None)
    points = points_of(many, "items")
    shown = points.shown(seed=0)
    assert len(shown) == 20_000
    assert points.is_source[shown].sum() == 15_000
