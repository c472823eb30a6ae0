"""Intervals of figures that are no means: made of sums over users, resampled with their users."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.basics.types import FloatArray
from core.metrics.intervals import LEVEL, SAMPLES, Interval, resampled_means

Figures = Callable[[FloatArray], FloatArray]


def bootstrap_of_sums(
    sums: FloatArray, figures: Figures, seed: int = 0, samples: int = SAMPLES
) -> list[Interval]:
    """One percentile interval per figure; users whose row holds a NaN are skipped and counted.

    sums: (users, columns) what each user adds. figures: from (…, columns) to (…, figures), the same
    when all columns are multiplied by one number. Below two users there is no interval.
    """
    there = ~np.isnan(sums).any(axis=1)
    users, skipped = int(there.sum()), int((~there).sum())
    kept = sums[there]
    found = np.atleast_1d(figures(kept.mean(axis=0) if users else np.full(sums.shape[1], np.nan)))
    low, high = np.full((2, len(found)), np.nan)
    if users >= 2:
        drawn = figures(resampled_means(kept, seed, samples)).reshape(samples, len(found))
        low, high = _percentiles(drawn)
    return [
        Interval(float(value), float(a), float(b), users, skipped)
        for value, a, b in zip(found, low, high, strict=True)
    ]


def _percentiles(drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of each column; NaN where a figure could not be said in most samples."""
    tail = (100 - LEVEL) / 2
    said = (~np.isnan(drawn)).mean(axis=0) > 0.5
    bounds = np.full((2, drawn.shape[1]), np.nan)
    if said.any():
        bounds[:, said] = np.nanpercentile(drawn[:, said], [tail, 100 - tail], axis=0)
    return bounds[0], bounds[1]
