"""From a pair to its answer in one job: checks, splits, models with their twins, the best first.

What is cheap and says most comes first, so that a verdict can be read early; how much more is
tried is a matter of minutes. Every step is an ordinary split or run that can be opened afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from core.basics.columns import DESCRIPTION, SOURCE, TARGET, TITLE
from core.basics.errors import CrosswalkError, RunError
from core.basics.progress import Cancelled, Progress, Report
from core.basics.workspace import Workspace
from core.data.build_pair import pair_hash
from core.data.checks.check import read_checks
from core.data.pair_folder import items_file, read_pair_info
from core.data.snapshot import read_info, read_snapshot
from core.data.splitting import COLD_USERS, RANDOM, SplitSettings, split_pair
from core.embedding.maps import MAP_ITEMS
from core.jobs.table import enqueue
from core.models.registry import card_of
from core.runs.answer.groups import answer_of
from core.runs.answer.kept import kept_answer
from core.runs.answer.standing import choose_best
from core.runs.jobs.data_jobs import files_of, pair_job, quality_job
from core.runs.jobs.maps import map_payload
from core.runs.making.estimate import time_of
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.runs.studies.placebo import (
    by_gradients,
    check_dealable,
    make_placebos,
    seconds_foretold,
)
from core.store.measured import read_placebos
from core.store.run_folder import Run, list_runs, read_run

SEED = 2022
BUDGETS = (1, 5, 30)  # minutes
FEWEST_SHARED = 50  # shared users from which some may be made cold
COLD_SHARE = 0.2
PAIR, SPLIT = "Make the pair and check it", "Split it"
PLACEBO = "Deal the source to other people"  # of what the answer stands on, the last step


@dataclass(frozen=True)
class Step:
    """One line of the checklist that trains a model.

    minutes: the smallest budget that tries it. What asks for more than 1 is left out once the time
    is up.
    """

    title: str
    model: str
    split: str  # kind of split it is trained on
    label: str
    minutes: int = 1
    instead: str = ""  # a model to train where this one cannot be


EVERYBODY = (
    Step("Train EASE and its twin", "ease", RANDOM, "Joint EASE", instead="item_knn"),
    Step("Train popularity", "popularity", RANDOM, "Popularity"),
)
COLD = (
    Step("Train EASE for cold users", "ease", COLD_USERS, "Joint EASE, cold users"),
    Step("Train a ridge for cold users", "ridge", COLD_USERS, "Ridge, cold users"),
    Step("Train a map of factors for them", "linear_map", COLD_USERS, "Linear map, cold users"),
)
TEXTS = (
    Step("Train a ridge on titles for them", "text_ridge", COLD_USERS, "Text ridge, cold users"),
)
MORE = (
    Step("Train EDLAE", "edlae", RANDOM, "EDLAE", 5),
    Step("Train EDLAE for cold users", "edlae", COLD_USERS, "EDLAE, cold users", 5),
    Step("Train iALS", "cmf_als", RANDOM, "iALS", 5),
    Step("Train feature maps", "feature_map", RANDOM, "Feature maps", 5),
    Step("Train LightGCN", "lightgcn", RANDOM, "LightGCN", 30),
    Step("Train a two-tower model", "two_tower", RANDOM, "Two-tower", 30),
)


@dataclass
class Answered:
    """What came of it; kept as the job's result."""

    pair: str  # dataset hash
    splits: dict[str, str] = field(default_factory=dict)  # kind -> hash
    runs: dict[str, str] = field(default_factory=dict)  # label of the step -> id
    skipped: dict[str, str] = field(default_factory=dict)  # title of the step -> why
    best: str | None = None  # id of the run that stands for the pair

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Checklist:
    """The steps of a job by their titles, and how far it is."""

    titles: Sequence[str]
    report: Report

    def at(self, title: str) -> None:
        """The job has come to this step."""
        place = self.titles.index(title)
        self.report(Progress(done=place, total=len(self.titles), stage=title))

    def inside(self, title: str) -> Report:
        """For work inside a step: it keeps the job alive and hears a cancel, no more."""
        return lambda progress: self.at(title)


def answer_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Make a pair and answer it; asks for a map of its best run.

    payload: `minutes`, one of BUDGETS, and the `pair`'s hash, or what `pair_payload` gives where it
    may have to be made.
    """
    ends = time.monotonic() + 60 * payload["minutes"]
    checklist = Checklist(titles_of(workspace, payload), report)
    checklist.at(PAIR)
    pair = payload.get("pair") or pair_job(workspace, payload, checklist.inside(PAIR))["pair"]
    folder = workspace.pairs / pair
    steps = steps_of(folder, payload["minutes"])
    if read_checks(folder) is None:
        quality_job(workspace, {"pair": pair}, checklist.inside(PAIR))
    checklist = Checklist((PAIR, *titles_within(steps)), report)
    found = answer_pair(workspace, pair, steps, checklist, ends)
    ask_for_map(workspace, found)
    runs = [run for run in list_runs(workspace) if run.record.dataset_hash == pair]
    kept_answer(workspace, pair, runs, next((r for r in runs if r.id == found.best), None))
    return found.to_dict()


def ask_for_map(workspace: Workspace, found: Answered) -> None:
    """Have the items of the best run mapped while nobody waits for it."""
    if found.best is not None:
        payload = map_payload(found.best, MAP_ITEMS)
        enqueue(workspace, "map", payload, "short", "Map of the items")


def titles_of(workspace: Workspace, payload: dict[str, Any]) -> list[str]:
    """The checklist of an answer's job; before its pair is made, as any pair's."""
    pair = payload.get("pair") or pair_hash(*files_of(workspace, payload))
    folder, minutes = workspace.pairs / pair, payload["minutes"]
    made = folder.exists()
    steps = steps_of(folder, minutes) if made else _within(minutes, *EVERYBODY, *COLD, *MORE)
    return [PAIR, *titles_within(steps)]


def titles_within(steps: Sequence[Step]) -> list[str]:
    """The lines of the checklist that `answer_pair` works through."""
    return [SPLIT, *(step.title for step in steps), PLACEBO]


def steps_of(folder: Path, minutes: int) -> list[Step]:
    """What is trained for the pair in a folder in so many minutes, the most telling first."""
    if read_pair_info(folder).after.shared < FEWEST_SHARED:
        return _within(minutes, *EVERYBODY, *(step for step in MORE if step.split != COLD_USERS))
    return _within(minutes, *EVERYBODY, *COLD, *(TEXTS if _has_texts(folder) else ()), *MORE)


def _within(minutes: int, *steps: Step) -> list[Step]:
    return [step for step in steps if step.minutes <= minutes]


def _has_texts(folder: Path) -> bool:
    """Whether anything is written about the items of both domains."""
    files = [items_file(folder, domain) for domain in (SOURCE, TARGET)]
    return all(
        file.exists() and {TITLE, DESCRIPTION} & {*pq.read_schema(file).names} for file in files
    )


def answer_pair(
    workspace: Workspace,
    pair: str,
    steps: Sequence[Step],
    checklist: Checklist,
    ends: float,
    cold_share: float = COLD_SHARE,
) -> Answered:
    """Split a pair that is made and checked, and train the steps; the best then stands for it.

    A run that is there already is not trained again; what cannot be trained here is skipped, and
    why is said. ends: when the time for more is up, by the monotonic clock.
    """
    found = Answered(pair)
    checklist.at(SPLIT)
    for kind in dict.fromkeys(step.split for step in steps):
        settings = SplitSettings(kind=kind, cold_share=cold_share)
        folder = split_pair(workspace.pairs / pair, settings, SEED, workspace.splits)
        found.splits[kind] = folder.name
    for step in steps:
        checklist.at(step.title)
        try:
            inside = checklist.inside(step.title)
            found.runs[step.label] = _run_for(step, found.splits, workspace, inside, ends)
        except CrosswalkError as error:
            found.skipped[step.title] = error.what
    if not found.runs:
        said = next(iter(found.skipped.values()))
        raise RunError(
            what=f"No model could be trained on this pair. {said}",
            hint="Look at its checks on the Data page, or choose a model on the Train page.",
        )
    best = choose_best(workspace, pair)
    found.best = best.id if best else None
    if best is not None and PLACEBO in checklist.titles:
        checklist.at(PLACEBO)
        inside, reasons = checklist.inside(PLACEBO), []
        for run in stood_on(workspace, best):
            try:
                _deal_to_others(run, workspace, inside, ends if run.id != best.id else None)
            except CrosswalkError as error:
                reasons.append(error.what)
        if reasons:
            found.skipped[PLACEBO] = " ".join(reasons)
    return found


def stood_on(workspace: Workspace, best: Run) -> list[Run]:
    """The run that stands for the pair, then those that answer for everybody and for groups."""
    pair = best.record.dataset_hash
    runs = [run for run in list_runs(workspace) if run.record.dataset_hash == pair]
    answer = answer_of(workspace, runs, best)
    groups = [] if answer is None else [answer.everybody, *answer.groups]
    return list({run.id: run for run in (best, *(group.run for group in groups))}.values())


def _deal_to_others(run: Run, workspace: Workspace, report: Report, ends: float | None) -> None:
    """Make the placebos of a run that has none; raises CrosswalkError with the reason why not.

    ends: by when they have to be there, by the monotonic clock; None where they may take their
    time.
    """
    check_dealable(run)
    if by_gradients(run):
        raise RunError(
            what=f"A placebo of {run.label} takes as long as its training.",
            hint="Ask for it on the Metrics page.",
        )
    if read_placebos(run) is not None:
        return
    if ends is not None and time.monotonic() + seconds_foretold(run) > ends:
        raise RunError(
            what=f"There was no time left for a placebo of {run.label}.",
            hint="Ask for it on the Metrics page, or give more minutes.",
        )
    make_placebos(run, read_snapshot(workspace.splits / run.record.split_hash), None, report)


def _run_for(
    step: Step, splits: dict[str, str], workspace: Workspace, report: Report, ends: float
) -> str:
    """Id of the step's run, a new one or one that is there; raises CrosswalkError with the reason.

    One of the first steps is trained whatever the time; a later one only where there is time left,
    as far as anything tells.
    """
    plan = RunPlan(splits[step.split], step.model, seed=SEED, label=step.label)
    runs = list_runs(workspace)
    if known := run_of(plan, runs):
        return known
    if step.minutes > BUDGETS[0]:
        infos = {name: read_info(workspace.splits / name) for name in splits.values()}
        timing, left = time_of(plan, runs, infos.get), ends - time.monotonic()
        if left <= 0 or (timing is not None and timing.seconds > left):
            raise RunError(what="There was no time left for it.", hint="Give it more minutes.")
    try:
        return trained(plan, workspace, report)
    except RunError:
        if not step.instead:
            raise
    instead = RunPlan(plan.split, step.instead, seed=SEED)
    return run_of(instead, runs) or trained(instead, workspace, report)


def trained(plan: RunPlan, workspace: Workspace, report: Report) -> str:
    """Id of a new run; a cancel that came while its twin was trained stops the whole answer."""
    folder = train_run(plan, workspace, report)
    if not read_run(folder).complete:
        raise Cancelled
    return folder.name


def run_of(plan: RunPlan, runs: Sequence[Run]) -> str | None:
    """Id of a complete run that was trained by an equal plan, whatever it is called."""
    settings = card_of(plan.model).settings.of(plan.settings).to_dict()
    wanted = (plan.split, plan.model, plan.seed, settings)
    for run in runs:
        record = run.record
        found = (record.split_hash, record.model, record.seed, record.settings)
        if found == wanted and run.complete:
            return run.id
    return None
