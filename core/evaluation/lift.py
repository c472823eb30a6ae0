"""What a run has over another model: means, lifts and segments, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, METRIC, SEGMENT, SKIPPED, USER, USERS
from core.basics.types import BoolArray, FloatArray
from core.evaluation.ratings import RATINGS, difference_intervals, intervals, paired
from core.evaluation.segments import ALL_USERS, FEWEST, SEGMENTS
from core.metrics.intervals import Interval, effect_size, holm, sign_flip_p, student_interval
from core.metrics.ratings import ERRORS, MAE
from core.metrics.registry import metric_card

# Several seeds as a second layer: the lift of every seed, and its mean and interval over seeds.

SEEDS = "seeds"
ENOUGH_SEEDS = 3  # below, an interval over seeds says nothing
SeedFrames = Sequence[tuple[pd.DataFrame, pd.DataFrame]]  # run and twin of each seed, per user


def seed_rows(pairs: SeedFrames, segments: pd.DataFrame, by: str, metric: str) -> pd.DataFrame:
    """SEGMENT, MEAN, LOW, HIGH (Student's t over seeds), SEEDS and USERS, all users first.

    Segments without users are left out, those of fewer than FEWEST users have no figure.
    """
    rows = []
    for name, mask in Question(segments, by, metric).masks.items():
        lifts, users = _lifts(pairs, mask, metric)
        if not users:
            continue
        over = student_interval(lifts if users >= FEWEST else lifts * np.nan)
        rows.append(
            {
                SEGMENT: name,
                MEAN: over.mean,
                LOW: over.low,
                HIGH: over.high,
                SEEDS: len(pairs),
                USERS: users,
            }
        )
    return pd.DataFrame(rows)


def all_the_same(pairs: SeedFrames, metric: str) -> bool:
    """Whether every seed gave every user the same: the model knows no chance."""
    first, *others = ([run[metric].to_numpy(), twin[metric].to_numpy()] for run, twin in pairs)
    return all(
        len(here) == len(there) and np.array_equal(here, there, equal_nan=True)
        for other in others
        for here, there in zip(first, other, strict=True)
    )


def _lifts(pairs: SeedFrames, mask: np.ndarray, metric: str) -> tuple[np.ndarray, int]:
    """(n_seeds,) mean lift over the chosen users, and how many they are."""
    means, users = [], 0
    for run, twin in pairs:
        ours, theirs = paired(run, twin)
        chosen = mask[ours.index]
        frames = ours[chosen].reset_index(), theirs[chosen].reset_index()
        interval = difference_intervals(*frames, [metric])[0]
        means.append(interval.mean)
        users = max(users, interval.users)
    return np.array(means), users


# From per-user values to what is said: means, lifts and segments, each with its interval.

HELPED, HARMED, BY, LIFT, LIFT_OVER_POPULARITY, LIFT_OVER_BIAS = (
    "helped",
    "harmed",
    "by",
    "lift",
    "lift_over_popularity",
    "lift_over_bias",
)
SAME = 1e-12  # differences up to here are rounding
Said = dict[str, Any]  # plain values, ready for JSON: NaN is None


def metric_columns(per_user: pd.DataFrame) -> list[str]:
    """Columns of a per-user frame that are metrics."""
    return [column for column in per_user if column.split("@")[0] not in (USER, "part", RATINGS)]


def summarise(
    per_user: pd.DataFrame, coverage: Mapping[str, float] | None = None, skipped: int = 0
) -> dict[str, Said]:
    """{"ndcg@10": {mean, low, high, users, skipped}, …} over the users of the frame.

    coverage joins without an interval. skipped: users who are not in the frame because there was
    nothing to find for them.
    """
    columns = metric_columns(per_user)
    found = zip(columns, intervals(per_user, columns), strict=True)
    said = {name: _said(interval, skipped) for name, interval in found}
    for name, share in (coverage or {}).items():
        said[name] = {MEAN: _plain(share), LOW: None, HIGH: None} | {
            USERS: len(per_user),
            SKIPPED: skipped,
        }
    return said


def lift(run_per_user: pd.DataFrame, other_per_user: pd.DataFrame) -> dict[str, Said]:
    """{"ndcg@10": {mean, low, high, users, helped, harmed}, …} of the run minus the other.

    Paired over the users of both frames, who must have been evaluated on the same split. Helped are
    the users whose metric got better, which for an error is smaller.
    """
    difference = differences(run_per_user, other_per_user)
    columns = metric_columns(difference)
    said = {}
    found = difference_intervals(run_per_user, other_per_user, columns)
    for name, interval in zip(columns, found, strict=True):
        said[name] = _said(interval) | moved_counts(difference[name].to_numpy(np.float64), name)
        del said[name][SKIPPED]
    return said


def moved_counts(values: np.ndarray, metric: str) -> dict[str, int]:
    """{HELPED, HARMED}: users whose difference in the metric is for the better and the worse."""
    better = values if metric_card(metric).higher_is_better else -values
    return {HELPED: int((better > SAME).sum()), HARMED: int((better < -SAME).sum())}


def differences(run_per_user: pd.DataFrame, other_per_user: pd.DataFrame) -> pd.DataFrame:
    """Run minus other for every user and metric of both: USER and the metric columns."""
    shared = [c for c in metric_columns(run_per_user) if c in other_per_user]
    ours = run_per_user.set_index(USER)[shared]
    theirs = other_per_user.set_index(USER)[shared]
    users = ours.index.intersection(theirs.index)
    return (ours.loc[users] - theirs.loc[users]).reset_index()


def by_segment(
    per_user: pd.DataFrame,
    segments: pd.DataFrame,
    twin: pd.DataFrame | None = None,
    popularity: pd.DataFrame | None = None,
    bias: pd.DataFrame | None = None,
    metrics: Sequence[str] = ("ndcg@10", "recall@10", "hit_rate@10", *ERRORS),
) -> list[Said]:
    """One row per kind of segment, segment and metric, empty segments left out.

    Rows have by, segment, metric, mean, low, high, users, skipped, and lift, lift_over_popularity
    and lift_over_bias as in `lift` where there is something to compare with. A segment with fewer
    than FEWEST users is too small to say: its figures are None and it has no lift.
    """
    rows = []
    for by, names in SEGMENTS.items():
        of_user = segments[by].astype("str").to_numpy()
        for name in names:
            within = _within(per_user, of_user == name, metrics)
            if len(within):
                others = {
                    LIFT: _within(twin, of_user == name, metrics),
                    LIFT_OVER_POPULARITY: _within(popularity, of_user == name, metrics),
                    LIFT_OVER_BIAS: _within(bias, of_user == name, metrics),
                }
                rows += _segment_rows(within, others, {BY: by, SEGMENT: name})
    return rows


def _segment_rows(
    within: pd.DataFrame, others: dict[str, pd.DataFrame], labels: Said
) -> list[Said]:
    levels = summarise(within)
    if len(within) < FEWEST:
        silent = {MEAN: None, LOW: None, HIGH: None}
        return [labels | {METRIC: metric} | level | silent for metric, level in levels.items()]
    lifts = {name: lift(within, other) for name, other in others.items() if len(other)}
    return [
        labels | {METRIC: metric} | level | {name: values[metric] for name, values in lifts.items()}
        for metric, level in levels.items()
    ]


def _within(
    per_user: pd.DataFrame | None, chosen: np.ndarray, metrics: Sequence[str]
) -> pd.DataFrame:
    """Rows of the chosen users, (n_users,) bool, and some metrics; empty without a frame."""
    if per_user is None:
        return pd.DataFrame()
    kept = [metric for metric in (*metrics, RATINGS) if metric in per_user]
    return per_user.loc[chosen[per_user[USER].to_numpy()], [USER, *kept]]


def _said(interval: Interval, skipped: int = 0) -> Said:
    return {
        MEAN: _plain(interval.mean),
        LOW: _plain(interval.low),
        HIGH: _plain(interval.high),
        USERS: interval.users,
        SKIPPED: interval.skipped + skipped,
    }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


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
    beyond_zero = (table[LOW] > 0) | (table[HIGH] < 0)
    readable = table[MEAN].abs().round(digits_of(metric)) > 0
    beyond_noise = table[NOISE].isna() | (table[MEAN].abs() > table[NOISE])
    table[SURE] = beyond_zero & (table[HOLM] < SIGNIFICANT) & readable & beyond_noise
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
