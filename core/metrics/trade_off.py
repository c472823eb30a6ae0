"""Several runs by several metrics at once: how far from the best of each, how far from the worst.

Metrics have different scales, so each is brought to 0 for the worst run shown and 1 for the best.
"""

from __future__ import annotations

import numpy as np

from core.basics.types import BoolArray, FloatArray


def scaled(values: FloatArray, higher_is_better: BoolArray) -> FloatArray:
    """(runs, metrics) from 0, the worst of the runs, to 1, the best; 1 where all are the same.

    values: (runs, metrics), NaN where a run has none.
    """
    signed = np.where(higher_is_better, values, -values)
    known = ~np.isnan(signed)
    low = np.where(known, signed, np.inf).min(axis=0)
    span = np.where(known, signed, -np.inf).max(axis=0) - low
    with np.errstate(invalid="ignore"):
        return np.where(span > 0, (signed - low) / np.where(span > 0, span, 1.0), signed * 0 + 1)


def distance_to_utopia(scores: FloatArray) -> FloatArray:
    """(runs,) Euclidean distance from the best in every metric; scores: as scaled gives them."""
    return np.sqrt(((1 - scores) ** 2).sum(axis=1))


def hypervolume(scores: FloatArray) -> FloatArray:
    """(runs,) volume between the run and the worst in every metric: 1 is best in all of them."""
    return np.asarray(scores.prod(axis=1))
