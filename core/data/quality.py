"""The trust checks of a pair, run one after the other and kept with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import duckdb
import pandas as pd

from core.basics.files import read_json, write_json
from core.basics.progress import Progress, Report, silent
from core.data.check import Check
from core.data.file_checks import (
    ask_columns,
    ask_import,
    ask_item_tables,
    ask_spelling,
    ask_times,
)
from core.data.pair_folder import RECORD, read_pair_info
from core.data.pair_settings import PairInputs
from core.data.quality_checks import (
    DOUBLES,
    PAIRS,
    ask_cross_listed,
    ask_double_users,
    ask_same_people,
)

RESULT = "quality.json"


def check_pair(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    inputs: PairInputs | None,
    report: Report = silent,
) -> list[Check]:
    """Answer every question about a pair and keep the answers in its folder.

    inputs: the imported files. Where they are gone (None), questions about ids are asked of the
    rows that are left, and those about columns and spelling stay grey.
    """
    info = read_pair_info(folder)
    work: list[tuple[str, Callable[[], Check]]] = [
        ("matching profiles", lambda: ask_same_people(connection, folder, info, inputs)),
        ("comparing items", lambda: ask_cross_listed(folder, info)),
        ("comparing histories", lambda: ask_double_users(folder)),
        ("comparing ids", lambda: ask_columns(connection, inputs)),
        ("comparing spellings", lambda: ask_spelling(connection, inputs)),
        ("looking at times", lambda: ask_times(folder)),
        ("reading what the import said", lambda: ask_import(inputs)),
    ]
    if info.items_known:
        work.append(("looking for the items", lambda: ask_item_tables(info)))
    checks = []
    for done, (stage, check) in enumerate(work):
        report(Progress(done, len(work), stage))
        checks.append(check())
    write_json(folder / RESULT, [asdict(check) for check in checks], beside=folder / RECORD)
    report(Progress(len(work), len(work), "done"))
    return checks


def read_checks(folder: Path) -> list[Check] | None:
    """What an earlier `check_pair` found; None where the pair was not checked yet."""
    if not (folder / RESULT).exists():
        return None
    return [Check(**values) for values in read_json(folder / RESULT)]


def read_cross_listed(folder: Path) -> pd.DataFrame:
    """The cross-listed items with their titles, the surest pairs first."""
    return pd.read_parquet(folder / PAIRS)


def read_double_users(folder: Path) -> pd.DataFrame:
    """Ids with nearly the same history and their domain; empty where that was not asked yet."""
    file = folder / DOUBLES
    return pd.read_parquet(file) if file.exists() else pd.DataFrame()
