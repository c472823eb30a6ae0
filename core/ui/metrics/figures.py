"""Figures of the Metrics page, computed once per choice and kept by folders and names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import USER
from core.evaluation.side_by_side import all_metrics, moved_users, side_by_side
from core.metrics.ratings import ERRORS
from core.runs.studies.noise import FLOORS
from core.store.run_folder import BIAS, POPULARITY, Run
from core.ui import cached
from core.ui.metrics.evidence import sentence_of
from core.ui.metrics.run_lists import reader_of
from core.ui.metrics.segment import users_of
from core.ui.metrics.view import View
from core.ui.run_names import run_names


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
    lines = [
        Contender(names[run.id], run, run.record["model"] in (POPULARITY, BIAS)) for run in runs
    ]
    first, others = lines[0], lines[1:]
    if current.twin:
        others.insert(0, Contender(f"{first.name}: its twin", current.twin, True))
    floor = current.floor
    if floor and all(line.run.record["model"] != floor.record["model"] for line in others):
        name = f"{floor_name(current).capitalize()}, beside the run"
        others.append(Contender(name, floor, True))
    return [first, *others]


def floor_name(run: Run) -> str:
    """What any run of its task must beat, in one word."""
    return FLOORS[run.card.task]


def table_of(lines: list[Contender], view: View) -> pd.DataFrame:
    """Every per-user metric of every line at the view's k, for the users of its segment."""
    folders = {line.name: str(line.run.folder) for line in lines}
    users = users_of(lines[0].run, view.segment)
    frames = {line.name: _only(cached.per_user(line.run, view.part), users) for line in lines}
    return _table(tuple(folders.items()), view.part, view.k, view.who, frames)


def errors_of(lines: list[Contender], view: View) -> pd.DataFrame:
    """RMSE and MAE of every line that predicts ratings, for the users of the view's segment.

    No rows where none does.
    """
    rated = [line for line in lines if line.run.card.task == "rating"]
    users = users_of(lines[0].run, view.segment)
    frames = {line.name: _only(cached.per_user(line.run, view.part), users) for line in rated}
    folders = {line.name: str(line.run.folder) for line in rated}
    return _errors(tuple(folders.items()), view.part, view.who, frames)


def moved_of(run: Run, other: Run, view: View) -> pd.DataFrame:
    """Every user's value in the run and the other model, and the difference."""
    train = cached.split_of(run).train
    histories = {"source_history": train.source_history, "target_history": train.target_history}
    read = reader_of(view.column)
    ours, theirs = read(run, view.part), read(other, view.part)
    users = users_of(run, view.segment)
    table = moved_users(_only(ours, users), _only(theirs, users), view.column, histories)
    return table.assign(**{USER: train.users.names(table[USER].to_numpy())})


def verdict_of(run: Run, part: str, metric: str) -> str:
    """Whether the source helps, and for whom, in words."""
    return sentence_of(run, part, metric)


@st.cache_data(show_spinner=False, max_entries=30)
def _table(
    folders: tuple[tuple[str, str], ...], part: str, k: int, segment: str, _frames: dict
) -> pd.DataFrame:
    metrics = [
        name
        for name in all_metrics(_frames)
        if name not in ERRORS and (name.endswith(f"@{k}") or "@" not in name)
    ]
    return side_by_side(_frames, metrics)


@st.cache_data(show_spinner=False, max_entries=30)
def _errors(
    folders: tuple[tuple[str, str], ...], part: str, segment: str, _frames: dict
) -> pd.DataFrame:
    return side_by_side(_frames, ERRORS)


def _only(frame: pd.DataFrame, users: np.ndarray | None) -> pd.DataFrame:
    return frame if users is None else frame[frame[USER].isin(users)]
