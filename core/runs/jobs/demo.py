"""The sample pair from files to trained runs in one job; a map and LightGCN go on behind it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from core.basics.columns import CATEGORIES, DESCRIPTION, ITEM, RATING, TIME, TITLE, USER
from core.basics.progress import Report, silent
from core.basics.workspace import Workspace
from core.data.build_pair import build_pair
from core.data.checks.check import read_checks
from core.data.checks.quality import check_pair
from core.data.database import in_memory
from core.data.pair_folder import PairInputs, PairSettings
from core.data.reading.ingest import import_file
from core.data.reading.options import INTERACTIONS, ITEMS, ReadOptions
from core.data.splitting import RANDOM
from core.jobs.table import enqueue
from core.runs.answer.make_answer import (
    COLD,
    EVERYBODY,
    PAIR,
    SEED,
    Answered,
    Checklist,
    Step,
    answer_pair,
    ask_for_map,
    run_of,
    titles_within,
)
from core.runs.making.plan import RunPlan
from core.store.run_folder import list_runs

SAMPLE = Path(__file__).resolve().parents[3] / "sample_data" / "books_films"
SOURCE_NAME, TARGET_NAME = "books", "films"
FILES = {
    "source": ("books.csv", INTERACTIONS),
    "target": ("films.csv", INTERACTIONS),
    "items_source": ("items_books.csv", ITEMS),
    "items_target": ("items_films.csv", ITEMS),
}
ROLES = {
    INTERACTIONS: {column: column for column in (USER, ITEM, RATING, TIME)},
    ITEMS: {column: column for column in (ITEM, TITLE, CATEGORIES, DESCRIPTION)},
}
COLD_SHARE = 1 / 3
RUNS = (*EVERYBODY, *COLD[:2])  # both other models for cold users say the same here
BEHIND = Step("", "lightgcn", RANDOM, "LightGCN")  # goes on after the demo
MOST = 60.0  # seconds: later, placebos are made of the run that stands alone
READ = "Read the four files"
STEPS = (READ, PAIR, *titles_within(RUNS))


def demo_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Load the demo, then ask for a UMAP of its best run and for LightGCN as jobs of their own."""
    found = load_demo(workspace, report)
    ask_for_map(workspace, found)
    plan = RunPlan(found.splits[RANDOM], BEHIND.model, seed=SEED, label=BEHIND.label)
    if run_of(plan, list_runs(workspace)) is None:
        enqueue(workspace, "train", plan.to_dict(), "training", "LightGCN on the sample pair")
    return found.to_dict()


def load_demo(workspace: Workspace, report: Report = silent) -> Answered:
    """Import the sample pair and answer it; what is there already is kept."""
    checklist = Checklist(STEPS, report)
    pair = _pair(workspace, checklist)
    return answer_pair(workspace, pair.name, RUNS, checklist, time.monotonic() + MOST, COLD_SHARE)


def _pair(workspace: Workspace, checklist: Checklist) -> Path:
    checklist.at(READ)
    files = {
        role: import_file(
            SAMPLE / file,
            ReadOptions(kind=kind, roles=ROLES[kind]),
            workspace.datasets,
            checklist.inside(READ),
        ).folder
        / f"{kind}.parquet"
        for role, (file, kind) in FILES.items()
    }
    checklist.at(PAIR)
    workspace.pairs.mkdir(parents=True, exist_ok=True)
    inputs = PairInputs(**files, source_name=SOURCE_NAME, target_name=TARGET_NAME)
    with in_memory(workspace.datasets, workspace.pairs) as connection:
        pair = build_pair(connection, inputs, PairSettings(), workspace.pairs)
        if read_checks(pair) is None:
            check_pair(connection, pair, inputs, checklist.inside(PAIR))
    return pair
