"""Lists of a run, judged once and kept by its folder, and every figure made from them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import TEST, USER
from core.data.snapshot import Split
from core.evaluation.list_figures import list_figures
from core.evaluation.lists import LIFTED, Judged, ListWorld, Seen, judge, sayable
from core.metrics.registry import METRICS, metric_card
from core.runs.studies.noise import Read
from core.store.run_folder import RUN, Run
from core.ui import cached

USUAL_K = 10  # length at which a figure that has no k is read


def world_of(run: Run, part: str) -> ListWorld:
    """What lists of the run's split are judged by."""
    split = cached.split_of(run)
    return _world(str(split.folder), part, split)


def judged_of(run: Run, part: str) -> Judged:
    """The run's lists with their hits."""
    return _judged(str(run.folder), part, run)


def frame_of(run: Run, part: str, k: int) -> pd.DataFrame:
    """USER and every figure of lists of length k, made when first asked for."""
    return _frame(str(run.folder), part, k, run)


def lifted_names(run: Run) -> list[str]:
    """Figures of lists that the run can be compared by with its twin and floor, user by user."""
    beside = [run, *(other for other in (run.twin, run.floor) if other)]
    if not all(one.has_lists for one in beside):
        return []
    there = sayable(world_of(run, TEST))
    return [name for name in METRICS if name in LIFTED and name in there]


def reader_of(metric: str) -> Read:
    """Reads frames of runs that hold the metric: as they are kept, or made from their lists."""
    if metric_card(metric).kept:
        return cached.per_user
    k = int(metric.partition("@")[2] or USUAL_K)
    return lambda run, part: frame_of(run, part, k)


@st.cache_resource(show_spinner=False, max_entries=2)
def _world(folder: str, part: str, _split: Split) -> ListWorld:
    return ListWorld.of(_split, part)


@st.cache_resource(show_spinner=False, max_entries=12)
def _judged(folder: str, part: str, _run: Run) -> Judged:
    return judge(_run.lists(part), world_of(_run, part))


@st.cache_data(show_spinner=False, max_entries=30)
def _frame(folder: str, part: str, k: int, _run: Run) -> pd.DataFrame:
    judged = judged_of(_run, part)
    kept = cached.per_user(_run, part)
    auc = kept.set_index(USER)["auc"].reindex(judged.users).to_numpy() if "auc" in kept else None
    parts = cached.candidates(_run, part) if _keeps_parts(_run) else None
    return list_figures(Seen(judged, world_of(_run, part), k, auc, parts))


def _keeps_parts(run: Run) -> bool:
    """Whether what each domain adds to a score was kept, and both together are the score."""
    ranks = run.card.task == "ranking"
    return bool(ranks and run.card.additive and run.record["role"] == RUN)
