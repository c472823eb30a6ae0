"""Recommendation lists of another system as a run: read, measured, kept beside popularity."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, USER, VALID
from core.basics.errors import RunError
from core.basics.files import fingerprint, whole_folder
from core.basics.progress import Progress, Report, silent
from core.basics.workspace import Workspace
from core.data.reading.cells import one_row_per_item, pieces
from core.data.reading.ingest import clean_name, import_file
from core.data.reading.options import IGNORE, LISTS, ReadOptions
from core.data.snapshot import Split, read_snapshot
from core.evaluation.evaluate import Evaluation
from core.evaluation.given_lists import (
    ORDERS,
    GivenLists,
    given_lists,
    holds_any_of,
    measure_lists,
    rising_lists,
    target_ids,
)
from core.models.made.recorded import BY_FILE, UPLOADED
from core.models.registry import build
from core.runs.jobs.data_jobs import discard_upload, waiting_file
from core.runs.making.make_run import PARTS, comparison, contender, evaluated, names_of, new_record
from core.store.record import Record
from core.store.run_folder import POPULARITY, RUN, write_contender


@dataclass(frozen=True)
class UploadPlan:
    """Which lists are measured on which split, and what the run is called."""

    split: str  # split hash
    name: str  # of the file, as it was called outside
    label: str = ""


def upload_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Measure the staged file in the payload, and return the id of the new run."""
    path = waiting_file(workspace, payload["path"])
    plan = UploadPlan(payload["split"], payload.get("name", ""), payload.get("label", ""))
    folder = upload_lists(path, ReadOptions.of(payload["options"]), plan, workspace, report)
    discard_upload(workspace, path)
    return {"run": folder.name}


def upload_lists(
    path: Path,
    options: ReadOptions,
    plan: UploadPlan,
    workspace: Workspace,
    report: Report = silent,
) -> Path:
    """Read the lists, measure them on both parts and keep them as a run, and return its folder.

    Popularity on the same split stands beside it. Raises DataError for a file that cannot be read,
    RunError where no row names a user and an item of the split.
    """
    split = read_snapshot(workspace.splits / plan.split)
    frame, read = _read(path, replace(options, kind=LISTS), plan, workspace, report)
    report(Progress(0, 0, "measuring the lists"))
    given = given_lists(frame, split)
    _check_any(given, frame, split)
    measured = {part: measure_lists(given, split, part) for part in PARTS}
    evaluations = {part: measured[part].evaluation for part in PARTS}
    seen = holds_any_of(given, split, VALID)
    if not seen:
        # No list holds an item of the part, so they were left out: no answer is not a zero
        evaluation = evaluations[VALID]
        columns = [name for name in evaluation.per_user if name != USER]
        missing = evaluation.per_user.assign(**dict.fromkeys(columns, np.nan))
        evaluations[VALID] = replace(evaluation, per_user=missing)
    # What became of every row and user, for the record
    parts = {part: {"rows": found.rows, "users": found.users} for part, found in measured.items()}
    order = next((name for name in ORDERS if name in frame), BY_FILE)
    rising, lists = rising_lists(frame)
    about = {"order": order, **read, **given.told, "rising": rising, "ordered": lists, **parts}
    about |= {"validation_items": seen, "new_items": split.new_items is not None}
    return _keep(workspace, plan, split, evaluations, about, report)


def _read(
    path: Path, options: ReadOptions, plan: UploadPlan, workspace: Workspace, report: Report
) -> tuple[pd.DataFrame, dict[str, int]]:
    """A row per user and item, by the one road every file takes, and how many rows it took."""
    # The roles with one column to order by: what another one holds then rejects no row
    by = next((role for role in ORDERS if role in options.roles.values()), None)
    one_order = {
        c: IGNORE if role in ORDERS and role != by else role for c, role in options.roles.items()
    }
    options = replace(options, roles=one_order)
    workspace.uploads.mkdir(parents=True, exist_ok=True)
    own = f"lists.{os.getpid()}."  # a process that is killed leaves it, and the next sweep knows
    with tempfile.TemporaryDirectory(prefix=own, dir=workspace.uploads) as work:
        done = import_file(path, options, Path(work), report, plan.name)
        frame = pd.read_parquet(done.folder / f"{LISTS}.parquet")
    apart = one_row_per_item(frame, options.separator)
    rows = {"rows": len(apart) + done.rejected, "rejected": done.rejected}
    return apart, rows if apart is frame else {"file_rows": done.rows, **rows}


def _check_any(given: GivenLists, frame: pd.DataFrame, split: Split) -> None:
    """Raises RunError where no row can count, and says which of user and item is to blame."""
    if len(given.users):
        return
    users, items = split.train.users.ids, target_ids(split).ids
    what, own = "item", items
    if frame[USER].isin(items).any() and frame[ITEM].isin(users).any():
        raise RunError(
            what="The user column holds items of this split, and the item column its users.",
            hint="Exchange the two columns.",
        )
    if not frame[USER].isin(users).any():
        what, own = "user", users
    elif cell := _cell_of_several(frame[ITEM], set(items)):
        raise RunError(
            what=f"A cell of the item column holds several items: {cell[:60]!r}.",
            hint="Say what stands between the items of one cell, or write a row for each of them.",
        )
    shown = frame[USER if what == "user" else ITEM].iloc[0]
    raise RunError(
        what=f"No row names a user and a target item of this split: not one {what} is known.",
        hint=f"The file has {what}s like {shown[:40]!r}, the split has {what}s like "
        f"{own[0][:40]!r}: choose the split the lists were made for, and the same ids.",
    )


def _cell_of_several(cells: pd.Series, known: set[str]) -> str:
    """One of the first cells that is no known item but holds some; "" where none is."""
    return next(
        (cell for cell in cells.head(100) for cut in pieces(cell) if known.intersection(cut)), ""
    )


def _keep(
    workspace: Workspace,
    plan: UploadPlan,
    split: Split,
    evaluations: dict[str, Evaluation],
    about: dict[str, Any],
    report: Report,
) -> Path:
    floor = build(POPULARITY)
    for _ in floor.fit_epochs(split.train, 0):
        report(Progress(0, 0, "popularity beside them"))
    beside, _ = evaluated(floor, split, POPULARITY, silent)
    made = {RUN: evaluations, POPULARITY: beside}
    settings = {"order": about["order"]}
    records = {role: _record(plan, split, role, found) for role, found in made.items()}
    lifts = comparison(split, made)
    records[RUN] = replace(records[RUN], settings=settings, upload=about, **lifts)
    folder = workspace.runs / _run_id(plan)
    with whole_folder(folder) as part_folder:
        for role, found in made.items():
            inside = part_folder if role == RUN else part_folder / role
            state = {} if role == RUN else floor.state()
            write_contender(inside, contender(records[role], state, found))
    return folder


def _run_id(plan: UploadPlan) -> str:
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    return f"{UPLOADED}-{moment}-{fingerprint(plan.split, plan.name, plan.label)[:6]}"


def _record(
    plan: UploadPlan, split: Split, role: str, evaluations: dict[str, Evaluation]
) -> Record:
    is_run = role == RUN
    return new_record(
        role,
        evaluations,
        model=UPLOADED if is_run else role,
        label=(plan.label or clean_name(plan.name)) if is_run else "Popularity",
        settings={},
        seed=0,
        device="cpu",
        **names_of(split),
        fit={"wall_seconds": None, "cpu_seconds": None, "peak_rss_mib": None},
        evaluate={},
        curve=[],
        best_epoch=1,
    )
