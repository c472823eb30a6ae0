"""The trust checks of a pair, run one after the other and kept with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import duckdb
import pandas as pd

from core.basics.columns import SOURCE, TARGET
from core.basics.errors import DataError
from core.basics.files import as_record, read_json, write_json
from core.basics.progress import Progress, Report, silent
from core.data.check import (
    CROSS_LISTED,
    DOUBLE_USERS,
    EXCHANGED,
    IMPORT,
    SAME_PEOPLE,
    SPELLING,
    Check,
)
from core.data.file_checks import ask_columns, ask_import, ask_item_tables, ask_spelling, ask_times
from core.data.pair_folder import RECORD, read_pair_info
from core.data.pair_settings import PairInputs
from core.data.quality_checks import (
    DOUBLES,
    PAIRS,
    ask_cross_listed,
    ask_double_users,
    ask_same_people,
)
from core.data.shared_ids import BOTH

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
    """What an earlier `check_pair` found; None where the pair was not checked yet.

    None, too, where what was kept is damaged: it can be found again, and no page but that of the
    checks need know (`checks_are_damaged`).
    """
    try:
        kept = read_json(folder / RESULT)
        checks = [as_record(Check, values) for values in kept]
    except (DataError, TypeError):
        return None
    return checks if checks and all(map(_has_its_figures, checks)) else None


def checks_are_damaged(folder: Path) -> bool:
    """Whether answers or tables were kept of a pair that cannot be read any more."""
    if not (folder / RESULT).exists():
        return False
    tables = [file for file in (folder / PAIRS, folder / DOUBLES) if file.exists()]
    return read_checks(folder) is None or not all(map(_is_whole, tables))


def _is_whole(file: Path) -> bool:
    try:
        pd.read_parquet(file)
    except (OSError, ValueError):  # pyarrow's errors are of both kinds
        return False
    return True


_FIGURES: dict[str, tuple[str, ...]] = {  # what pages say of a check that found something
    CROSS_LISTED: ("pairs", "source_items", "share"),
    DOUBLE_USERS: ("pairs", "spare", "share"),
    IMPORT: ("rows", "rejected", "merged"),
    SAME_PEOPLE: ("auc",),
}


def _has_its_figures(check: Check) -> bool:
    if check.light == "grey":
        return True
    if check.key == EXCHANGED and check.light != "green":
        return check.figures.get("file") in (SOURCE, TARGET, BOTH)
    if check.key == SPELLING and "ignoring" in check.figures:
        ignoring, examples = (check.figures.get(key) for key in ("ignoring", "examples"))
        return isinstance(ignoring, dict) and isinstance(examples, list)
    needed = [check.figures.get(name) for name in _FIGURES.get(check.key, ())]
    return all(isinstance(value, int | float) for value in needed)


def read_cross_listed(folder: Path) -> pd.DataFrame:
    """The cross-listed items with their titles, the surest pairs first."""
    return pd.read_parquet(folder / PAIRS)


def read_double_users(folder: Path) -> pd.DataFrame:
    """Ids with nearly the same history and their domain; empty where that was not asked yet."""
    file = folder / DOUBLES
    return pd.read_parquet(file) if file.exists() else pd.DataFrame()
