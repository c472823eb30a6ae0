"""What is measured of a run afterwards and kept in its folder: a record and metrics per user."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pyarrow.parquet as pq

from core.basics.columns import PART, USER
from core.basics.files import read_record, whole_folder, write_json
from core.store.run_folder import METRICS, RECORD, Run, check_there

T = TypeVar("T")


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


def read_beside(run: Run, name: str, kind: type[T], by: str) -> T | None:
    """The record; None where nobody asked for it, and where it is damaged or its metrics are.

    by: the column that tells the metrics apart. What is damaged can be measured again.
    """
    folder = run.folder / name
    record = read_record(folder / f"{name}.json", kind)
    try:
        whole = record is not None and {PART, USER, by} <= set(
            pq.read_schema(folder / METRICS).names
        )
    except (OSError, ValueError):
        return None
    return record if whole else None


def is_damaged(run: Run, name: str, kind: type, by: str) -> bool:
    """Whether something was kept that cannot be read any more."""
    kept = (run.folder / name).exists()
    return kept and read_beside(run, name, kind, by) is None


def metrics_beside(run: Run, name: str, part: str, by: str) -> dict[Any, pd.DataFrame]:
    """Per-user frames of a part by the values of a column; none where nothing whole was kept."""
    path = run.folder / name / METRICS
    try:
        rows = pd.read_parquet(path, filters=[(PART, "==", part)])
    except (OSError, ValueError, KeyError):
        return {}
    return {
        value: frame.drop(columns=[PART, by]).sort_values(USER, ignore_index=True)
        for value, frame in rows.groupby(by)
    }
