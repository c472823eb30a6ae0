"""A run's twin trained again, kept beside the run: its metrics per user, for the noise floor."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from core.basics.columns import PART, USER
from core.basics.files import read_json, whole_folder, write_json
from core.store.run_folder import METRICS, Run, check_there

FOLDER, RECORD, REPEAT = "reseeded", "reseeded.json", "repeat"
BY_SEED, BY_USERS = "seed", "users"  # what was drawn anew


@dataclass(frozen=True)
class Reseeded:
    """How the twin was trained again: with other seeds, or on users drawn anew."""

    how: str
    seeds: list[int]
    wall_seconds: float


def write_reseeded(run: Run, info: Reseeded, metrics: dict[str, list[pd.DataFrame]]) -> Path:
    """Keep the metrics of every repeat by part; what was kept before goes.

    Raises RunError for a run that was deleted since.
    """
    rows = [
        frame.assign(**{PART: part, REPEAT: repeat})
        for part, frames in metrics.items()
        for repeat, frame in enumerate(frames)
    ]
    check_there(run)
    folder = run.folder / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    with whole_folder(folder) as part_folder:
        pd.concat(rows).to_parquet(part_folder / METRICS, index=False)
        write_json(part_folder / RECORD, asdict(info))
    return folder


def read_reseeded(run: Run) -> Reseeded | None:
    """What was measured; None where nobody asked for it."""
    path = run.folder / FOLDER / RECORD
    return Reseeded(**read_json(path)) if path.exists() else None


def reseeded_metrics(run: Run, part: str) -> list[pd.DataFrame]:
    """One per-user frame per repeat, as `Run.metrics` gives them; none where nothing was kept."""
    path = run.folder / FOLDER / METRICS
    if not path.exists():
        return []
    rows = pd.read_parquet(path, filters=[(PART, "==", part)])
    return [
        frame.drop(columns=[PART, REPEAT]).sort_values(USER, ignore_index=True)
        for _, frame in rows.groupby(REPEAT)
    ]
