"""From per-user values to what is said: means, lifts and segments, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, METRIC, SEGMENT, SKIPPED, USER, USERS
from core.evaluation.segments import SEGMENTS
from core.metrics.intervals import Interval, bootstrap_means

HELPED, HARMED, BY, LIFT, LIFT_OVER_POPULARITY = (
    "helped", "harmed", "by", "lift", "lift_over_popularity",
)  # fmt: skip
SAME = 1e-12  # differences up to here are rounding
Said = dict[str, Any]  # plain values, ready for JSON: NaN is None


def metric_columns(per_user: pd.DataFrame) -> list[str]:
    """Columns of a per-user frame that are metrics."""
    return [column for column in per_user if column.split("@")[0] not in (USER, "part")]


def summarise(
    per_user: pd.DataFrame, coverage: Mapping[str, float] | None = None, skipped: int = 0
) -> dict[str, Said]:
    """{"ndcg@10": {mean, low, high, users, skipped}, …} over the users of the frame.

    coverage joins without an interval. skipped: users who are not in the frame because there was
    nothing to find for them.
    """
    columns = metric_columns(per_user)
    intervals = bootstrap_means(per_user[columns].to_numpy(np.float64))
    said = {name: _said(i, skipped) for name, i in zip(columns, intervals, strict=True)}
    for name, share in (coverage or {}).items():
        said[name] = {MEAN: _plain(share), LOW: None, HIGH: None} | {
            USERS: len(per_user),
            SKIPPED: skipped,
        }
    return said


def lift(run_per_user: pd.DataFrame, other_per_user: pd.DataFrame) -> dict[str, Said]:
    """{"ndcg@10": {mean, low, high, users, helped, harmed}, …} of the run minus the other.

    Paired over the users of both frames, who must have been evaluated on the same split.
    """
    difference = differences(run_per_user, other_per_user)
    columns = metric_columns(difference)
    values = difference[columns].to_numpy(np.float64)
    said = {}
    for name, interval, column in zip(columns, bootstrap_means(values), values.T, strict=True):
        said[name] = _said(interval) | {
            HELPED: int((column > SAME).sum()),
            HARMED: int((column < -SAME).sum()),
        }
        del said[name][SKIPPED]
    return said


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
    metrics: Sequence[str] = ("ndcg@10", "recall@10", "hit_rate@10"),
) -> list[Said]:
    """One row per kind of segment, segment and metric, empty segments left out.

    Rows have by, segment, metric, mean, low, high, users, skipped, and lift and
    lift_over_popularity as in `lift` where there is a twin or popularity to compare with.
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
                }
                rows += _segment_rows(within, others, {BY: by, SEGMENT: name})
    return rows


def _segment_rows(
    within: pd.DataFrame, others: dict[str, pd.DataFrame], labels: Said
) -> list[Said]:
    levels = summarise(within)
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
    kept = [metric for metric in metrics if metric in per_user]
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
