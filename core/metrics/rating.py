"""Errors of predicted ratings: per user first, then pooled over ratings, with intervals."""

from __future__ import annotations

import numpy as np

from core.basics.types import FloatArray, IntArray
from core.metrics.intervals import LEVEL, SAMPLES, Interval, resampled_means

RMSE, MAE = "rmse", "mae"
ERRORS = (RMSE, MAE)
_POWERS = {RMSE: 2.0, MAE: 1.0}


def user_errors(errors: FloatArray, owners: IntArray, n_users: int) -> dict[str, FloatArray]:
    """Each user's own error by metric, (n_users,) float64; NaN for a user without ratings.

    errors: (n_ratings,) predicted minus given rating; owners: (n_ratings,) 0 to n_users - 1.
    """
    counts = np.bincount(owners, minlength=n_users)
    found = {}
    for metric, power in _POWERS.items():
        sums = np.bincount(owners, np.abs(errors) ** power, minlength=n_users)
        means = np.divide(sums, counts, out=np.full(n_users, np.nan), where=counts > 0)
        found[metric] = means ** (1 / power)
    return found


def bootstrap_error(values: FloatArray, counts: IntArray, metric: str) -> Interval:
    """The pooled error with its interval: users are resampled with all their ratings."""
    return _interval(values[:, None], counts, metric, np.array([1.0]))


def bootstrap_error_difference(
    ours: FloatArray, theirs: FloatArray, counts: IntArray, metric: str
) -> Interval:
    """Pooled error of ours minus theirs, paired: both rated the same ratings of the same users."""
    return _interval(np.column_stack([ours, theirs]), counts, metric, np.array([1.0, -1.0]))


def _interval(values: FloatArray, counts: IntArray, metric: str, signs: FloatArray) -> Interval:
    """Of the signed sum of the columns' pooled errors; without two users there is no interval."""
    there = (counts > 0) & ~np.isnan(values).any(axis=1)
    users, skipped = int(there.sum()), int((~there).sum())
    if not users:
        return Interval(np.nan, np.nan, np.nan, 0, skipped)
    sums = _sums(values[there], counts[there], metric)
    mean = float(_pooled(sums.mean(axis=0), metric) @ signs)
    if users < 2:
        return Interval(mean, np.nan, np.nan, users, skipped)
    tail = (100 - LEVEL) / 2
    samples = _pooled(resampled_means(sums, samples=SAMPLES), metric) @ signs
    low, high = np.percentile(samples, [tail, 100 - tail])
    return Interval(mean, float(low), float(high), users, skipped)


def _sums(values: FloatArray, counts: IntArray, metric: str) -> FloatArray:
    """Per user each column's summed errors, and the number of ratings, (users, columns + 1)."""
    powered = np.where(np.isnan(values), 0.0, values) ** _POWERS[metric]
    return np.column_stack([counts[:, None] * powered, counts])


def _pooled(sums: FloatArray, metric: str) -> FloatArray:
    """Pooled errors from (…, columns + 1) sums, (…, columns)."""
    return (sums[..., :-1] / sums[..., -1:]) ** (1 / _POWERS[metric])
