"""Predicted against given ratings: MSE, R², explained variance, and calibration in tenths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, METRIC, OWN, RATING, RUN, USER, USERS
from core.evaluation.rating_error import Bounds
from core.metrics.ratings import calibration_curve, calibration_error, fit_intervals, fit_sums

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
