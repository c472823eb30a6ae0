import numpy as np
import pytest
from sklearn.metrics import explained_variance_score, mean_squared_error, r2_score

from core.metrics.ratings import (
    FITS,
    calibration_curve,
    calibration_error,
    fit_intervals,
    fit_sums,
    tenths,
)


def ratings(n=400, users=50, seed=0):
    rng = np.random.default_rng(seed)
    given = rng.integers(1, 6, n).astype(float)
    predicted = np.clip(0.5 * given + 1.2 + rng.normal(0, 0.5, n), 1, 5)
    return predicted, given, rng.integers(0, users, n)


def test_fits_are_those_of_scikit_learn():
    predicted, given, owners = ratings()
    got = fit_intervals(fit_sums(predicted, given, owners))
    expected = (
        mean_squared_error(given, predicted),
        r2_score(given, predicted),
        explained_variance_score(given, predicted),
    )
    assert [got[name].mean for name in FITS] == pytest.approx(expected)
    assert all(got[name].low < got[name].mean < got[name].high for name in FITS)


def test_ratings_that_do_not_vary_have_an_error_but_no_share_explained():
    got = fit_intervals(fit_sums(np.array([3.0, 4.0]), np.array([4.0, 4.0]), np.array([0, 1])))
    assert got["mse"].mean == pytest.approx(0.5)
    assert np.isnan(got["r2"].mean)


def test_equal_predictions_stay_in_one_tenth():
    places = tenths(np.array([3.0] * 30 + [4.0] * 2))
    assert len(np.unique(places[:30])) == 1
    assert places[0] != places[-1]


def test_the_curve_holds_every_rating_once_and_its_error_is_the_weighted_distance():
    predicted, given, owners = ratings()
    curve = calibration_curve(predicted, given, owners)
    assert len(curve) == 10
    assert sum(count for _, _, count in curve) == 400
    weighted = sum(abs(mean - observed.mean) * n for mean, observed, n in curve) / 400
    assert calibration_error(curve) == pytest.approx(weighted)
    first = tenths(predicted) == 0
    assert curve[0][1].mean == pytest.approx(given[first].mean())
