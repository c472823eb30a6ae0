import numpy as np
import pytest

from core.metrics.intervals import bootstrap_difference, bootstrap_means, resampled_means


def test_an_interval_is_close_to_the_normal_one_for_many_users():
    values = np.random.default_rng(0).normal(0.3, 1.0, size=4000)
    interval = bootstrap_means(values)[0]
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_ninety_five_of_a_hundred_intervals_hold_the_truth():
    generator = np.random.default_rng(1)
    worlds = generator.exponential(2.0, size=(300, 200))  # rows are users, columns worlds
    held = [i.low <= 2.0 <= i.high for i in bootstrap_means(worlds)]
    assert 0.89 <= np.mean(held) <= 0.99


def test_draws_agree_with_resampling_users_one_by_one():
    values = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, np.nan]])
    drawn = np.random.default_rng(5).integers(0, 3, size=(50, 3), dtype=np.int64)
    with np.errstate(invalid="ignore"):
        expected = [
            np.nanmean(values[rows], axis=0) if (rows < 2).any() else None for rows in drawn
        ]
    for got, wanted in zip(resampled_means(values, seed=5, samples=50), expected, strict=True):
        if wanted is not None:
            np.testing.assert_allclose(got, wanted)


def test_users_without_a_value_are_skipped_and_counted():
    interval = bootstrap_means(np.array([0.0, 1.0, np.nan, np.nan, 0.5]))[0]
    assert (interval.mean, interval.users, interval.skipped) == (0.5, 3, 2)


def test_one_user_has_a_mean_and_no_interval():
    interval = bootstrap_means(np.array([0.25]))[0]
    assert interval.mean == 0.25
    assert np.isnan(interval.low)
    assert np.isnan(interval.high)
    assert not interval.excludes_zero


def test_no_user_at_all_is_nan():
    assert np.isnan(bootstrap_means(np.empty((0, 1)))[0].mean)


def test_a_paired_difference_is_much_tighter_than_two_intervals():
    generator = np.random.default_rng(2)
    user = generator.normal(0, 1, size=500)
    ours, theirs = user + 0.05 + generator.normal(0, 0.05, size=500), user
    interval = bootstrap_difference(ours, theirs)[0]
    assert interval.excludes_zero
    assert interval.high - interval.low < 0.02


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    values = np.random.default_rng(3).random(100)
    assert bootstrap_means(values, seed=4) == bootstrap_means(values, seed=4)
    assert bootstrap_means(values, seed=4) != bootstrap_means(values, seed=5)
