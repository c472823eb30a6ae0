"""Do groups of users fare alike, and are groups of items shown at one rate?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import (
    HIGH,
    ITEM,
    LOW,
    MEAN,
    METRIC,
    OWN,
    RATING,
    RUN,
    SEGMENT,
    USER,
    USERS,
)
from core.basics.types import BoolArray, FloatArray, IntArray
from core.evaluation.lists import ListWorld
from core.evaluation.ratings import RATINGS, Bounds, intervals
from core.evaluation.segments import FEWEST
from core.metrics.card import Judged, exposure, membership
from core.metrics.catalogue import average_popularity, delta_gap, gap_sums
from core.metrics.fairness import (
    UNFAIRNESS,
    amounts_by_group,
    bias,
    chance_of_gap,
    disparity,
    exposure_share,
    gap_interval,
    head_and_tail,
    item_gains,
    item_mad,
    mean_absolute_difference,
    rates,
    relative_spread,
    shared_items,
    taken_sums,
    unfairness,
)
from core.metrics.intervals import Interval, bootstrap_of_sums
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


# Are groups of items shown at one rate? Head and tail, and categories where there are any.

GROUP, ITEMS, CATALOGUE, HISTORY, EXPOSURE, RATE, FOUND, WANTED = (
    "group",
    "items",
    "catalogue",
    "history",
    "exposure",
    "rate",
    "found",
    "wanted",
)
HEAD, TAIL = "head", "tail"
FEWEST_ITEMS = 10  # items below which a category is left out


def head_tail_rows(judged: Judged, world: ListWorld, k: int) -> pd.DataFrame:
    """A row for HEAD and one for TAIL: see item_rows."""
    return item_rows(judged, world, k, head_and_tail(world.head), [HEAD, TAIL])


def category_rows(judged: Judged, world: ListWorld, k: int) -> pd.DataFrame:
    """A row per category of at least FEWEST_ITEMS items, the largest first; no rows without any.

    A category that every item is in is left out: it can be compared with nothing.
    """
    if world.categories is None:
        return item_rows(judged, world, k, csr_matrix((world.n_items, 0)), [])
    names, members = world.categories.names, world.categories.members
    sizes, n_rankable = members[world.rankable].getnnz(axis=0), world.masked.n_rankable
    order = np.argsort(-sizes, kind="stable")
    kept = [place for place in order if FEWEST_ITEMS <= sizes[place] < n_rankable]
    return item_rows(judged, world, k, csr_matrix(members[:, kept]), [names[i] for i in kept])


def item_rows(
    judged: Judged, world: ListWorld, k: int, members: csr_matrix, names: list[str]
) -> pd.DataFrame:
    """GROUP, ITEMS, CATALOGUE, HISTORY, EXPOSURE, RATE, FOUND, WANTED of groups of items.

    Shares of the catalogue, of training interactions and of all places in lists; RATE is
    P(recommended | group), places over user and item pairs that were possible; FOUND is
    P(recommended | group, relevant), hits over WANTED items to find.
    """
    lists, hits = judged.items[:, :k], judged.hits[:, :k]
    places = exposure(lists, world.n_items)
    found = np.bincount(lists[hits], minlength=world.n_items)
    asked = np.zeros(world.relevant.shape[0])
    asked[judged.users] = 1.0
    wanted = (world.relevant != 0).astype(np.float64).T @ asked
    hidden = (world.masked.rows != 0).astype(np.float64).T @ asked
    possible = np.where(world.rankable, len(judged.users) - hidden, 0.0)
    catalogue = world.rankable.astype(np.float64)

    def of_group(amounts: FloatArray | IntArray) -> FloatArray:
        return amounts_by_group(amounts, members)

    return pd.DataFrame(
        {
            GROUP: names,
            ITEMS: of_group(catalogue).astype(int),
            CATALOGUE: of_group(catalogue) / max(1.0, float(catalogue.sum())),
            HISTORY: of_group(world.popularity) / max(1.0, float(world.popularity.sum())),
            EXPOSURE: exposure_share(places, members),
            RATE: rates(of_group(places), of_group(possible)),
            FOUND: rates(of_group(found), of_group(wanted)),
            WANTED: of_group(wanted).astype(int),
        }
    )


def category_members(rows: pd.DataFrame, world: ListWorld) -> csr_matrix:
    """(n_items, n_rows) membership in the categories of the rows."""
    if world.categories is None:
        return csr_matrix((world.n_items, 0))
    return world.categories.named([str(name) for name in rows[GROUP]])


def mad_of(judged: Judged, world: ListWorld, k: int, members: csr_matrix) -> float:
    """ItemMAD at k of groups of items; members: (n_items, n_groups) ones."""
    lists, hits = judged.items[:, :k], judged.hits[:, :k]
    return item_mad(item_gains(lists, hits, world.n_items), members)


def extremes(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The groups shown most and least for their share of the catalogue."""
    ratio = (rows[EXPOSURE] / rows[CATALOGUE]).to_numpy()
    return rows.iloc[int(np.argmax(ratio))], rows.iloc[int(np.argmin(ratio))]


def wanted_share(rows: pd.DataFrame, group: str) -> float:
    """Share of all that is to be found in one of the groups."""
    return float(rows.loc[rows[GROUP] == group, WANTED].sum() / max(1, rows[WANTED].sum()))


def parity(rows: pd.DataFrame) -> tuple[float, float]:
    """RSP and REO of the rows' groups: 0 where all are recommended, and found, at one rate."""
    return relative_spread(rows[RATE].to_numpy()), relative_spread(rows[FOUND].to_numpy())


# Do lists prefer categories more than their users did? BS, BR and BD of a group of users.

IN_HISTORY, IN_LISTS = "in_history", "in_lists"
COLUMNS = [SEGMENT, IN_HISTORY, IN_LISTS, MEAN, LOW, HIGH, USERS]


def disparity_rows(
    judged: Judged, world: ListWorld, k: int, kinds: list[str], group: BoolArray | None = None
) -> pd.DataFrame:
    """A row per category of `kinds`: SEGMENT (its name), IN_HISTORY (BS), IN_LISTS (BR), MEAN (BD).

    LOW, HIGH and USERS are of BD. group: (n_users,) whose lists and histories count, None for all
    of the lists; users without target history or without a list are left out. No rows below FEWEST
    users, or without categories.
    """
    if world.categories is None or not kinds:
        return pd.DataFrame(columns=COLUMNS)
    members = world.categories.named(kinds)
    listed = membership(judged.items[:, :k], world.n_items)
    taken = csr_matrix(world.train.target[judged.users] != 0).astype(np.float64)
    counted = (taken.getnnz(axis=1) > 0) & (listed.getnnz(axis=1) > 0)
    if group is not None:
        counted &= group[judged.users]
    if counted.sum() < FEWEST:
        return pd.DataFrame(columns=COLUMNS)
    sums = [taken_sums(part[counted], members) for part in (taken, listed)]
    shares = members.getnnz(axis=0) / world.n_items
    found = bootstrap_of_sums(np.column_stack(sums), disparity)
    in_history, in_lists = (bias(part.sum(axis=0), shares) for part in sums)
    return pd.DataFrame(
        {
            SEGMENT: kinds,
            IN_HISTORY: in_history,
            IN_LISTS: in_lists,
            MEAN: [one.mean for one in found],
            LOW: [one.low for one in found],
            HIGH: [one.high for one in found],
            USERS: [one.users for one in found],
        }
    )


# Unfairness of predicted ratings to one group of users, beside what groups by lot would show.

BY_LOT, CHANCE, N_ITEMS = "by_lot", "chance", "items"
TRIES = 200  # groups drawn by lot
UNFAIRNESS_COLUMNS = [RUN, METRIC, MEAN, BY_LOT, CHANCE, N_ITEMS]


def unfairness_rows(
    predictions: Mapping[str, pd.DataFrame],
    bounds: Bounds,
    group: pd.Series,
    name: str,
    tries: int = TRIES,
    seed: int = 0,
) -> pd.DataFrame:
    """RUN, METRIC, MEAN, BY_LOT, CHANCE and ITEMS of every run and figure of UNFAIRNESS.

    group: (n_users,) the group of every user number; those without one are left out, all others but
    the group's own stand against it. BY_LOT: the mean over groups of the same size drawn by lot;
    CHANCE: how often such a group is as far from fair. No rows where either side has under FEWEST
    users, or both rated fewer than FEWEST_ITEMS items.
    """
    rows = []
    for run, frame in predictions.items():
        of_rating = group.iloc[frame[USER].to_numpy()]
        kept = frame[of_rating.notna().to_numpy()]
        users, owners = np.unique(kept[USER].to_numpy(), return_inverse=True)
        inside = (group.iloc[users] == name).to_numpy(dtype=bool)
        items = np.unique(kept[ITEM].to_numpy(), return_inverse=True)[1]
        enough = shared_items(items, inside[owners])
        if min(inside.sum(), (~inside).sum()) < FEWEST or enough < FEWEST_ITEMS:
            continue
        guesses = bounds.clipped(kept[OWN].to_numpy())
        given = kept[RATING].to_numpy(np.float64)

        def told(chosen: BoolArray) -> np.ndarray:
            return unfairness(guesses, given, items, chosen[owners])  # noqa: B023

        found, generator = told(inside), np.random.default_rng(seed)
        drawn = np.array([told(generator.permutation(inside)) for _ in range(tries)])
        chance = (1 + (drawn >= found - 1e-12).sum(axis=0)) / (tries + 1)
        rows += [
            (run, metric, value, lot, often, enough)
            for metric, value, lot, often in zip(
                UNFAIRNESS, found, drawn.mean(axis=0), chance, strict=True
            )
        ]
    return pd.DataFrame(rows, columns=UNFAIRNESS_COLUMNS)
