"""Which domain helps which: every ordered pair of several domains, by EASE and its twin."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.basics.errors import CrosswalkError, DataError, RunError
from core.basics.progress import Progress, Report
from core.basics.workspace import Workspace
from core.data.build_pair import pair_hash
from core.data.checks.check import read_checks
from core.data.pair_folder import PairInputs, PairSettings, read_pair_info
from core.data.reading.options import Dataset, read_dataset
from core.data.snapshot import read_info
from core.data.splitting import COLD_USERS
from core.runs.answer.make_answer import (
    COLD,
    EVERYBODY,
    FEWEST_SHARED,
    Checklist,
    answer_pair,
)
from core.runs.jobs.data_jobs import pair_job, pair_payload, quality_job
from core.store.run_folder import Run

MOST_DOMAINS = 8
LIGHTS = ("red", "amber", "green")  # the worst first; grey where no check has an answer


@dataclass(frozen=True)
class Cell:
    """What one domain does for another, as far as it was measured.

    warm, cold: lift of EASE over its twin (mean, low, high, users), on a split of everybody and on
    one that hides what some people have in the target; None where there is no such run.
    """

    source: str
    target: str
    pair: str  # dataset hash, whether the pair is made or not
    shared: int | None = None
    light: str = "grey"  # the worst of the pair's checks
    warm: dict[str, Any] | None = None
    cold: dict[str, Any] | None = None

    @property
    def made(self) -> bool:
        """Whether the pair was measured."""
        return self.warm is not None


def transfer_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Fill the map of the datasets in the payload (`datasets`: hashes), cell by cell.

    What is there already is kept, so that a map which was stopped goes on where it was. A cell that
    cannot be made is left out; answers {"made": cells, "left_out": why by cell}.
    """
    datasets = [read_dataset(workspace, one) for one in payload["datasets"]]
    places = ordered_pairs(datasets)
    left_out: dict[str, str] = {}
    for number, (source, target) in enumerate(places):
        stage = f"{source.name} → {target.name}"

        def inside(progress: Progress, number: int = number, stage: str = stage) -> None:
            report(Progress(number, len(places), stage))

        inside(Progress(0, 1))
        try:
            _fill(workspace, source, target, inside)
        except CrosswalkError as error:
            left_out[stage] = error.what
    if len(left_out) == len(places):
        raise RunError(
            what=f"No cell could be filled. {next(iter(left_out.values()))}",
            hint="Look at the files on the Data page.",
        )
    return {"made": len(places) - len(left_out), "left_out": left_out}


def ordered_pairs(datasets: Sequence[Dataset]) -> list[tuple[Dataset, Dataset]]:
    """Every domain with every other, both ways; raises DataError for too few or too many."""
    if not 2 <= len(datasets) <= MOST_DOMAINS:
        raise DataError(
            what=f"A map is made of 2 to {MOST_DOMAINS} domains, not of {len(datasets)}.",
            hint="Choose other files.",
        )
    return [(one, other) for one in datasets for other in datasets if one is not other]


def _inputs(source: Dataset, target: Dataset) -> tuple[PairInputs, PairSettings]:
    inputs = PairInputs(source.file, target.file, source_name=source.name, target_name=target.name)
    return inputs, PairSettings()


def _fill(workspace: Workspace, source: Dataset, target: Dataset, report: Report) -> None:
    inputs, settings = _inputs(source, target)
    pair = pair_hash(inputs, settings)
    folder = workspace.pairs / pair
    if not folder.exists():
        pair_job(workspace, pair_payload(workspace, inputs, settings), report)
    if read_checks(folder) is None:
        quality_job(workspace, {"pair": pair}, report)
    shared = read_pair_info(folder).after.shared
    steps = [EVERYBODY[0], *(COLD[:1] if shared >= FEWEST_SHARED else ())]
    checklist = Checklist(("", "Split it", *(step.title for step in steps)), report)
    answer_pair(workspace, pair, steps, checklist, time.monotonic())


def transfer_cells(
    workspace: Workspace, datasets: Sequence[Dataset], runs: Sequence[Run]
) -> list[Cell]:
    """The map as far as it is filled: a cell per ordered pair, row by row."""
    return [_cell(workspace, *place, runs) for place in ordered_pairs(datasets)]


def _cell(workspace: Workspace, source: Dataset, target: Dataset, runs: Sequence[Run]) -> Cell:
    pair = pair_hash(*_inputs(source, target))
    try:
        shared = read_pair_info(workspace.pairs / pair).after.shared
    except DataError:  # not made yet
        return Cell(source.name, target.name, pair)
    lights = {check.light for check in read_checks(workspace.pairs / pair) or ()}
    light = next((light for light in LIGHTS if light in lights), "grey")
    found: dict[bool, dict[str, Any] | None] = {True: None, False: None}
    for run in runs:  # newest first
        record = run.record
        if (record.dataset_hash, record.model) != (pair, EVERYBODY[0].model) or not record.lift:
            continue
        try:
            cold = read_info(workspace.splits / record.split_hash).kind == COLD_USERS
        except CrosswalkError:
            continue
        found[cold] = found[cold] or record.lift.get(run.card.task.metric)
    return Cell(source.name, target.name, pair, shared, light, found[False], found[True])
