"""An overlap-sensitivity curve kept beside its run: metrics per user at every share kept."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from core.basics.columns import PART, SHARE, USER
from core.basics.files import read_json, whole_folder, write_json
from core.store.run_folder import METRICS, Run, check_there

FOLDER, RECORD = "overlap", "overlap.json"


@dataclass(frozen=True)
class OverlapInfo:
    """How the curve was made."""

    shared: int  # users with both histories in training
    kept: list[int]  # of them, by share
    shares: list[float]  # strictly between 0 (the twin) and 1 (the run)
    seed: int
    wall_seconds: float


def write_overlap(
    run: Run, info: OverlapInfo, metrics: dict[float, dict[str, pd.DataFrame]]
) -> Path:
    """Keep the metrics of every share by part; what was kept before goes.

    Raises RunError for a run that was deleted since.
    """
    rows = [
        frame.assign(**{PART: part, SHARE: share})
        for share, parts in metrics.items()
        for part, frame in parts.items()
    ]
    check_there(run)
    folder = run.folder / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    with whole_folder(folder) as part_folder:
        pd.concat(rows).to_parquet(part_folder / METRICS, index=False)
        write_json(part_folder / RECORD, asdict(info))
    return folder


def read_overlap(run: Run) -> OverlapInfo | None:
    """What was measured; None where nobody asked for it."""
    path = run.folder / FOLDER / RECORD
    return OverlapInfo(**read_json(path)) if path.exists() else None


def overlap_metrics(run: Run, part: str) -> dict[float, pd.DataFrame]:
    """Per-user frames by share, from 0 (the twin's) to 1 (the run's own)."""
    rows = pd.read_parquet(run.folder / FOLDER / METRICS, filters=[(PART, "==", part)])
    between = {
        float(str(share)): frame.drop(columns=[PART, SHARE]).sort_values(USER, ignore_index=True)
        for share, frame in rows.groupby(SHARE)
    }
    start = {0.0: run.twin.metrics(part)} if run.twin else {}
    return start | between | {1.0: run.metrics(part)}
