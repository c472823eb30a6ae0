"""The same model on other versions of a pair, whose lifts may stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.basics.columns import ITEM, USER
from core.basics.errors import DataError
from core.basics.workspace import Workspace
from core.data.pair_folder import read_pair_info
from core.data.snapshot import read_info
from core.runs.making.train_again import what_it_is
from core.store.run_folder import Run

_WORDS: dict[tuple[str, Any], str] = {
    ("drop_cross_listed", True): "without cross-listed items",
    ("drop_cross_listed", False): "with cross-listed items",
    ("drop_double_users", True): "without double users",
    ("drop_double_users", False): "with double users",
}


def other_versions(workspace: Workspace, run: Run, runs: Sequence[Run]) -> list[Run]:
    """Whole runs of its model and settings on other data with the same test rows, newest of each.

    runs: newest first.
    """
    found: dict[str, Run] = {}
    for other in runs:
        data = other.record.dataset_hash
        if data == run.record.dataset_hash or data in found or other.twin is None:
            continue
        splits = [workspace.splits / one.record.split_hash for one in (run, other)]
        if what_it_is(run) == what_it_is(other) and same_test_rows(*splits):
            found[data] = other
    return list(found.values())


def same_test_rows(one: Path, other: Path) -> bool:
    """Whether two splits hold out the very same interactions for test; False where one is gone."""
    try:
        ours, theirs = test_rows(one), test_rows(other)
    except OSError:
        return False
    return ours.equals(theirs)


def test_rows(folder: Path) -> pd.DataFrame:
    """USER and ITEM of every test row as text, in order."""
    users = pd.read_parquet(folder / "users.parquet")[USER].to_numpy(dtype=object)
    items = pd.read_parquet(folder / "items_target.parquet")[ITEM].to_numpy(dtype=object)
    rows = pd.read_parquet(folder / "target_test.parquet", columns=[USER, ITEM])
    named = pd.DataFrame({USER: users[rows[USER]], ITEM: items[rows[ITEM]]}, dtype="str")
    return named.sort_values([USER, ITEM], ignore_index=True)


def version_names(workspace: Workspace, runs: Sequence[Run]) -> list[str]:
    """What sets the data of each run apart from the others': the settings that differ."""
    told = [_settings(workspace, run) for run in runs]
    differ = sorted(
        {name for one in told for name in one if len({str(other.get(name)) for other in told}) > 1}
    )
    return [
        ", ".join(
            _WORDS.get((name, settings.get(name)), f"{name.replace('_', ' ')} {settings.get(name)}")
            for name in differ
        )
        if settings and differ
        else f"data {run.record.dataset_hash[:8]}, {_source_items(workspace, run)} source items"
        for run, settings in zip(runs, told, strict=True)
    ]


def _source_items(workspace: Workspace, run: Run) -> str:
    counts = read_info(workspace.splits / run.record.split_hash).counts
    return f"{counts['source_items']:,}"


def _settings(workspace: Workspace, run: Run) -> dict:
    try:
        return read_pair_info(workspace.pairs / run.record.dataset_hash).settings
    except DataError:  # a split that came as files has no pair
        return {}
