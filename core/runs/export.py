"""Lists of all users as one CSV file: ids as they are, or safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, RANK, SCORE, TEST, TITLE, USER
from core.basics.errors import RunError
from core.basics.files import escaped, fingerprint, still_there, write_whole
from core.basics.progress import Progress, Report
from core.basics.types import FloatArray, IntArray
from core.basics.workspace import Workspace
from core.data.snapshot import Split, read_snapshot
from core.fusion.combine import NOBODY, RAW, WEIGHTED_SUM, Fusion, fuse_scores, top_k
from core.models.protocol import CrossDomainModel
from core.store.run_folder import RECORD, Run, read_run

CELLS = 4_000_000  # users times items scored at once
LONGEST = 1000  # items of a list


@dataclass(frozen=True)
class ExportPlan:
    """Which lists to write: everything that decides the file."""

    run: str
    k: int = 10
    alpha: float = 1.0
    beta: float = 1.0
    kind: str = WEIGHTED_SUM
    scale: str = RAW
    spreadsheet: bool = False  # a `'` before cells that would be formulas; ids are then marked too

    @property
    def fusion(self) -> Fusion:
        """How the parts of a score are put together."""
        return Fusion(self.alpha, self.beta, self.kind, self.scale)

    def file(self, workspace: Workspace) -> Path:
        """Where the file stands once it is whole."""
        told = asdict(self)
        name = f"{self.run}-{fingerprint(told)[:8]}{'-spreadsheet' if self.spreadsheet else ''}.csv"
        return workspace.exports / name


def export_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write the file of the plan in the payload; answers its name and rows.

    Raises RunError for a run that is gone or a length that cannot be, DataError for a run that is
    deleted while its lists are written.
    """
    plan = ExportPlan(**{key: payload[key] for key in payload if key != "resume"})
    run = read_run(workspace.runs / plan.run)
    split = read_snapshot(workspace.splits / run.record["split_hash"])
    if not 1 <= plan.k <= LONGEST:
        raise RunError(
            what=f"Lists of {plan.k} items cannot be written.",
            hint=f"Choose a length from 1 to {LONGEST}.",
        )
    rows, record = 0, run.folder / RECORD

    def write(part: Path) -> None:
        nonlocal rows
        with part.open("w", encoding="utf-8-sig", newline="") as file:
            for chunk in list_chunks(run, split, plan, report):
                safe = escaped(chunk)  # titles are for reading in either file, ids are for joining
                ids = {} if plan.spreadsheet else {name: chunk[name] for name in (USER, ITEM)}
                safe.assign(**ids).to_csv(file, index=False, header=rows == 0)
                rows += len(chunk)

    with still_there(record):
        path = write_whole(plan.file(workspace), write, record)
    return {"file": path.name, "rows": rows}


def list_chunks(run: Run, split: Split, plan: ExportPlan, report: Report) -> Iterator[pd.DataFrame]:
    """Lists of some users at a time: USER, RANK, ITEM, TITLE, SCORE and both parts.

    Training and validation items are masked, as when test is evaluated. Users nobody knows
    anything about get popular items. A run that has only lists gives those of its test users,
    without scores.
    """
    if not run.has_model:
        yield _kept_lists(run, split, plan)
        return
    model = run.model(split)
    n_users, n_items = split.train.target.shape
    step = max(1, CELLS // max(1, n_items))
    titles = _titles(split)
    for start in range(0, n_users, step):
        users = np.arange(start, min(start + step, n_users))
        yield _lists(model, split, users, plan, titles)
        report(Progress(done=int(users[-1]) + 1, total=n_users, stage="writing lists"))


def _titles(split: Split) -> np.ndarray:
    names = split.train.target_features
    return names.names(split.train.target_items) if names else split.train.target_items.ids


def _kept_lists(run: Run, split: Split, plan: ExportPlan) -> pd.DataFrame:
    kept = run.lists(TEST)
    row, place = np.nonzero(kept.items[:, : plan.k] != NOBODY)
    items = kept.items[row, place]
    return pd.DataFrame(
        {
            USER: split.train.users.names(kept.users[row]),
            RANK: place + 1,
            ITEM: split.train.target_items.names(items),
            TITLE: _titles(split)[items],
        }
    )


def _lists(
    model: CrossDomainModel,
    split: Split,
    users: IntArray,
    plan: ExportPlan,
    titles: np.ndarray,
) -> pd.DataFrame:
    scores = model.score(users).filled(split.train.popularity)
    fused = fuse_scores(scores, split.masked(TEST)[users], plan.fusion)
    lists = top_k(fused, scores.source, scores.target, plan.k)
    row, place = np.nonzero(lists != NOBODY)
    items = lists[row, place]
    return pd.DataFrame(
        {
            USER: split.train.users.names(users[row]),
            RANK: place + 1,
            ITEM: split.train.target_items.names(items),
            TITLE: titles[items],
            SCORE: fused[row, items],
            "source_part": _at(scores.source, row, items),
            "target_part": _at(scores.target, row, items),
        }
    )


def _at(part: FloatArray, row: IntArray, items: IntArray) -> FloatArray:
    return part[row, items]
