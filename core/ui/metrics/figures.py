"""Figures of the Metrics page, computed once per choice and kept by folders and names."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, USER, USERS
from core.data.checks.check import RESULT as CHECKS
from core.evaluation.lift import ENOUGH_LAYERS, LAYERS, all_the_same
from core.evaluation.ratings import difference_intervals
from core.evaluation.segments import TARGET_HISTORY
from core.evaluation.side_by_side import all_metrics, moved_users, side_by_side
from core.evaluation.verdict import Comparison, Lifts, sentence
from core.evaluation.verdict import lifts_of as compute_lifts
from core.metrics.ratings import ERRORS
from core.metrics.registry import metric_card
from core.runs.making.train_again import same_but_seed
from core.runs.studies.noise import NoiseFloor, comparison_of, equal_twins, noise_floor
from core.runs.studies.placebo import PlaceboFigures, placebo_figures
from core.store.measured import (
    PLACEBO_FOLDER,
    PLACEBO_RECORD,
    RESEED_FOLDER,
    RESEED_RECORD,
    read_placebos,
)
from core.store.run_folder import BIAS, POPULARITY, Run
from core.ui import cached
from core.ui.keeping import kept_data, known_by
from core.ui.metrics.view import View, reader_of, segments_of, users_of
from core.ui.shell import workspace
from core.ui.state import run_names


@known_by(lambda line: (line.name, line.run))
@dataclass(frozen=True)
class Contender:
    """One line of the comparison: a run, or a twin or popularity that stands beside one."""

    name: str
    run: Run
    reference: bool  # there to compare with


def contenders(runs: list[Run]) -> list[Contender]:
    """Every run, then the twin of the first and popularity or biases, under names that differ."""
    current = runs[0]
    names = run_names(runs)
    lines = [Contender(names[run.id], run, run.record.model in (POPULARITY, BIAS)) for run in runs]
    first, others = lines[0], lines[1:]
    if current.twin:
        others.insert(0, Contender(f"{first.name}: its twin", current.twin, True))
    floor = current.floor
    if floor and all(line.run.record.model != floor.record.model for line in others):
        name = f"{floor_name(current).capitalize()}, beside the run"
        others.append(Contender(name, floor, True))
    return [first, *others]


def floor_name(run: Run) -> str:
    """What any run of its task must beat, in one word."""
    return run.card.task.baseline_words


def attributes_of(lines: list[Contender], *_: object) -> str:
    """Changes when attributes of the lines' users, and so segments, come or go."""
    return cached.attributes_key(lines[0].run.record.dataset_hash)


@kept_data(max_entries=30, also=attributes_of)
def table_of(lines: list[Contender], part: str, k: int, segment: str) -> pd.DataFrame:
    """Every per-user metric of every line at k, for the users of a segment."""
    users = users_of(lines[0].run, segment)
    frames = {line.name: _only(cached.per_user(line.run, part), users) for line in lines}
    metrics = [
        name
        for name in all_metrics(frames)
        if name not in ERRORS and (name.endswith(f"@{k}") or "@" not in name)
    ]
    return side_by_side(frames, metrics)


@kept_data(max_entries=30, also=attributes_of)
def gaps_of(lines: list[Contender], part: str, metrics: list[str], segment: str) -> pd.DataFrame:
    """RUN, METRIC, MEAN, LOW, HIGH, USERS: the first line minus every other, paired over users."""
    users = users_of(lines[0].run, segment)
    first, *others = (_only(cached.per_user(line.run, part), users) for line in lines)
    rows = []
    for line, frame in zip(lines[1:], others, strict=True):
        both = [metric for metric in metrics if metric in first and metric in frame]
        for metric, gap in zip(both, difference_intervals(first, frame, both), strict=True):
            said = {MEAN: gap.mean, LOW: gap.low, HIGH: gap.high, USERS: gap.users}
            rows.append({RUN: line.name, METRIC: metric} | said)
    return pd.DataFrame(rows, columns=[RUN, METRIC, MEAN, LOW, HIGH, USERS])


@kept_data(max_entries=30, also=attributes_of)
def errors_of(lines: list[Contender], part: str, segment: str) -> pd.DataFrame:
    """RMSE and MAE of every line that predicts ratings, for the users of a segment.

    No rows where none does.
    """
    rated = [line for line in lines if line.run.card.task.rates]
    users = users_of(lines[0].run, segment)
    frames = {line.name: _only(cached.per_user(line.run, part), users) for line in rated}
    return side_by_side(frames, ERRORS)


def moved_of(run: Run, other: Run, view: View) -> pd.DataFrame:
    """Every user's value in the run and the other model, and the difference."""
    train = cached.split_of(run).train
    histories = {"source_history": train.source_history, "target_history": train.target_history}
    read = reader_of(view.column)
    ours, theirs = read(run, view.part), read(other, view.part)
    users = users_of(run, view.segment)
    table = moved_users(_only(ours, users), _only(theirs, users), view.column, histories)
    return table.assign(**{USER: train.users.names(table[USER].to_numpy())})


def _only(frame: pd.DataFrame, users: np.ndarray | None) -> pd.DataFrame:
    return frame if users is None else frame[frame[USER].isin(users)]


# What the Metrics page knows of a run's lift, computed once per choice and kept.


@dataclass(frozen=True)
class Seeds:
    """Runs that differ by their seed alone, this one among them."""

    n: int
    alike: bool  # every seed gives the same model
    over: pd.Series | None  # the lift of all users over all seeds; None with too few of them


def evidence_key(run: Run, *_: object, **__: object) -> str:
    """Changes with what is measured of the run, its seeds and rivals, and what is said of its data.

    Checks and attributes belong to the data, of which a pair or a split keeps them.
    """
    record, here = run.record, workspace()
    paths = (
        run.folder / RESEED_FOLDER / RESEED_RECORD,
        run.folder / PLACEBO_FOLDER / PLACEBO_RECORD,
        here.pairs / record.dataset_hash / CHECKS,
        here.splits / record.split_hash / CHECKS,
        here.searches,
    )
    measured = [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]
    rivals = sum(one.record.split_hash == record.split_hash for one in cached.runs())
    seeds, attributes = other_seeds(run), cached.attributes_key(record.dataset_hash)
    return f"{measured} {rivals} {seeds} {attributes}"


@kept_data(max_entries=40, also=evidence_key)
def lifts_of(run: Run, part: str, metric: str, by: str) -> Lifts:
    """Every lift the forest plot by one kind of segment shows."""
    return compute_lifts(comparison(run, part, metric), metric, by)


@kept_data(max_entries=40, also=evidence_key)
def sentence_of(run: Run, part: str, metric: str, by: str = TARGET_HISTORY) -> str:
    """What those lifts say, in words."""
    return sentence(comparison(run, part, metric), lifts_of(run, part, metric, by), metric, by)


@kept_data(max_entries=40, also=evidence_key)
def placebo_of(run: Run, part: str, metric: str) -> PlaceboFigures | None:
    """Run, twin and placebo of all users; None without a placebo, or for what lists are asked."""
    if read_placebos(run) is None:
        return None
    lifts = lifts_of(run, part, metric, TARGET_HISTORY)
    return placebo_figures(run, part, metric, lifts, cached.per_user)


@kept_data(max_entries=20, also=evidence_key)
def floor_of(run: Run, part: str, metric: str) -> NoiseFloor | None:
    """Share helped and harmed beside what training the twin again does; None if not measured."""
    if run.twin is None or not metric_card(metric).kept:
        return None
    compared = comparison(run, part, metric)
    assert compared.twin is not None
    equals = equal_twins(run, part, cached.per_user)
    return noise_floor(compared.run, compared.twin, equals, metric) if equals else None


def other_seeds(run: Run) -> list[str]:
    """Ids of the runs that differ from this one by their seed alone."""
    return _other_seeds(run, cached.runs())


@kept_data(max_entries=50)
def _other_seeds(run: Run, runs: list[Run]) -> list[str]:
    return [other.id for other in same_but_seed(run, runs)]


@kept_data(max_entries=40, also=evidence_key)
def seeds_of(run: Run, part: str, metric: str) -> Seeds:
    """How many seeds there are, and the lift over all users with its interval over them."""
    compared = comparison(run, part, metric)
    n = len(compared.seeds)
    alike = n > 1 and all_the_same(compared.seeds, metric)
    if n < ENOUGH_LAYERS:
        return Seeds(n, alike, None)
    rows = lifts_of(run, part, metric, TARGET_HISTORY).over_twin
    return Seeds(n, alike, None if rows is None or not rows[LAYERS].iloc[0] else rows.iloc[0])


def comparison(run: Run, part: str, metric: str) -> Comparison:
    """The run beside all there is to judge it by in one metric.

    Figures made from lists have no noise floor: of twins trained again only metrics are kept.
    """
    runs, read, segments = cached.runs(), reader_of(metric), segments_of(run)
    if metric_card(metric).kept:
        return comparison_of(run, part, segments, runs, read)
    listed = [one for one in runs if one.has_lists and one.twin and one.twin.has_lists]
    return replace(comparison_of(run, part, segments, listed, read), again=())
