"""Several runs on the same users: who leads, where a run helps, and for which users it moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, SKIPPED, USER, USERS
from core.basics.formatting import number, signed, signed_interval
from core.basics.types import IntArray
from core.evaluation.lift import (
    HARMED,
    HELPED,
    NORMAL,
    SAME,
    Pair,
    metric_columns,
    moved_counts,
)
from core.evaluation.ratings import difference_intervals, intervals, paired, shares_of_users
from core.evaluation.segments import FEWEST
from core.metrics.intervals import Interval
from core.metrics.registry import metric_card

BEST = "best"
Frames = Mapping[str, pd.DataFrame]  # per-user frames by the name of the run


def side_by_side(frames: Frames, metrics: Sequence[str]) -> pd.DataFrame:
    """One row per run and metric: RUN, METRIC, MEAN, LOW, HIGH, USERS, SKIPPED, BEST.

    A run without the metric has NaN. BEST marks the leader of a metric, and only where its
    difference to the next is beyond user sampling, paired over the users of both.
    """
    found = {name: _intervals(frame, metrics) for name, frame in frames.items()}
    table = pd.DataFrame(
        [
            {RUN: name, METRIC: metric}
            | {
                MEAN: interval.mean,
                LOW: interval.low,
                HIGH: interval.high,
                USERS: interval.users,
                SKIPPED: interval.skipped,
            }
            for name, columns in found.items()
            for metric, interval in zip(metrics, columns, strict=True)
        ]
    )
    means = {
        metric: {name: columns[place].mean for name, columns in found.items()}
        for place, metric in enumerate(metrics)
    }
    best = _leaders(frames, means)
    table[BEST] = [
        best[metric] == name for name, metric in zip(table[RUN], table[METRIC], strict=True)
    ]
    return table


def leader(frames: Frames, metric: str) -> str | None:
    """The run that is best in the metric beyond user sampling; None where it may be the sample."""
    means = {name: intervals(frame, [metric])[0].mean for name, frame in frames.items()}
    return _leaders(frames, {metric: means})[metric]


def _leaders(frames: Frames, means: Mapping[str, Mapping[str, float]]) -> dict[str, str | None]:
    """Leader of each metric; metrics with the same first two are resampled together."""
    best: dict[str, str | None] = dict.fromkeys(means)
    pairs: dict[tuple[str, str], list[str]] = {}
    for metric, by_run in means.items():
        known = [name for name, mean in by_run.items() if not np.isnan(mean)]
        ranked = sorted(known, key=by_run.__getitem__, reverse=metric_card(metric).higher_is_better)
        if len(ranked) > 1:
            pairs.setdefault((ranked[0], ranked[1]), []).append(metric)
    for (first, second), metrics in pairs.items():
        gaps = difference_intervals(frames[first], frames[second], metrics)
        best |= {m: first for m, gap in zip(metrics, gaps, strict=True) if gap.excludes_zero}
    return best


def users_in(segments: pd.DataFrame, by: str, name: str) -> IntArray:
    """Numbers of the users in one segment."""
    return np.flatnonzero(segments[by].astype("str").to_numpy() == name)


def moved_users(
    run: pd.DataFrame, other: pd.DataFrame, metric: str, histories: Mapping[str, IntArray]
) -> pd.DataFrame:
    """USER, the histories by name, `run`, `other` and `difference` of every user, largest first.

    histories: (n_users,) number of interactions by user number.
    """
    table = run[[USER, metric]].merge(other[[USER, metric]], on=USER, suffixes=("_run", "_other"))
    table.columns = pd.Index([USER, "run", "other"])
    table["difference"] = table["run"] - table["other"]
    table.loc[table["difference"].abs() <= SAME, "difference"] = 0.0
    for place, (name, counts) in enumerate(histories.items(), start=1):
        table.insert(place, name, counts[table[USER].to_numpy()])
    table = table[table["difference"].notna()]
    return table.sort_values(["difference", USER], ascending=[False, True], ignore_index=True)


def moved_sentence(table: pd.DataFrame, metric: str, against: str) -> str:
    """How many gain and lose and by how much, from the table of moved users, in one sentence."""
    counts = moved_counts(table["difference"].to_numpy(np.float64), metric)
    moved = table["difference"][table["difference"] != 0].abs()
    card = metric_card(metric)
    up, down = ("gain", "lose")
    if card.neutral:
        up, down = ("rise", "fall") if card.higher_is_better else ("fall", "rise")
    said = f"Of {len(table):,} users {counts[HELPED]:,} {up} and {counts[HARMED]:,} {down} "
    return (
        said
        + f"against {against}; half of those who moved do so by less than "
        + (f"{number(float(moved.median()))}.")
    )


def all_metrics(frames: Frames) -> list[str]:
    """Metric columns that any frame has, in the order of the first that has them.

    Runs of two tasks stand side by side: what one of them lacks does not vanish from the others.
    """
    return list(dict.fromkeys(name for frame in frames.values() for name in metric_columns(frame)))


def _intervals(frame: pd.DataFrame, metrics: Sequence[str]) -> list[Interval]:
    """One per metric; of one the frame lacks there is no figure, and nobody has it."""
    there = [metric for metric in metrics if metric in frame]
    found = dict(zip(there, intervals(frame, there), strict=True))
    nothing = Interval(np.nan, np.nan, np.nan, 0, len(frame))
    return [found.get(metric, nothing) for metric in metrics]


# Whether the people who gain on one part of the data gain on another: what such a list is worth.


def gains_repeat(valid: Pair, test: Pair, metric: str) -> Interval:
    """How far people's gains on validation and test go together: Pearson's r over users of both.

    Its 95 % interval by Fisher's z; NaN with fewer than FEWEST users, or where nobody moved.
    """
    here, there = (paired(*pair) for pair in (valid, test))
    gains = pd.concat(
        [pd.Series(shares_of_users(*both, metric), index=both[0].index) for both in (here, there)],
        axis=1,
        join="inner",
    ).dropna()
    nothing, users = float("nan"), len(gains)
    values = gains.to_numpy(np.float64)
    if users < FEWEST or not values.std(axis=0).all():
        return Interval(nothing, nothing, nothing, users, 0)
    r = float(np.clip(np.corrcoef(values.T)[0, 1], -0.999999, 0.999999))
    ends = np.tanh(np.arctanh(r) + np.array([-NORMAL, NORMAL]) / np.sqrt(users - 3))
    return Interval(r, float(ends[0]), float(ends[1]), users, 0)


REPEATS = 0.5  # correlation from which people's gains on one part tell those on another


def repeat_in_short(found: Interval) -> str:
    """The same in a few words, for a line that has all of it in its help."""
    if np.isnan(found.mean):
        return "Whether the same people gain again cannot be told."
    if found.mean >= REPEATS:
        return "Who gains once mostly gains again."
    return "Examples only: who gains once hardly gains again."


def repeat_words(found: Interval) -> str:
    """What a list of the most helped people is worth, in one sentence."""
    if np.isnan(found.mean):
        return "Whether the same people gain again cannot be told: too few moved on both parts."
    ends = signed_interval(found.low, found.high, 2)
    r = f"r {signed(found.mean, 2)}, 95 % {ends}, {found.users:,} people"
    if found.mean >= REPEATS:
        return f"Who gains on validation mostly gains on test too ({r})."
    return (
        f"Who gains on validation is hardly who gains on test ({r}): such a list shows examples, "
        "not people whom the source helps each time."
    )
