"""What a run has over another model: means, lifts and segments, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, SKIPPED, USER, USERS
from core.basics.types import BoolArray, FloatArray
from core.evaluation.rating_error import RATINGS, difference_intervals, paired
from core.evaluation.segments import FEWEST, SEGMENTS
from core.evaluation.summary import HARMED, HELPED, moved_counts
from core.metrics.intervals import effect_size, holm, sign_flip_p
from core.metrics.ratings import ERRORS, MAE
from core.metrics.registry import metric_card

ALL_USERS = "all users"
EFFECT, P_VALUE, HOLM, SURE, NOISE = "effect", "p", "holm", "sure", "noise"
SIGNIFICANT = 0.05  # of the p-value after Holm's correction
COLUMNS = [SEGMENT, MEAN, LOW, HIGH, USERS, SKIPPED, HELPED, HARMED, EFFECT, P_VALUE]
FIGURES = (MEAN, LOW, HIGH, EFFECT, P_VALUE)  # what a segment of too few users has not


@dataclass(frozen=True)
class Question:
    """What is asked of two per-user frames: one metric, all users and the segments of one kind."""

    segments: pd.DataFrame  # one row per user number, an ordered category per kind of segment
    by: str
    metric: str
    only: Sequence[str] | None = None  # rows to answer, None for all

    @property
    def masks(self) -> dict[str, BoolArray]:
        """(n_users,) which users each row of the answer is about, all of them first."""
        named = self.segments[self.by].astype("str").to_numpy()
        masks = {ALL_USERS: np.ones(len(named), dtype=bool)}
        masks |= {name: named == name for name in segment_names(self.segments, self.by)}
        return {name: masks[name] for name in (masks if self.only is None else self.only)}


def segment_names(segments: pd.DataFrame, by: str) -> list[str]:
    """Names of one kind of segment in their order."""
    if isinstance(segments[by].dtype, pd.CategoricalDtype):
        return [str(name) for name in segments[by].cat.categories]
    return list(SEGMENTS[by])


def lift_rows(
    run: pd.DataFrame,
    other: pd.DataFrame,
    segments: pd.DataFrame,
    by: str,
    metric: str,
    again: Sequence[pd.DataFrame] = (),
    only: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Run minus other in one metric, over all users and in each segment that has any.

    One row per segment: SEGMENT, MEAN, LOW, HIGH, USERS, SKIPPED, HELPED, HARMED, EFFECT (Cohen's
    d_z), P_VALUE of a sign-flip test, HOLM (corrected over the rows), SURE and NOISE. Segments of
    fewer than FEWEST users keep their USERS and have no figure. by: a column of segments; only: the
    rows that are shown, since what is not shown needs no correction.

    SURE: the interval excludes zero, the corrected test rejects, the mean can be read as not zero,
    and lies beyond NOISE: how far from zero a re-trained other reaches against the first (again:
    its per-user frames, the other model trained again with nothing but chance changed).
    """
    asked = Question(segments, by, metric, only)
    ours, theirs = paired(run, other)
    rows = [
        {SEGMENT: name} | _figures(ours[mask[ours.index]], theirs[mask[ours.index]], metric)
        for name, mask in asked.masks.items()
        if mask[run[USER].to_numpy()].any()
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table[HOLM] = holm(table[P_VALUE].to_numpy(np.float64))
    table[NOISE] = _noise(table, asked, other, again)
    table[SURE] = _sure(table, metric)
    return table


def digits_of(metric: str) -> int:
    """Decimals of a difference, below which it is none to a reader."""
    card = metric_card(metric)
    if not card.kept:
        return 6  # figures of lists have scales of their own, such as serendipity of .002
    return 4 if card.task == "rating" else 3


def is_gain(mean: float, metric: str) -> bool:
    """Whether a difference of this sign is for the better."""
    return (mean > 0) == metric_card(metric).higher_is_better


def _figures(ours: pd.DataFrame, theirs: pd.DataFrame, metric: str) -> dict[str, float | int]:
    """Of the users of both frames, in the same order, indexed by USER."""
    frames = ours.reset_index(), theirs.reset_index()
    interval = difference_intervals(*frames, [metric])[0]
    values = ours[metric].to_numpy(np.float64) - theirs[metric].to_numpy(np.float64)
    tested = _tested(ours, theirs, metric)
    figures: dict[str, float | int] = {
        MEAN: interval.mean,
        LOW: interval.low,
        HIGH: interval.high,
        USERS: interval.users,
        SKIPPED: interval.skipped,
        EFFECT: effect_size(tested),
        P_VALUE: sign_flip_p(tested),
    } | moved_counts(values, metric)
    if interval.users < FEWEST:
        figures |= dict.fromkeys((*FIGURES, HELPED, HARMED), np.nan)
    return figures


def _tested(ours: pd.DataFrame, theirs: pd.DataFrame, metric: str) -> FloatArray:
    """Per user what the test flips: the difference, or that of the summed errors of ratings."""
    here, there = (frame[metric].to_numpy(np.float64) for frame in (ours, theirs))
    if metric not in ERRORS:
        return here - there
    power = 1 if metric == MAE else 2
    return (here**power - there**power) * ours[RATINGS].to_numpy()


def _noise(
    table: pd.DataFrame, asked: Question, other: pd.DataFrame, again: Sequence[pd.DataFrame]
) -> FloatArray:
    """Per row the mean reach of the intervals of again minus other; NaN where nothing is known."""
    if not again:
        return np.full(len(table), np.nan)
    reaches = []
    for frame in again:
        ours, theirs = paired(frame, other)
        found = {
            name: _reach(ours[mask[ours.index]], theirs[mask[ours.index]], asked.metric)
            for name, mask in asked.masks.items()
        }
        reaches.append([found[name] for name in table[SEGMENT]])
    return np.where(table[MEAN].isna(), np.nan, np.mean(reaches, axis=0))


def _reach(ours: pd.DataFrame, theirs: pd.DataFrame, metric: str) -> float:
    if ours.empty:
        return float("nan")
    interval = difference_intervals(ours.reset_index(), theirs.reset_index(), [metric])[0]
    return max(abs(interval.low), abs(interval.high))


def _sure(table: pd.DataFrame, metric: str) -> pd.Series:
    beyond_zero = (table[LOW] > 0) | (table[HIGH] < 0)
    readable = table[MEAN].abs().round(digits_of(metric)) > 0
    beyond_noise = table[NOISE].isna() | (table[MEAN].abs() > table[NOISE])
    return beyond_zero & (table[HOLM] < SIGNIFICANT) & readable & beyond_noise
