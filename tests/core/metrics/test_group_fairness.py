import numpy as np
import pytest

from core.metrics.fairness import (
    amounts_by_group,
    gap_interval,
    group_means,
    head_and_tail,
    mean_absolute_difference,
    rates,
    relative_spread,
    shares,
)


def test_means_of_groups_leave_out_those_under_ten_users():
    values = np.concatenate([np.full(10, 0.4), np.full(12, 0.1), np.full(9, 0.9), [np.nan]])
    groups = np.concatenate([np.zeros(10), np.ones(12), np.full(9, 2), [2]]).astype(int)
    got = group_means(values, groups, 3)
    assert got == pytest.approx([0.4, 0.1, np.nan], nan_ok=True)  # nine users with a value


def test_user_mad_is_the_mean_over_pairs_of_groups():
    means = np.array([0.1, 0.4, np.nan, 0.2])
    assert mean_absolute_difference(means) == pytest.approx((0.3 + 0.1 + 0.2) / 3)
    assert np.isnan(mean_absolute_difference(np.array([0.3, np.nan])))


def test_the_gap_of_two_groups_has_an_interval_around_it():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.5, 0.1, 200), rng.normal(0.3, 0.1, 100)])
    groups = np.repeat([0, 1], [200, 100])
    got = gap_interval(values, groups, best=0, worst=1)
    assert got.mean == pytest.approx(values[:200].mean() - values[200:].mean())
    width = 1.96 * np.sqrt(values[:200].var() / 200 + values[200:].var() / 100)
    assert (got.low, got.high) == pytest.approx((got.mean - width, got.mean + width), abs=0.006)


def test_rsp_and_reo_are_std_over_mean_of_the_groups_rates():
    got = rates(np.array([30.0, 10.0]), np.array([100.0, 100.0]))
    assert relative_spread(got) == pytest.approx(0.1 / 0.2)
    assert relative_spread(np.array([0.2, 0.2])) == 0
    assert np.isnan(relative_spread(rates(np.array([1.0, 0.0]), np.array([5.0, 0.0]))))


def test_exposure_of_head_and_tail_are_shares_of_all_places():
    members = head_and_tail(np.array([True, False, False]))
    assert shares(amounts_by_group(np.array([6, 1, 1]), members)) == pytest.approx([3 / 4, 1 / 4])
    assert np.isnan(shares(np.zeros(2))).all()
