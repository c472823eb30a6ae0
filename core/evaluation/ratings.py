"""How far predicted ratings lie from held-out ones, and what they say of liking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import (
    BASE,
    HAS_SOURCE,
    HAS_TARGET,
    HIGH,
    ITEM,
    LOW,
    MEAN,
    METRIC,
    OWN,
    RATING,
    RUN,
    SOURCE,
    TARGET,
    USER,
    USERS,
)
from core.basics.errors import RunError
from core.basics.types import DomainScores, FloatArray
from core.data.snapshot import Split
from core.evaluation.evaluate import Evaluation, Score, user_chunks
from core.metrics.intervals import (
    Interval,
    bootstrap_difference,
    bootstrap_means,
    bootstrap_of_sums,
)
from core.metrics.ratings import (
    ERRORS,
    bootstrap_error,
    bootstrap_error_difference,
    calibration_curve,
    calibration_error,
    error_shares,
    fit_intervals,
    fit_platt,
    fit_sums,
    log_losses,
    probabilities,
    user_errors,
)

RATINGS = "ratings"  # column of a per-user frame: how many ratings the user's errors are over


@dataclass(frozen=True)
class Bounds:
    """Lowest and highest rating of the target's training data: no prediction leaves them."""

    low: float
    high: float

    @classmethod
    def of(cls, ratings: csr_matrix) -> Bounds:
        """Of all stored ratings; raises RunError where there are none."""
        if not ratings.nnz:
            raise RunError(
                what="The target's training rows have no ratings.",
                hint="Import the file again with its rating column.",
            )
        return cls(float(ratings.data.min()), float(ratings.data.max()))

    def clipped(self, guesses: FloatArray) -> FloatArray:
        """The guesses in float64, none beyond the bounds."""
        return np.clip(guesses.astype(np.float64), self.low, self.high)


def predict_held_out(score: Score, rated: Split, part: str) -> pd.DataFrame:
    """One row per held-out rating, by user, then item: what each domain says about it, apart.

    USER, ITEM, RATING, BASE, SOURCE, TARGET, OWN (the model's own prediction), HAS_SOURCE and
    HAS_TARGET. rated: the split with ratings in place of ones.
    """
    held_out = rated.held_out(part)
    users = rated.users(part)
    chunks = [
        _predicted(score(chunk), held_out[chunk], chunk)
        for chunk in user_chunks(users, held_out.shape[1])
    ]
    nobody = _predicted(score(users[:0]), held_out[users[:0]], users[:0])
    return pd.concat(chunks or [nobody], ignore_index=True)


def _predicted(scores: DomainScores, held_out: csr_matrix, users: np.ndarray) -> pd.DataFrame:
    rows, items = np.repeat(np.arange(len(users)), np.diff(held_out.indptr)), held_out.indices
    base, own = (
        np.broadcast_to(table, scores.source.shape)[rows, items]
        for table in (scores.base, scores.own_scores())
    )
    if not np.isfinite(own).all():
        raise RunError(
            what="The model predicted ratings that are not finite numbers.",
            hint="Train it again with a smaller learning rate or more regularization.",
        )
    return pd.DataFrame(
        {
            USER: users[rows].astype(np.int32),
            ITEM: items,
            RATING: held_out.data,
            BASE: base,
            SOURCE: scores.source[rows, items],
            TARGET: scores.target[rows, items],
            OWN: own,
            HAS_SOURCE: scores.has_source[rows],
            HAS_TARGET: scores.has_target[rows],
        }
    )


def errors_per_user(predictions: pd.DataFrame, guesses: FloatArray, bounds: Bounds) -> pd.DataFrame:
    """USER, each user's own RMSE and MAE, and RATINGS, how many they are over.

    guesses: (n_ratings,) in the order of the predictions; clipped to the bounds first.
    """
    users, owners = np.unique(predictions[USER].to_numpy(), return_inverse=True)
    given = predictions[RATING].to_numpy(np.float64)
    found = user_errors(bounds.clipped(guesses) - given, owners, len(users))
    counts = np.bincount(owners, minlength=len(users))
    return pd.DataFrame({USER: users.astype(np.int32), **found, RATINGS: counts})


def rate(evaluation: Evaluation, score: Score, rated: Split, part: str) -> Evaluation:
    """The evaluation with the errors of the model's own predictions, which stand beside them."""
    predictions = predict_held_out(score, rated, part)
    bounds = Bounds.of(rated.train.target)
    errors = errors_per_user(predictions, predictions[OWN].to_numpy(), bounds)
    per_user = with_errors(evaluation.per_user, errors)
    return replace(evaluation, per_user=per_user, predictions=predictions)


def with_errors(per_user: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """The metrics of some users beside their rating errors, NaN for a user without ratings."""
    joined = per_user.merge(errors, on=USER, how="left")
    return joined.assign(**{RATINGS: joined[RATINGS].fillna(0).astype(np.int64)})


def weighted_guesses(predictions: pd.DataFrame, alpha: float, beta: float) -> FloatArray:
    """base + alpha * source + beta * target, (n_ratings,).

    Where only one domain has evidence its part counts in full, as it does in every list.
    """
    has_source, has_target = (predictions[name].to_numpy(bool) for name in (HAS_SOURCE, HAS_TARGET))
    of_source = np.where(has_target, alpha, 1.0) * has_source
    of_target = np.where(has_source, beta, 1.0) * has_target
    base, source, target = (predictions[name].to_numpy() for name in (BASE, SOURCE, TARGET))
    return base + of_source * source + of_target * target


def intervals(per_user: pd.DataFrame, metrics: Sequence[str]) -> list[Interval]:
    """One per metric over the users of the frame: means, and errors pooled over ratings."""
    means = [metric for metric in metrics if metric not in ERRORS]
    found = dict(zip(means, bootstrap_means(_columns(per_user, means)), strict=True))
    for metric in (metric for metric in metrics if metric in ERRORS):
        values, counts = per_user[metric].to_numpy(np.float64), per_user[RATINGS].to_numpy()
        found[metric] = bootstrap_error(values, counts, metric)
    return [found[metric] for metric in metrics]


def difference_intervals(
    ours: pd.DataFrame, theirs: pd.DataFrame, metrics: Sequence[str]
) -> list[Interval]:
    """The same of ours minus theirs, paired over the users of both frames."""
    ours, theirs = paired(ours, theirs)
    means = [metric for metric in metrics if metric not in ERRORS]
    gaps = bootstrap_difference(_columns(ours, means), _columns(theirs, means))
    found = dict(zip(means, gaps, strict=True))
    for metric in (metric for metric in metrics if metric in ERRORS):
        here, there = (frame[metric].to_numpy(np.float64) for frame in (ours, theirs))
        counts = ours[RATINGS].to_numpy()
        found[metric] = bootstrap_error_difference(here, there, counts, metric)
    return [found[metric] for metric in metrics]


def shares_of_users(ours: pd.DataFrame, theirs: pd.DataFrame, metric: str) -> FloatArray:
    """(n_users,) what every user adds to the difference, which is their mean; NaN without a value.

    ours, theirs: as `paired` gives them. Of a mean that is the user's own difference, of an error
    pooled over ratings see `error_shares`.
    """
    here, there = (frame[metric].to_numpy(np.float64) for frame in (ours, theirs))
    if metric not in ERRORS:
        return here - there
    return error_shares(here, there, ours[RATINGS].to_numpy(), metric)


def paired(ours: pd.DataFrame, theirs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the users in both frames, in the same order, indexed by USER."""
    ours, theirs = ours.set_index(USER), theirs.set_index(USER)
    users = ours.index.intersection(theirs.index)
    return ours.loc[users], theirs.loc[users]


def _columns(frame: pd.DataFrame, metrics: list[str]) -> FloatArray:
    return frame[metrics].to_numpy(np.float64).reshape(len(frame), len(metrics))


# Predicted against given ratings: MSE, R², explained variance, and calibration in tenths.

PREDICTED, COUNT = "predicted", "ratings"
CALIBRATION = "rating_calibration"


@dataclass(frozen=True)
class RatingFigures:
    """fits: RUN, METRIC, MEAN, LOW, HIGH, USERS; curves: RUN, PREDICTED, MEAN, LOW, HIGH, COUNT."""

    fits: pd.DataFrame
    curves: pd.DataFrame


def furthest(curve: pd.DataFrame) -> tuple[float, float, float]:
    """Predicted, given and given minus predicted rating of the tenth that is furthest off."""
    apart = (curve[MEAN] - curve[PREDICTED]).to_numpy()
    place = int(np.abs(apart).argmax())
    row = curve.iloc[place]
    return float(row[PREDICTED]), float(row[MEAN]), float(apart[place])


def rating_figures(predictions: Mapping[str, pd.DataFrame], bounds: Bounds) -> RatingFigures:
    """Of every run by name, over all its held-out ratings; predictions keep within the bounds."""
    fits, curves = [], []
    for name, frame in predictions.items():
        users, owners = np.unique(frame[USER].to_numpy(), return_inverse=True)
        guesses = bounds.clipped(frame[OWN].to_numpy())
        given = frame[RATING].to_numpy(np.float64)
        for metric, found in fit_intervals(fit_sums(guesses, given, owners)).items():
            fits.append((name, metric, found.mean, found.low, found.high, found.users))
        curve = calibration_curve(guesses, given, owners)
        error = calibration_error(curve)
        fits.append((name, CALIBRATION, error, np.nan, np.nan, len(users)))
        curves += [(name, mean, seen.mean, seen.low, seen.high, n) for mean, seen, n in curve]
    return RatingFigures(
        pd.DataFrame(fits, columns=[RUN, METRIC, MEAN, LOW, HIGH, USERS]),
        pd.DataFrame(curves, columns=[RUN, PREDICTED, MEAN, LOW, HIGH, COUNT]),
    )


# LogLoss of "will like it": predicted ratings turned into chances on validation, told on test.

LOG_LOSS, ALWAYS = "log_loss", "always the share of validation"
GAP_LOW, GAP_HIGH = "gap_low", "gap_high"  # of the run minus the constant chance
COLUMNS = [RUN, METRIC, MEAN, LOW, HIGH, USERS, GAP_LOW, GAP_HIGH]
Pairs = Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]  # predictions on validation and test


def log_loss_rows(predictions: Pairs, bounds: Bounds, liked_from: float) -> pd.DataFrame:
    """A row of COLUMNS per run, and one of a constant chance, which any run should beat.

    A rating is liked from `liked_from` on. The curve of each run is fitted on its validation
    predictions alone; no rows where validation or test has ratings of one kind only.
    """
    rows = []
    for name, (valid, test) in predictions.items():
        learn, truth = (part[RATING].to_numpy(np.float64) >= liked_from for part in (valid, test))
        if min(learn.sum(), (~learn).sum(), truth.sum(), (~truth).sum()) == 0:
            return pd.DataFrame(columns=COLUMNS)
        curve = fit_platt(bounds.clipped(valid[OWN].to_numpy()), learn)
        losses = log_losses(probabilities(bounds.clipped(test[OWN].to_numpy()), curve), truth)
        constant = log_losses(np.full(len(truth), learn.mean()), truth)
        rows.append(_row(name, losses, constant, test))
    if rows:
        rows.append(_row(ALWAYS, constant, constant, test))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(name: str, losses: FloatArray, constant: FloatArray, test: pd.DataFrame) -> tuple:
    """Pooled over ratings, users resampled with all of theirs; the gap is paired."""
    owners = np.unique(test[USER].to_numpy(), return_inverse=True)[1]
    columns = [np.bincount(owners, part) for part in (losses, losses - constant)]
    sums = np.column_stack([*columns, np.bincount(owners)])
    found, gap = bootstrap_of_sums(sums, lambda three: three[..., :2] / three[..., 2:])
    ends = (found.mean, found.low, found.high, found.users, gap.low, gap.high)
    return name, LOG_LOSS, *ends
