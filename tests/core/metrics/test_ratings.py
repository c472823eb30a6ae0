"""Rating errors against scikit-learn, and their intervals over users."""

import numpy as np
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from core.metrics.ratings import ERRORS, bootstrap_error, bootstrap_error_difference, user_errors

RNG = np.random.default_rng(4)
OWNERS = np.sort(RNG.integers(0, 40, 300))
GIVEN = RNG.integers(1, 6, 300).astype(float)
GUESSED = GIVEN + RNG.normal(0, 1, 300)
COUNTS = np.bincount(OWNERS, minlength=41)  # user 40 rated nothing


def test_errors_of_a_user_by_hand():
    found = user_errors(np.array([3.0, -4.0, 1.0]), np.array([0, 0, 2]), 3)
    np.testing.assert_allclose(found["rmse"], [np.sqrt(25 / 2), np.nan, 1.0])
    np.testing.assert_allclose(found["mae"], [7 / 2, np.nan, 1.0])


def test_pooled_errors_are_those_of_scikit_learn_over_all_ratings():
    found = user_errors(GUESSED - GIVEN, OWNERS, 41)
    theirs = {
        "rmse": root_mean_squared_error(GIVEN, GUESSED),
        "mae": mean_absolute_error(GIVEN, GUESSED),
    }
    for metric in ERRORS:
        interval = bootstrap_error(found[metric], COUNTS, metric)
        assert np.isclose(interval.mean, theirs[metric])
        assert interval.low < interval.mean < interval.high
        assert (interval.users, interval.skipped) == (40, 1)


def test_a_user_with_many_ratings_counts_as_many():
    errors, owners = np.array([3.0] + [0.0] * 8), np.array([0] + [1] * 8)
    found = user_errors(errors, owners, 2)
    assert bootstrap_error(found["rmse"], np.array([1, 8]), "rmse").mean == 1.0
    assert np.isclose(bootstrap_error(found["mae"], np.array([1, 8]), "mae").mean, 1 / 3)


def test_a_difference_is_paired_so_equal_guesses_differ_by_nothing_at_all():
    ours = user_errors(GUESSED - GIVEN, OWNERS, 41)["rmse"]
    same = bootstrap_error_difference(ours, ours, COUNTS, "rmse")
    assert (same.mean, same.low, same.high) == (0.0, 0.0, 0.0)
    worse = user_errors(1.1 * (GUESSED - GIVEN), OWNERS, 41)["rmse"]
    gap = bootstrap_error_difference(ours, worse, COUNTS, "rmse")
    assert gap.high < 0
    one = bootstrap_error(ours, COUNTS, "rmse")
    assert gap.high - gap.low < one.high - one.low


def test_nobody_has_no_error_and_one_user_no_interval():
    nobody = bootstrap_error(np.array([np.nan]), np.array([0]), "rmse")
    assert np.isnan(nobody.mean)
    assert (nobody.users, nobody.skipped) == (0, 1)
    one = bootstrap_error(np.array([2.0]), np.array([3]), "mae")
    assert one.mean == 2.0
    assert np.isnan(one.low)
