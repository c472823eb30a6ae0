import numpy as np
import pytest

from core.metrics.fairness import (
    amounts_by_group,
    chance_of_gap,
    gap_interval,
    head_and_tail,
    item_gains,
    item_mad,
    mean_absolute_difference,
    rates,
    relative_spread,
)


def test_user_mad_is_the_mean_over_pairs_of_groups():
    means = np.array([0.1, 0.4, np.nan, 0.2])
    assert mean_absolute_difference(means) == pytest.approx((0.3 + 0.1 + 0.2) / 3)
    assert np.isnan(mean_absolute_difference(np.array([0.3, np.nan])))


def test_the_gap_of_two_groups_has_an_interval_around_it():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.5, 0.1, 200), rng.normal(0.3, 0.1, 100), [0.9, np.nan]])
    one, other = np.arange(302) < 200, (np.arange(302) >= 200) & (np.arange(302) != 300)
    got = gap_interval(values, np.ones(302), (one, other))  # the last user has no value
    assert got.mean == pytest.approx(values[:200].mean() - values[200:300].mean())
    width = 1.96 * np.sqrt(values[:200].var() / 200 + values[200:300].var() / 100)
    assert (got.low, got.high) == pytest.approx((got.mean - width, got.mean + width), abs=0.006)


def test_the_gap_of_an_error_is_that_of_the_errors_pooled_over_ratings():
    squares, counts = np.array([8.0, 1.0, 27.0]), np.array([2.0, 1.0, 3.0])
    groups = np.array([True, True, False]), np.array([False, False, True])
    got = gap_interval(squares, counts, groups, power=2)
    assert got.mean == pytest.approx((9 / 3) ** 0.5 - 3)


def test_a_gap_of_random_groups_is_by_chance_at_the_nominal_rate():
    rng = np.random.default_rng(0)
    sizes, ones = np.array([30, 20, 10]), np.ones(60)
    found = [chance_of_gap(rng.normal(size=60), ones, sizes, tries=99) for _ in range(300)]
    assert 0.02 <= np.mean(np.array(found) <= 0.05) <= 0.08


def test_a_planted_gap_is_hardly_ever_reached_by_random_groups():
    values = np.repeat([0.5, 0.2, 0.3], [30, 20, 10]) + np.random.default_rng(0).normal(0, 0.2, 60)
    assert chance_of_gap(values, np.ones(60), np.array([30, 20, 10])) < 0.01


def test_rsp_and_reo_are_std_over_mean_of_the_groups_rates():
    got = rates(np.array([30.0, 10.0]), np.array([100.0, 100.0]))
    assert relative_spread(got) == pytest.approx(0.1 / 0.2)
    assert relative_spread(np.array([0.2, 0.2])) == 0
    assert np.isnan(relative_spread(rates(np.array([1.0, 0.0]), np.array([5.0, 0.0]))))


def test_amounts_are_summed_over_the_items_of_a_group():
    members = head_and_tail(np.array([True, False, False]))
    assert amounts_by_group(np.array([6, 1, 1]), members) == pytest.approx([6, 2])


def test_item_mad_is_the_distance_of_what_a_place_brings_to_either_group():
    lists = np.array([[0, 1], [0, 2], [1, -1]])
    hits = np.array([[True, False], [False, True], [True, False]])
    gains = item_gains(lists, hits, 4)
    second = 1 / np.log2(3)
    assert gains == pytest.approx([1 / 2, 1 / 2, second, np.nan], nan_ok=True)
    members = head_and_tail(np.array([True, False, False, False]))
    assert item_mad(gains, members) == pytest.approx(abs(1 / 2 - (1 / 2 + second) / 2))
    assert np.isnan(item_mad(np.array([0.5, np.nan, np.nan, np.nan]), members))
