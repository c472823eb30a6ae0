import numpy as np
import pytest

from core.metrics.intervals import bootstrap_means, bootstrap_of_sums


def ratio(sums):
    return sums[..., 0] / sums[..., 1]


def test_a_mean_written_as_a_ratio_of_sums_has_the_interval_of_the_mean():
    values = np.random.default_rng(0).normal(1, 1, 80)
    sums = np.column_stack([values, np.ones(80)])
    (got,), (expected,) = bootstrap_of_sums(sums, ratio), bootstrap_means(values)
    assert (got.mean, got.low, got.high) == pytest.approx(
        (expected.mean, expected.low, expected.high)
    )


def test_users_without_an_answer_are_skipped_and_counted():
    sums = np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, 2.0]])
    (got,) = bootstrap_of_sums(sums, ratio)
    assert (got.mean, got.users, got.skipped) == (1.0, 2, 1)


def test_one_user_has_a_figure_and_no_interval():
    (got,) = bootstrap_of_sums(np.array([[1.0, 4.0]]), ratio)
    assert got.mean == 0.25
    assert np.isnan(got.low)
