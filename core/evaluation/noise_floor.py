"""Share helped and harmed above what training the twin again does to users by chance alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.formatting import number, signed
from core.basics.types import FloatArray
from core.evaluation.lift import SAME
from core.evaluation.ratings import paired
from core.metrics.intervals import Interval, bootstrap_difference, bootstrap_means
from core.metrics.registry import metric_card

Pair = tuple[pd.DataFrame, pd.DataFrame]


@dataclass(frozen=True)
class Moved:
    """One way users move: their share with the run, by chance alone, and the difference."""

    share: Interval  # of users, run against twin
    chance: Interval  # of users, between two twins that differ by chance alone
    excess: Interval  # share - chance, paired over users
    size: float  # mean difference of those the run moved, as a positive number; NaN of nobody
    size_by_chance: float


@dataclass(frozen=True)
class NoiseFloor:
    """Users helped and harmed, each beside its noise floor."""

    helped: Moved
    harmed: Moved
    pairs: int  # of twins compared


def noise_floor(
    run: pd.DataFrame, twin: pd.DataFrame, equals: Sequence[Pair], metric: str
) -> NoiseFloor:
    """Over the users of all frames, who were all evaluated on one part.

    equals: pairs of per-user frames of twins that differ by chance alone, one or more. Two equally
    good models move many users either way, so harm is real only above their share.
    """
    sign = 1.0 if metric_card(metric).higher_is_better else -1.0
    gaps = [_gap(ours, theirs, metric) * sign for ours, theirs in ((run, twin), *equals)]
    together = pd.concat(gaps, axis=1, join="inner").to_numpy(np.float64)
    moved, chance = together[:, 0], together[:, 1:].T
    return NoiseFloor(_moved(moved, chance), _moved(-moved, -chance), len(equals))


def _gap(ours: pd.DataFrame, theirs: pd.DataFrame, metric: str) -> pd.Series:
    ours, theirs = paired(ours, theirs)
    return ours[metric] - theirs[metric]


def floor_sentence(floor: NoiseFloor) -> str:
    """Whether more users are harmed than by chance, in one sentence."""
    excess = floor.harmed.excess
    if floor.helped.chance.mean == floor.harmed.chance.mean == 0:
        return "Every twin gives these users the same lists, so what chance does cannot be told."
    if excess.low > 0:
        return f"{excess.mean:.0%} of users are harmed beyond what chance does."
    return "That more users are harmed than by chance cannot be shown."


def moved_words(word: str, moved: Moved) -> str:
    """A share of users beside the one by chance, their difference, and how far they move."""
    excess = moved.excess
    points = [signed(100 * value, 0) for value in (excess.mean, excess.low, excess.high)]
    return (
        f"{word} {moved.share.mean:.0%}, by chance {moved.chance.mean:.0%}: {points[0]} points "
        f"(95 % {points[1]} to {points[2]}). On average by {number(moved.size)}, by chance by "
        f"{number(moved.size_by_chance)}."
    )


def _moved(gains: FloatArray, chance: FloatArray) -> Moved:
    """Of gains (n_users,) and chance (n_pairs, n_users): those above rounding; NaN is skipped."""
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
