import numpy as np

from core.embedding.neighbours import (
    NO_GROUP,
    clusters_of,
    goes_with_neighbours,
    islands_of,
    shared_by_neighbours,
)
from core.models.kernel.coordinates import normalised


def test_directions_that_differ_are_groups_the_largest_first():
    rng = np.random.default_rng(0)
    sizes = [40, 30, 20, 10, 9, 8, 7, 6]
    true = np.repeat(np.arange(8), sizes)
    vectors = normalised(10 * np.eye(8)[true] + 0.1 * rng.normal(size=(len(true), 8)))
    np.testing.assert_array_equal(clusters_of(vectors), true)


def test_fewer_points_than_groups_are_groups_of_their_own():
    assert sorted(clusters_of(np.eye(3, dtype=np.float32))) == [0, 1, 2]


def test_islands_are_what_water_parts_and_a_few_stray_points_are_none():
    rng = np.random.default_rng(0)
    middles = np.repeat([[0, 0], [10, 0], [0, 10], [10, 10], [5, 5]], [40, 30, 20, 10, 3], axis=0)
    places = middles + rng.random((len(middles), 2))
    island = islands_of(places, np.zeros(len(places), dtype=np.int64))
    assert island.tolist() == [0] * 40 + [1] * 30 + [2] * 20 + [3] * 10 + [NO_GROUP] * 3


def test_a_map_without_water_has_the_groups_of_the_original_space():
    places = np.random.default_rng(0).random((4_000, 2))
    clusters = np.repeat([1, 0], [1_500, 2_500])
    found = islands_of(places, clusters)
    assert (found == clusters).mean() > 0.98  # but for what the sand happens to leave alone
    assert (islands_of(places) == 0).mean() > 0.98  # one island where nothing parts it


def directions(of: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(len(of), 4))
    return normalised(10 * np.eye(4)[of] + 0.1 * noise)


def test_neighbours_of_parted_groups_have_one_label_and_of_mixed_ones_what_chance_gives():
    group = np.repeat([0, 1], 100)
    mixed = np.tile([0, 1], 100)
    found, by_chance = shared_by_neighbours(directions(group), group)
    assert found == 1
    assert by_chance == 2 * 100 * 99 / (200 * 199)
    found, by_chance = shared_by_neighbours(directions(group), mixed)
    assert abs(found - by_chance) < 0.08


def test_values_that_lie_together_go_with_those_of_neighbours_and_equal_ones_say_nothing():
    group = np.repeat([0, 1], 100)
    assert goes_with_neighbours(directions(group), group.astype(float)) > 0.999
    assert abs(goes_with_neighbours(directions(group), np.arange(200) % 7.0)) < 0.3
    assert np.isnan(goes_with_neighbours(directions(group), np.ones(200)))
    assert np.isnan(goes_with_neighbours(directions(group[:5]), group[:5].astype(float)))
