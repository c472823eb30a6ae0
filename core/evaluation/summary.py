"""From per-user values to what is said: means, lifts and segments, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, METRIC, SEGMENT, SKIPPED, USER, USERS
from core.evaluation.rating_error import RATINGS, difference_intervals, intervals
from core.evaluation.segments import FEWEST, SEGMENTS
from core.metrics.intervals import Interval
from core.metrics.ratings import ERRORS
from core.metrics.registry import metric_card

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
