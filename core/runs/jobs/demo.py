"""The sample pair from files to trained runs in one job; a map and LightGCN go on behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.basics.columns import CATEGORIES, DESCRIPTION, ITEM, RATING, TIME, TITLE, USER
from core.basics.progress import Cancelled, Progress, Report, silent
from core.basics.workspace import Workspace
from core.data.build_pair import build_pair
from core.data.checks.quality import check_pair, read_checks
from core.data.database import in_memory
from core.data.pair_folder import PairInputs, PairSettings
from core.data.reading.ingest import import_file
from core.data.reading.options import INTERACTIONS, ITEMS, ReadOptions
from core.data.splitting import COLD_USERS, RANDOM, SplitSettings, split_pair
from core.embedding.maps import MAP_ITEMS
from core.jobs.table import enqueue
from core.runs.jobs.maps import map_payload
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import list_runs, read_run

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
SPLITS = {
    RANDOM: SplitSettings(kind=RANDOM),
    COLD_USERS: SplitSettings(kind=COLD_USERS, cold_share=1 / 3),
}
SEED = 2022


@dataclass(frozen=True)
class DemoRun:
    """One run of the demo, and its line in the checklist."""

    step: str
    model: str
    split: str  # a key of SPLITS
    label: str


RUNS = (  # the last one is what every page shows first
    DemoRun("Train popularity", "popularity", RANDOM, "Popularity"),
    DemoRun("Train a ridge for readers without films", "ridge", COLD_USERS, "Ridge, cold users"),
    DemoRun("Train joint EASE for them too", "ease", COLD_USERS, "Joint EASE, cold users"),
    DemoRun("Train joint EASE and its target-only twin", "ease", RANDOM, "Joint EASE"),
)
BEHIND = DemoRun("", "lightgcn", RANDOM, "LightGCN")  # goes on after the demo
STEPS = (
    "Read the four files",
    "Make the pair and check it",
    "Split it at random, and by cold users",
    *(run.step for run in RUNS),
)


def demo_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Load the demo, then ask for a UMAP of its last run and for LightGCN as jobs of their own."""
    made = load_demo(workspace, report)
    shown = made["runs"][RUNS[-1].label]
    enqueue(workspace, "map", map_payload(shown, MAP_ITEMS), "short", "Map of the sample items")
    plan = _plan(BEHIND, made["splits"])
    if _run_of(workspace, plan) is None:
        enqueue(workspace, "train", plan.to_dict(), "training", "LightGCN on the sample pair")
    return made


def load_demo(workspace: Workspace, report: Report = silent) -> dict[str, Any]:
    """Import the sample pair, split it and train the demo runs; what is there already is kept.

    Answers the pair's hash, the split hashes by kind and the run ids by label.
    """
    pair = _pair(workspace, report)
    _say(report, 2)
    splits = {
        kind: split_pair(pair, settings, SEED, workspace.splits).name
        for kind, settings in SPLITS.items()
    }
    runs = {}
    for number, run in enumerate(RUNS, start=3):
        _say(report, number)
        plan = _plan(run, splits)
        known = _run_of(workspace, plan)
        runs[run.label] = known or _trained(plan, workspace, _inside(report, number))
    return {"pair": pair.name, "splits": splits, "runs": runs}


def _trained(plan: RunPlan, workspace: Workspace, report: Report) -> str:
    """Id of a new run; a cancel that came while its twin was trained stops the demo too."""
    folder = train_run(plan, workspace, report)
    if not read_run(folder).complete:
        raise Cancelled
    return folder.name


def _pair(workspace: Workspace, report: Report) -> Path:
    _say(report, 0)
    files = {
        role: import_file(
            SAMPLE / file,
            ReadOptions(kind=kind, roles=ROLES[kind]),
            workspace.datasets,
            _inside(report, 0),
        ).folder
        / f"{kind}.parquet"
        for role, (file, kind) in FILES.items()
    }
    _say(report, 1)
    workspace.pairs.mkdir(parents=True, exist_ok=True)
    inputs = PairInputs(**files, source_name=SOURCE_NAME, target_name=TARGET_NAME)
    with in_memory(workspace.datasets, workspace.pairs) as connection:
        pair = build_pair(connection, inputs, PairSettings(), workspace.pairs)
        if read_checks(pair) is None:
            check_pair(connection, pair, inputs, _inside(report, 1))
    return pair


def _plan(run: DemoRun, splits: dict[str, str]) -> RunPlan:
    return RunPlan(splits[run.split], run.model, seed=SEED, label=run.label)


def _run_of(workspace: Workspace, plan: RunPlan) -> str | None:
    """Id of a complete run that was trained by an equal plan."""
    wanted = (plan.split, plan.model, plan.seed, plan.label)
    for run in list_runs(workspace):
        found = (run.record.split_hash, run.record.model, run.record.seed, run.record.label)
        if found == wanted and run.complete:
            return run.id
    return None


def _say(report: Report, step: int) -> None:
    report(Progress(done=step, total=len(STEPS), stage=STEPS[step]))


def _inside(report: Report, step: int) -> Report:
    """What goes on inside a step keeps its job alive and hears a cancel; its figures stay there."""
    return lambda progress: _say(report, step)
