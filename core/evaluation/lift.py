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
from core.evaluation.ratings import (
    RATINGS,
    difference_intervals,
    intervals,
    paired,
    shares_of_users,
)
from core.evaluation.segments import ALL_USERS, ENOUGH_TO_BE_SURE, FEWEST, SEGMENTS
from core.metrics.intervals import (
    Interval,
    effect_size,
    holm,
    layered_interval,
    layered_p,
    sign_flip_p,
    student_p,
)
from core.metrics.ratings import ERRORS, MAE, RMSE
from core.metrics.registry import metric_card

# Trainings, or deals of the source to other people, as a layer of chance beside the users.

ENOUGH_LAYERS = 3  # below, how far another would come out cannot be said
Pair = tuple[pd.DataFrame, pd.DataFrame]  # per user: the run, and what it is compared with
Layers = Sequence[Pair]  # one per training, or per deal


def all_the_same(layers: Layers, metric: str) -> bool:
    """Whether every training gave every user the same: the model knows no chance."""
    first, *others = ([run[metric].to_numpy(), twin[metric].to_numpy()] for run, twin in layers)
    return all(
        len(here) == len(there) and np.array_equal(here, there, equal_nan=True)
        for other in others
        for here, there in zip(first, other, strict=True)
    )


def by_layer(layers: Layers, users: pd.Index, metric: str) -> FloatArray:
    """(users, layers) what every user adds to the difference of the two in each layer."""
    pairs = (paired(*layer) for layer in layers)
    return np.column_stack(
        [shares_of_users(one.reindex(users), two.reindex(users), metric) for one, two in pairs]
    )


def mean_frame(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Every user's mean over some frames of the same users, as one frame; of RMSE the root of that.

    Users and columns are those of the first. Squares of errors are averaged, so that pooling them
    afterwards pools over all frames. Raises ValueError without a frame.
    """
    if not frames:
        raise ValueError("There is no frame to average.")
    first = frames[0]
    if len(frames) == 1:
        return first
    names = metric_columns(first)
    powers = np.array([2.0 if name == RMSE else 1.0 for name in names])
    aligned = [one.set_index(USER)[names].reindex(first[USER]) for one in frames]
    values = np.stack([one.to_numpy(np.float64) for one in aligned])  # (frames, users, metrics)
    means = (values**powers).mean(axis=0) ** (1 / powers)
    return first.assign(**dict(zip(names, means.T, strict=True)))


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


def lift(
    run_per_user: pd.DataFrame, other_per_user: pd.DataFrame, layers: Layers = ()
) -> dict[str, Said]:
    """{"ndcg@10": {mean, low, high, users, helped, harmed}, …} of the run minus the other.

    Paired over the users of both frames, who must have been evaluated on the same split. Helped are
    the users whose metric got better, which for an error is smaller. layers: of ENOUGH_LAYERS or
    more the intervals are over users and them, as in `lift_rows`.
    """
    difference = differences(run_per_user, other_per_user)
    columns = metric_columns(difference)
    said = {}
    if len(layers) >= ENOUGH_LAYERS:
        users = pd.Index(difference[USER])
        found = [layered_interval(by_layer(layers, users, name)) for name in columns]
    else:
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
LAYERS, REPEATED = "layers", "repeated"
SIGNIFICANT = 0.05  # of the p-value after Holm's correction
COLUMNS = [SEGMENT, MEAN, LOW, HIGH, USERS, SKIPPED, HELPED, HARMED, EFFECT, P_VALUE, LAYERS]
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
    layers: Layers = (),
    valid: Pair | None = None,
) -> pd.DataFrame:
    """Run minus other in one metric, over all users and in each segment that has any.

    One row per segment: SEGMENT, MEAN, LOW, HIGH, USERS, SKIPPED, HELPED, HARMED, EFFECT (Cohen's
    d_z), P_VALUE of a sign-flip test, LAYERS, HOLM, NOISE, REPEATED and SURE. Segments of fewer
    than FEWEST users keep their USERS and have no figure. by: a column of segments; only: the rows
    that are shown, since what is not shown needs no correction.

    All users together are the one question that is asked first: its HOLM is its own p-value. The
    segments are a family, and HOLM is corrected over them alone.

    layers: of ENOUGH_LAYERS or more, MEAN, LOW, HIGH and P_VALUE are over users and layers, such as
    trainings of run and other; LAYERS counts them, 0 where there are fewer.

    SURE: the interval excludes zero, the corrected test rejects, the mean can be read as not zero,
    it is of ENOUGH_TO_BE_SURE users, it is REPEATED on validation (valid: the same two there), and
    lies beyond NOISE: how far from zero a re-trained other reaches against the first (again: its
    per-user frames, the other model trained again with nothing but chance changed). With layers the
    interval holds that already.
    """
    asked = Question(segments, by, metric, only)
    ours, theirs = paired(run, other)
    over = layers if len(layers) >= ENOUGH_LAYERS else ()
    rows = [
        {SEGMENT: name} | _figures(ours[mask[ours.index]], theirs[mask[ours.index]], metric, over)
        for name, mask in asked.masks.items()
        if mask[run[USER].to_numpy()].any()
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table[HOLM] = _corrected(table)
    table[NOISE] = _noise(table, asked, other, () if over else again)
    table[REPEATED] = _repeated(table, asked, valid)
    beyond_zero = (table[LOW] > 0) | (table[HIGH] < 0)
    readable = table[MEAN].abs().round(digits_of(metric)) > 0
    beyond_noise = table[NOISE].isna() | (table[MEAN].abs() > table[NOISE])
    unlikely = table[HOLM] < SIGNIFICANT
    enough = table[USERS] >= ENOUGH_TO_BE_SURE
    table[SURE] = beyond_zero & unlikely & readable & beyond_noise & enough & table[REPEATED]
    return table


def _corrected(table: pd.DataFrame) -> FloatArray:
    """p-values after Holm's correction over the segments; that of all users stands alone."""
    found = table[P_VALUE].to_numpy(np.float64).copy()
    family = (table[SEGMENT] != ALL_USERS).to_numpy()
    found[family] = holm(found[family])
    return found


DOUBT = 0.1  # one-sided chance from which validation does not bear a lift out
COMPARABLE = 0.5  # users on validation per test user, from which it is asked for that


def _repeated(table: pd.DataFrame, asked: Question, valid: Pair | None) -> BoolArray:
    """(rows,) whether validation shows the same, one-sided at DOUBT; True where it cannot tell.

    Twice two-sided would ask for far more than 95 %: a true lift of 3 standard errors passes in
    96 % of worlds, one of 2.5 in 89 %, chance in a tenth. That the validation mean lies within the
    test interval is no such rule: two measurements of one lift miss each other so in 17 % of
    worlds, however large it is. With less than half as many users on validation the sign must do;
    with fewer than FEWEST nothing is asked.
    """
    if valid is None:
        return np.ones(len(table), dtype=bool)
    ours, theirs = paired(*valid)
    found = []
    for name, mean, users in zip(table[SEGMENT], table[MEAN], table[USERS], strict=True):
        inside = asked.masks[name][ours.index]
        values = shares_of_users(ours[inside], theirs[inside], asked.metric)
        values = values[~np.isnan(values)]
        if len(values) < FEWEST or np.isnan(mean):
            found.append(True)
            continue
        toward = float(values.mean()) * np.sign(mean)
        p = student_p(values)
        enough = len(values) >= COMPARABLE * users
        found.append(bool(toward > 0 and (p / 2 < DOUBT or not enough)))
    return np.array(found, dtype=bool)


def allowed_for_choice(
    rows: pd.DataFrame, metric: str, candidates: int, correlation: float
) -> pd.DataFrame:
    """The rows with the flattering end of every interval moved by what the choice may have gained.

    Candidates are chosen on validation and reported on test (Cawley & Talbot 2010): other rows, so
    test is honest for one look, and no Bonferroni correction is due, which would make an interval
    the wider the more was tried. What is left is that both parts ask the same people. The best of n
    leads on validation by as much as the largest of n normals, and of that lead the correlation of
    people's gains in both parts comes along to test; where it is not above 0, nothing does.
    """
    if not correlation > 0:
        return rows
    from scipy.special import ndtri

    largest = float(ndtri((candidates - 0.375) / (candidates + 0.25)))  # expected, Blom 1958
    moved = correlation * largest * (rows[HIGH] - rows[LOW]) / (2 * NORMAL)
    gains = rows[MEAN].map(lambda mean: is_gain(mean, metric))
    up = rows[MEAN] > 0
    low, high = rows[LOW] - moved.where(gains & up, 0), rows[HIGH] + moved.where(gains & ~up, 0)
    sure = rows[SURE] & ((low > 0) | (high < 0))
    return rows.assign(**{LOW: low, HIGH: high, SURE: sure})


NORMAL = 1.959964  # half the width of a 95 % interval in standard errors


def digits_of(metric: str) -> int:
    """Decimals of a difference, below which it is none to a reader."""
    card = metric_card(metric)
    if not card.kept:
        return 6  # figures of lists have scales of their own, such as serendipity of .002
    return 4 if card.task == "rating" else 3


def is_gain(mean: float, metric: str) -> bool:
    """Whether a difference of this sign is for the better."""
    return (mean > 0) == metric_card(metric).higher_is_better


def _figures(
    ours: pd.DataFrame, theirs: pd.DataFrame, metric: str, layers: Layers
) -> dict[str, float | int]:
    """Of the users of both frames, in the same order, indexed by USER."""
    frames = ours.reset_index(), theirs.reset_index()
    tested = _tested(ours, theirs, metric)
    if layers:
        over = by_layer(layers, ours.index, metric)
        interval, p = layered_interval(over), layered_p(over)
    else:
        interval, p = difference_intervals(*frames, [metric])[0], sign_flip_p(tested)
    moved = ours[metric].to_numpy(np.float64) - theirs[metric].to_numpy(np.float64)
    figures: dict[str, float | int] = {
        MEAN: interval.mean,
        LOW: interval.low,
        HIGH: interval.high,
        USERS: interval.users,
        SKIPPED: interval.skipped,
        EFFECT: effect_size(tested),
        P_VALUE: p,
        LAYERS: len(layers),
    } | moved_counts(moved, metric)
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
