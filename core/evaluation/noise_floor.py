"""Share helped and harmed above what training the twin again does to users by chance alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.scores import FloatArray
from core.evaluation.rating_error import paired
from core.evaluation.summary import SAME
from core.metrics.cards import metric_card
from core.metrics.intervals import Interval, bootstrap_difference, bootstrap_means


@dataclass(frozen=True)
class Moved:
    """One way users move: their share with the run, by chance alone, and the difference."""

    share: Interval  # of users, run against twin
    chance: Interval  # of users, twin trained again against twin
    excess: Interval  # share - chance, paired over users
    size: float  # mean difference of those the run moved, as a positive number; NaN of nobody
    size_by_chance: float


@dataclass(frozen=True)
class NoiseFloor:
    """Users helped and harmed, each beside its noise floor."""

    helped: Moved
    harmed: Moved
    repeats: int  # how often the twin was trained again


def noise_floor(
    run: pd.DataFrame, twin: pd.DataFrame, again: Sequence[pd.DataFrame], metric: str
) -> NoiseFloor:
    """Over the users of all frames. again: per-user frames of the twin trained again, one or more.

    Two equally good models move many users either way, so harm is real only above their share.
    """
    ours, theirs = paired(run, twin)
    frames = [frame.set_index(ours.index.name) for frame in again]
    users = ours.index
    for frame in frames:
        users = users.intersection(frame.index)
    base = theirs.loc[users, metric].to_numpy(np.float64)
    sign = 1.0 if metric_card(metric).higher_is_better else -1.0
    moved = sign * (ours.loc[users, metric].to_numpy(np.float64) - base)
    chance = np.stack([sign * (f.loc[users, metric].to_numpy(np.float64) - base) for f in frames])
    return NoiseFloor(_moved(moved, chance), _moved(-moved, -chance), len(frames))


def _moved(gains: FloatArray, chance: FloatArray) -> Moved:
    """Of gains (n_users,) and chance (n_repeats, n_users): those above rounding; NaN is skipped."""
    ours = np.where(np.isnan(gains), np.nan, gains > SAME)
    theirs = np.where(np.isnan(chance), np.nan, chance > SAME).mean(axis=0)
    return Moved(
        share=bootstrap_means(ours)[0],
        chance=bootstrap_means(theirs)[0],
        excess=bootstrap_difference(ours, theirs)[0],
        size=_mean(gains[gains > SAME]),
        size_by_chance=_mean(chance[chance > SAME]),
    )


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else float("nan")
