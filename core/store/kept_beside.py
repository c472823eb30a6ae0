"""What is measured of a run afterwards and kept in its folder: a record and metrics per user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from core.basics.columns import PART, USER
from core.basics.files import read_json, whole_folder, write_json
from core.store.run_folder import METRICS, RECORD, Run, check_there


def write_beside(run: Run, name: str, record: dict[str, Any], rows: list[pd.DataFrame]) -> Path:
    """Keep `name`.json and the metrics in a folder of the run; what was kept before goes.

    rows: per-user frames with their PART and what tells them apart. Raises RunError for a run that
    was deleted since.
    """
    check_there(run)
    folder = run.folder / name
    with whole_folder(folder, beside=run.folder / RECORD, anew=True) as part_folder:
        pd.concat(rows).to_parquet(part_folder / METRICS, index=False)
        write_json(part_folder / f"{name}.json", record)
    return folder


def read_beside(run: Run, name: str) -> dict[str, Any] | None:
    """The record; None where nobody asked for it."""
    path = run.folder / name / f"{name}.json"
    return read_json(path) if path.exists() else None


def metrics_beside(run: Run, name: str, part: str, by: str) -> dict[Any, pd.DataFrame]:
    """Per-user frames of a part by the values of a column; none where nothing was kept."""
    path = run.folder / name / METRICS
    if not path.exists():
        return {}
    rows = pd.read_parquet(path, filters=[(PART, "==", part)])
    return {
        value: frame.drop(columns=[PART, by]).sort_values(USER, ignore_index=True)
        for value, frame in rows.groupby(by)
    }
