import numpy as np

from core.embedding.maps import sample_points


def test_few_points_are_all_shown():
    assert sample_points(np.zeros(5, dtype=int), 5).tolist() == [0, 1, 2, 3, 4]


def test_every_group_keeps_its_share():
    strata = np.repeat([0, 1, 2], [600, 300, 100])
    chosen = sample_points(strata, 100, seed=3)
    assert np.bincount(strata[chosen]).tolist() == [60, 30, 10]
    assert len(np.unique(chosen)) == 100


def test_chosen_points_are_always_shown():
    strata = np.zeros(1000, dtype=int)
    chosen = sample_points(strata, 50, keep=np.array([7, 999]))
    assert {7, 999} <= set(chosen.tolist())
    assert len(np.unique(chosen)) == 50


def test_the_same_seed_draws_the_same_points():
    strata = np.arange(500) % 3
    first, again, other = (sample_points(strata, 60, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
