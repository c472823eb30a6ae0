"""Rating error over both weights: here not only their ratio counts, so it is a plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import RATING, USER
from core.basics.types import BoolArray, FloatArray
from core.evaluation.rating_error import Bounds, weighted_guesses
from core.metrics.intervals import LEVEL, resampled_means

STEPS = np.round(np.linspace(0, 1, 21), 2)  # of alpha and of beta
MOST_USERS = 5_000  # beyond it a seeded sample


@dataclass(frozen=True)
class RatingPlane:
    """RMSE at every pair of weights; rows are betas, columns alphas, both of `steps`."""

    steps: FloatArray
    rmse: FloatArray  # (steps, steps)
    near: BoolArray  # (steps, steps) no worse than the lowest beyond user sampling
    lowest: tuple[float, float]  # alpha, beta where the error is lowest
    chosen: tuple[float, float]  # nearest to 1 and 1 within one standard error of the lowest
    users: int

    @property
    def is_flat(self) -> bool:
        """Whether no weights change any error: no user has evidence from both domains."""
        return bool(np.ptp(self.rmse) == 0)


def rating_plane(
    predictions: pd.DataFrame, bounds: Bounds, steps: FloatArray = STEPS
) -> RatingPlane | None:
    """The plane over all held-out ratings of the predictions; None where there are none.

    The standard error is that of the paired difference to the lowest, over resampled users
    (Breiman et al. 1984, sec. 3.4.3): among equally good weights the model's own are kept.
    """
    sums = _squared_errors(_sampled(predictions), bounds, steps)  # (users, cells + 1)
    if not len(sums):
        return None
    shape = len(steps), len(steps)
    rmse = _pooled(sums.mean(axis=0))
    lowest = int(np.argmin(rmse))
    gaps = _pooled(resampled_means(sums))
    gaps = gaps - gaps[:, [lowest]]  # (samples, cells)
    near = np.percentile(gaps, (100 - LEVEL) / 2, axis=0) <= 0
    beta, alpha = (axis.ravel() for axis in np.meshgrid(steps, steps, indexing="ij"))
    close = np.flatnonzero(rmse - rmse[lowest] <= gaps.std(axis=0))
    chosen = close[np.argmin(np.hypot(1 - alpha[close], 1 - beta[close]))]
    first, second = ((float(alpha[cell]), float(beta[cell])) for cell in (lowest, chosen))
    table, close_by = rmse.reshape(shape), near.reshape(shape)
    return RatingPlane(steps, table, close_by, lowest=first, chosen=second, users=len(sums))


def _sampled(predictions: pd.DataFrame) -> pd.DataFrame:
    users = predictions[USER].unique()
    if len(users) <= MOST_USERS:
        return predictions
    drawn = np.random.default_rng(0).choice(users, MOST_USERS, replace=False)
    return predictions[predictions[USER].isin(drawn)]


def _squared_errors(predictions: pd.DataFrame, bounds: Bounds, steps: FloatArray) -> FloatArray:
    """Summed squared errors of every user at every pair of weights, and their ratings."""
    given = predictions[RATING].to_numpy(np.float64)
    users, owners = np.unique(predictions[USER].to_numpy(), return_inverse=True)
    columns = [
        np.bincount(owners, (bounds.clipped(guesses) - given) ** 2, minlength=len(users))
        for beta in steps
        for guesses in (weighted_guesses(predictions, alpha, beta) for alpha in steps)
    ]
    return np.column_stack([*columns, np.bincount(owners, minlength=len(users))])


def _pooled(sums: FloatArray) -> FloatArray:
    """Roots of mean squared errors from (..., cells + 1) sums, (..., cells)."""
    return np.sqrt(sums[..., :-1] / sums[..., -1:])
