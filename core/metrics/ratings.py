"""Rating error and fit: RMSE, MAE, R², calibration, log loss."""

from __future__ import annotations

import numpy as np

from core.basics.types import BoolArray, FloatArray, IntArray
from core.metrics.card import metric
from core.metrics.intervals import (
    LEVEL,
    SAMPLES,
    Interval,
    as_wide_as_t,
    bootstrap_of_sums,
    resampled_means,
)

RMSE, MAE = "rmse", "mae"
ERRORS = (RMSE, MAE)
_POWERS = {RMSE: 2.0, MAE: 1.0}


def user_errors(errors: FloatArray, owners: IntArray, n_users: int) -> dict[str, FloatArray]:
    """Each user's own error by metric, (n_users,) float64; NaN for a user without ratings.

    errors: (n_ratings,) predicted minus given rating; owners: (n_ratings,) 0 to n_users - 1.
    """
    return {RMSE: rmse(errors, owners, n_users), MAE: mae(errors, owners, n_users)}


@metric(
    "RMSE",
    r"$\sqrt{\sum (\hat r - r)^2 / n}$ over all held-out ratings",
    "How far predicted ratings lie from the given ones, large misses counting more; 0 is "
    "perfect. Users are resampled with all their ratings for its interval.",
    "Herlocker et al. 2004; pooled over ratings",
    "rating",
    kept=True,
    higher_is_better=False,
    at_k=False,
    task="rating",
)
def rmse(errors: FloatArray, owners: IntArray, n_users: int) -> FloatArray:
    """Root of each user's mean squared error, (n_users,)."""
    return _power_means(errors, owners, n_users, _POWERS[RMSE])


@metric(
    "MAE",
    r"$\sum |\hat r - r| / n$ over all held-out ratings",
    "How far predicted ratings lie from the given ones on average, in points of the scale.",
    "Herlocker et al. 2004; pooled over ratings",
    "rating",
    kept=True,
    higher_is_better=False,
    at_k=False,
    task="rating",
)
def mae(errors: FloatArray, owners: IntArray, n_users: int) -> FloatArray:
    """Mean of each user's errors without their sign, (n_users,)."""
    return _power_means(errors, owners, n_users, _POWERS[MAE])


def _power_means(errors: FloatArray, owners: IntArray, n_users: int, power: float) -> FloatArray:
    """(mean of |error| ** power) ** (1 / power) of each user; NaN without ratings."""
    counts = np.bincount(owners, minlength=n_users)
    sums = np.bincount(owners, np.abs(errors) ** power, minlength=n_users)
    means = np.divide(sums, counts, out=np.full(n_users, np.nan), where=counts > 0)
    return means ** (1 / power)


def bootstrap_error(values: FloatArray, counts: IntArray, metric: str) -> Interval:
    """The pooled error with its interval: users are resampled with all their ratings."""
    return _interval(values[:, None], counts, metric, np.array([1.0]))


def bootstrap_error_difference(
    ours: FloatArray, theirs: FloatArray, counts: IntArray, metric: str
) -> Interval:
    """Pooled error of ours minus theirs, paired: both rated the same ratings of the same users.

    Never narrower than Student's t interval of what every user adds to it: see `as_wide_as_t`.
    """
    both = np.column_stack([ours, theirs])
    found = _interval(both, counts, metric, np.array([1.0, -1.0]))
    return as_wide_as_t(found, error_shares(ours, theirs, counts, metric))


def error_shares(ours: FloatArray, theirs: FloatArray, counts: IntArray, metric: str) -> FloatArray:
    """(n_users,) what every user adds to the difference of the pooled errors, which is their mean.

    By the delta method (Efron & Tibshirani 1993, sec. 21.5): to first order the difference is the
    mean of these values, so that their spread is its standard error. NaN for a user without
    ratings.
    """
    values = np.column_stack([ours, theirs])
    there = (counts > 0) & ~np.isnan(values).any(axis=1)
    shares = np.full(len(values), np.nan)
    if not there.any():
        return shares
    sums = _sums(values[there], counts[there], metric)
    means = sums.mean(axis=0)
    pooled, power = _pooled(means, metric), _POWERS[metric]
    level = means[:-1] / means[-1]  # pooled powers of both
    slope = pooled ** (1 - power) / power if metric == RMSE else np.ones(2)
    slope = np.where(np.isfinite(slope), slope, 0.0)  # both without any error
    moved = (sums[:, :-1] - level * sums[:, -1:]) / means[-1] * slope
    shares[there] = pooled[0] - pooled[1] + moved[:, 0] - moved[:, 1]
    return shares


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


# How well predicted ratings fit: MSE, R², explained variance, and calibration in tenths.

FITS = ("mse", "r2", "explained_variance")
BINS = 10


def fit_sums(predicted: FloatArray, given: FloatArray, owners: IntArray) -> FloatArray:
    """(users, 5) each user's count, sum of ratings, of their squares, of errors, of their squares.

    predicted, given: (n_ratings,); owners: (n_ratings,) 0 to users - 1.
    """
    error = np.asarray(predicted, np.float64) - given
    columns = (np.ones(len(error)), given, np.square(given, dtype=np.float64), error, error**2)
    return np.column_stack([np.bincount(owners, column) for column in columns])


@metric(
    "MSE",
    r"$\sum (\hat r - r)^2 / n$ over all held-out ratings",
    "The square of RMSE, in squared points of the scale.",
    "Herlocker et al. 2004; pooled over ratings",
    "rating",
    higher_is_better=False,
    task="rating",
    at_k=False,
)
def mse(sums: FloatArray) -> FloatArray:
    """Mean squared error from (…, 5) sums as `fit_sums` has them."""
    return sums[..., 4] / sums[..., 0]


@metric(
    "R²",
    r"$1 - \sum (\hat r - r)^2 / \sum (r - \bar r)^2$",
    "Share of the spread of held-out ratings that is predicted: 0 is as good as always saying "
    "their mean, below 0 is worse.",
    "scikit-learn r2_score; pooled over ratings",
    "rating",
    task="rating",
    at_k=False,
)
def r2(sums: FloatArray) -> FloatArray:
    """1 - MSE / variance of the given ratings; NaN where they do not vary."""
    return 1 - mse(sums) / _variance(sums)


@metric(
    "Explained variance",
    r"$1 - Var(\hat r - r) / Var(r)$",
    "R² that forgives a constant shift: above R² where predictions are too high or too low on "
    "the whole.",
    "scikit-learn explained_variance_score; pooled over ratings",
    "rating",
    task="rating",
    at_k=False,
)
def explained_variance(sums: FloatArray) -> FloatArray:
    """1 - variance of the errors / variance of the given ratings; NaN where they do not vary."""
    return 1 - (mse(sums) - (sums[..., 3] / sums[..., 0]) ** 2) / _variance(sums)


def fits(sums: FloatArray) -> FloatArray:
    """(…, 3) FITS from (…, 5) sums."""
    return np.stack([mse(sums), r2(sums), explained_variance(sums)], axis=-1)


def _variance(sums: FloatArray) -> FloatArray:
    """Of the given ratings, NaN where they are all the same."""
    spread = sums[..., 2] / sums[..., 0] - (sums[..., 1] / sums[..., 0]) ** 2
    return np.where(spread > 1e-12, spread, np.nan)


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


@metric(
    "Rating calibration",
    r"$\sum_b n_b |\bar{\hat r}_b - \bar r_b| / n$ over tenths of the predictions",
    "How far the mean given rating lies from the mean predicted one, within ratings that were "
    "predicted alike. 0 where a predicted 4 is a 4 on average. It has no interval: distances "
    "grow with fewer ratings.",
    "Expected calibration error, Naeini et al. 2015, for ratings",
    "rating",
    name="rating_calibration",
    higher_is_better=False,
    task="rating",
    at_k=False,
    has_interval=False,
)
def calibration_error(curve: list[tuple[float, Interval, int]]) -> float:
    """Mean distance of given from predicted, tenths weighing by their ratings; NaN without any."""
    weights = np.array([count for _, _, count in curve], dtype=float)
    distances = np.array([abs(mean - observed.mean) for mean, observed, _ in curve])
    return float(distances @ weights / weights.sum()) if len(curve) else float("nan")


# Scores as probabilities by a logistic curve (Platt), and how well those are calibrated.

STEPS, SMALL = 100, 1e-10
FLOOR = 1e-15  # probabilities are kept this far from 0 and 1


def fit_platt(scores: FloatArray, truth: BoolArray) -> tuple[float, float]:
    """(slope, shift) of the probability 1 / (1 + exp(-(slope * score + shift))), by Newton.

    Platt 1999; with his targets (n + 1) / (n + 2) in place of 1 and 0, so that it ends even where
    the scores tell both kinds apart.
    """
    yes = int(truth.sum())
    no = len(truth) - yes
    targets = np.where(truth, (yes + 1) / (yes + 2), 1 / (no + 2))
    centre = scores.mean() if len(scores) else 0.0
    table = np.column_stack([scores - centre, np.ones(len(scores))])
    weights = np.array([0.0, np.log((yes + 1) / (no + 1))])
    for _ in range(STEPS):
        chances = 1 / (1 + np.exp(-table @ weights))
        bend = (table * (chances * (1 - chances))[:, None]).T @ table + SMALL * np.eye(2)
        step = np.linalg.solve(bend, table.T @ (chances - targets))
        weights = weights - step
        if np.abs(step).max() < SMALL:
            break
    return float(weights[0]), float(weights[1] - weights[0] * centre)


def probabilities(scores: FloatArray, curve: tuple[float, float]) -> FloatArray:
    """(n,) chances of truth by a fitted curve."""
    return np.asarray(1 / (1 + np.exp(-(curve[0] * scores + curve[1]))))


@metric(
    "LogLoss",
    r"mean of $-\log p$ of what came true, $p$ by a logistic curve over predicted ratings",
    "How well chances fit: 0 is sure and right, 0.69 a coin. Only predicted ratings have it: "
    "their curve is fitted on validation and told on test. Scores of lists are no chances, and "
    "each run's list holds other items, so for lists there is none.",
    "scikit-learn log_loss; curve by Platt 1999",
    "classification",
    name="log_loss",
    higher_is_better=False,
    at_k=False,
)
def log_losses(chances: FloatArray, truth: BoolArray) -> FloatArray:
    """(n,) -log of the chance that was given to what came true; the mean of it is LogLoss."""
    kept = np.clip(chances, FLOOR, 1 - FLOOR)
    return -np.log(np.where(truth, kept, 1 - kept))
