"""How well predicted ratings fit: MSE, R², explained variance, and calibration in tenths."""

from __future__ import annotations

import numpy as np

from core.basics.types import FloatArray, IntArray
from core.metrics.intervals import Interval
from core.metrics.resampled import bootstrap_of_sums

FITS = ("mse", "r2", "explained_variance")
BINS = 10


def fit_sums(predicted: FloatArray, given: FloatArray, owners: IntArray) -> FloatArray:
    """(users, 5) each user's count, sum of ratings, of their squares, of errors, of their squares.

    predicted, given: (n_ratings,); owners: (n_ratings,) 0 to users - 1.
    """
    error = np.asarray(predicted, np.float64) - given
    columns = (np.ones(len(error)), given, np.square(given, dtype=np.float64), error, error**2)
    return np.column_stack([np.bincount(owners, column) for column in columns])


def fits(sums: FloatArray) -> FloatArray:
    """(…, 3) MSE, R² and explained variance from (…, 5) sums; NaN where ratings do not vary."""
    n, total, squares, error, error_squares = np.moveaxis(sums, -1, 0)
    spread = squares / n - (total / n) ** 2
    spread = np.where(spread > 1e-12, spread, np.nan)
    mse = error_squares / n
    return np.stack([mse, 1 - mse / spread, 1 - (mse - (error / n) ** 2) / spread], axis=-1)


def fit_intervals(sums: FloatArray) -> dict[str, Interval]:
    """FITS with their intervals, users resampled with all their ratings."""
    return dict(zip(FITS, bootstrap_of_sums(sums, fits), strict=True))


def tenths(predicted: FloatArray, bins: int = BINS) -> IntArray:
    """(n_ratings,) which of `bins` equal parts each prediction is in; equal ones stay together."""
    edges = np.quantile(predicted, np.arange(1, bins) / bins) if len(predicted) else np.zeros(0)
    return np.unique(np.searchsorted(edges, predicted, side="left"), return_inverse=True)[1]


def calibration_curve(
    predicted: FloatArray, given: FloatArray, owners: IntArray, bins: int = BINS
) -> list[tuple[float, Interval, int]]:
    """Per tenth: mean predicted rating, mean given rating with its interval, number of ratings.

    The interval resamples users with their ratings; its `users` are those with one in the tenth.
    """
    places = tenths(predicted, bins)
    curve = []
    for place in range(int(places.max()) + 1 if len(places) else 0):
        here = places == place
        rows = np.unique(owners[here], return_inverse=True)[1]
        sums = np.column_stack([np.bincount(rows, given[here]), 1.0 * np.bincount(rows)])
        observed = bootstrap_of_sums(sums, lambda pair: pair[..., 0] / pair[..., 1])[0]
        curve.append((float(predicted[here].mean()), observed, int(here.sum())))
    return curve


def calibration_error(curve: list[tuple[float, Interval, int]]) -> float:
    """Mean distance of given from predicted, tenths weighing by their ratings; NaN without any."""
    weights = np.array([count for _, _, count in curve], dtype=float)
    distances = np.array([abs(mean - observed.mean) for mean, observed, _ in curve])
    return float(distances @ weights / weights.sum()) if len(curve) else float("nan")
