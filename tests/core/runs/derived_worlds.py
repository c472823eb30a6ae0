"""A workspace with planted taste and runs of several models, for tests of runs made from runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, USER
from core.basics.workspace import Workspace
from core.data.snapshot import Split, SplitTables, read_snapshot, write_snapshot
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import Run, read_run


@dataclass(frozen=True)
class Bench:
    """A workspace, its split, and runs by the name of their model."""

    workspace: Workspace
    split: Split
    runs: dict[str, Run]


def bench(
    root: Path, models: dict[str, dict], seed: int = 0, valid: bool = True, users: int = 90
) -> Bench:
    """Train the models, by name and settings, on users who like a third of both catalogues.

    valid: whether anything is held out for validation.
    """
    workspace, parts = Workspace(root), tables(seed, users)
    if not valid:
        parts = replace(parts, target_valid=parts.target_valid.head(0))
    folder = write_snapshot(
        workspace.splits,
        parts,
        source_name="books",
        target_name="films",
        kind="given files",
        seed=0,
        settings={},
        dataset_hash=f"{seed:016d}",
    )
    runs = {
        name: read_run(train_run(RunPlan(folder.name, name, settings), workspace))
        for name, settings in models.items()
    }
    return Bench(workspace, read_snapshot(folder), runs)


def tables(seed: int = 0, users: int = 90) -> SplitTables:
    """Users like every third item, a few more at random; a fifth are cold in the target."""
    rng = np.random.default_rng(seed)
    parts = {"source_train": [], "target_train": [], "target_valid": [], "target_test": []}
    for user in range(users):
        books = rng.permutation(np.arange(user % 3, 45, 3))[:7]
        films = rng.permutation(np.arange(user % 3, 36, 3))
        parts["source_train"] += [(f"u{user}", f"book{item}") for item in books]
        noise = rng.integers(0, 36, size=2)
        parts["target_valid"] += [(f"u{user}", f"film{item}") for item in {films[0], noise[0]}]
        parts["target_test"] += [(f"u{user}", f"film{item}") for item in {films[1], noise[1]}]
        if user % 5:
            parts["target_train"] += [(f"u{user}", f"film{item}") for item in films[2:7]]
    frames = {name: pd.DataFrame(rows, columns=[USER, ITEM]) for name, rows in parts.items()}
    return SplitTables(**frames, items_source=None, items_target=None)
