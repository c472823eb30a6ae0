"""Do users of different groups fare alike? Any metric per group, the gap and the worst group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, RUN, SEGMENT, USER, USERS
from core.evaluation.list_world import Judged, ListWorld
from core.evaluation.rating_error import RATINGS, intervals
from core.evaluation.segments import FEWEST
from core.metrics.fairness import chance_of_gap, gap_interval, mean_absolute_difference
from core.metrics.intervals import Interval, bootstrap_of_sums
from core.metrics.lists import average_popularity, delta_gap, gap_sums
from core.metrics.ratings import MAE, RMSE
from core.metrics.registry import metric_card

_POWERS = {RMSE: 2.0, MAE: 1.0}


@dataclass(frozen=True)
class Gap:
    """How far apart a run's groups are in one metric."""

    run: str
    best: str
    worst: str
    gap: Interval  # the larger mean minus the smaller
    chance: float  # how often random groups of the same sizes are as far apart
    mad: float
    groups: int  # with enough users


def group_rows(
    frames: Mapping[str, pd.DataFrame], segments: pd.Series, metric: str
) -> pd.DataFrame:
    """RUN, SEGMENT, MEAN, LOW, HIGH, USERS, a row per run and group with anybody in it.

    segments: (n_users,) the group of every user number. Groups under FEWEST users with a value keep
    their row and have no figure.
    """
    rows = []
    for name, frame in frames.items():
        for group, within in _groups(frame, segments):
            (found,) = intervals(frame[within], [metric])
            figures = (found.mean, found.low, found.high)
            said = figures if found.users >= FEWEST else (np.nan,) * 3
            rows.append((name, group, *said, found.users))
    return pd.DataFrame(rows, columns=[RUN, SEGMENT, MEAN, LOW, HIGH, USERS])


def gaps(
    frames: Mapping[str, pd.DataFrame], segments: pd.Series, metric: str, rows: pd.DataFrame
) -> list[Gap]:
    """Best and worst group of each run and what lies between them; rows: as group_rows gives them.

    A run with fewer than two groups that are large enough is left out.
    """
    found = []
    for name, frame in frames.items():
        means = rows[rows[RUN] == name].set_index(SEGMENT)[MEAN].dropna()
        if len(means) < 2:
            continue
        high, low = str(means.idxmax()), str(means.idxmin())
        within = dict(_groups(frame, segments))
        amounts, weights = _weighted(frame, metric)
        gap = gap_interval(amounts, weights, (within[high], within[low]), _POWERS.get(metric, 1.0))
        best, worst = (high, low) if metric_card(metric).higher_is_better else (low, high)
        mad = mean_absolute_difference(means.to_numpy())
        groups = [within[group] for group in means.index]
        chance = _chance(amounts, weights, groups, _POWERS.get(metric, 1.0))
        found.append(Gap(name, best, worst, gap, chance, mad, len(means)))
    return found


def delta_gap_rows(
    judged: Mapping[str, Judged], world: ListWorld, segments: pd.Series, k: int
) -> pd.DataFrame:
    """The same rows of Delta-GAP at k: by how much lists are more popular than histories."""
    rows = []
    for name, lists in judged.items():
        recommended = average_popularity(lists.items[:, :k], world.popularity)
        sums = gap_sums(recommended, world.history_popularity[lists.users])
        for group, within in _groups(pd.DataFrame({USER: lists.users}), segments):
            (found,) = bootstrap_of_sums(sums[within], delta_gap)
            figures = (found.mean, found.low, found.high)
            said = figures if found.users >= FEWEST else (np.nan,) * 3
            rows.append((name, group, *said, found.users))
    return pd.DataFrame(rows, columns=[RUN, SEGMENT, MEAN, LOW, HIGH, USERS])


def _groups(frame: pd.DataFrame, segments: pd.Series) -> Iterator[tuple[str, np.ndarray]]:
    """Name of each group that has any of the frame's users, and which rows are its own."""
    of_user = segments.iloc[frame[USER].to_numpy()]
    names = of_user.cat.categories if isinstance(of_user.dtype, pd.CategoricalDtype) else None
    for name in of_user.dropna().unique() if names is None else names:
        within = (of_user == name).to_numpy(dtype=bool)
        if within.any():
            yield str(name), within


def _chance(
    amounts: np.ndarray, weights: np.ndarray, groups: list[np.ndarray], power: float
) -> float:
    """Of the gap between these groups; users without a value are in none."""
    rows = [np.flatnonzero(group & ~np.isnan(amounts)) for group in groups]
    order, sizes = np.concatenate(rows), np.array([len(part) for part in rows])
    return chance_of_gap(amounts[order], weights[order], sizes, power)


def _weighted(frame: pd.DataFrame, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """What each user adds to a mean, or to an error pooled over ratings, and with what weight."""
    values = frame[metric].to_numpy(np.float64)
    if metric not in _POWERS:
        return values, np.ones(len(values))
    counts = frame[RATINGS].to_numpy(np.float64)
    return counts * values ** _POWERS[metric], counts
