"""One edit of a history to the new list: `python tests/benchmarks/what_if.py [SPLIT_FOLDER]`.

Edits a shared user's histories as the What-if tab does, from the text of the address to the list
with its moves. The data are made on the spot in the size of douban's books and music, or read from
a folder with source_train.csv, target_train.csv, target_valid.csv and target_test.csv. Linear and
factor models have a bar of 150 ms; a network is measured beside them. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from measuring import measured  # noqa: I001

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, TEST, USER
from core.basics.workspace import Workspace
from core.data.snapshot import PARTS, Split, SplitTables, read_snapshot, write_snapshot
from core.fusion.combine import Fusion
from core.models.protocol import CrossDomainModel
from core.runs.explain.what_if import Edit, read_edits, write_edits
from core.runs.making.plan import RunPlan
from core.runs.explain.recommend import scale_of
from core.runs.making.make_run import train_run
from core.runs.explain.what_if import moves, what_if
from core.store.run_folder import Run, read_run

MODELS = {"ease": {}, "edlae": {}, "cmf_als": {}, "item_knn": {}, "two_tower": {"epochs": 2}}
BAR_MS, EDITS, K = 150.0, 20, 10
SIZES = {"source": (2110, 6777, 96_041), "target": (1672, 5567, 69_709)}  # users, items, rows


def main() -> None:
    """Train every model, then time edits of one user with histories in both domains."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        split = read_snapshot(write(workspace, sys.argv[1:]))
        found = {name: of_model(workspace, split, name) for name in MODELS}
    kept = all(row["wall_ms"] <= BAR_MS for name, row in found.items() if name != "two_tower")
    sizes = {
        "users": len(split.train.users),
        "source_items": split.train.source.shape[1],
        "target_items": split.train.target.shape[1],
    }
    print(
        json.dumps({"name": "what_if", "bar_ms": BAR_MS, "kept": kept, **sizes, **found}, indent=1)
    )


def of_model(workspace: Workspace, split: Split, name: str) -> dict[str, float]:
    """Milliseconds from an edit to the list with its moves, median over edits."""
    plan = RunPlan(split.info.split_hash, name, MODELS[name])
    run = read_run(train_run(plan, workspace))
    model = run.model(split)
    user = busiest(split)
    own = what_if(run, model, split, TEST, user, (), Fusion(scale=scale_of(run.card)), K)
    texts = iter(edits_of(split, user))
    next_list(run, model, split, user, next(texts), own.listed)  # files are mapped on first use
    _, took = measured(lambda: next_list(run, model, split, user, next(texts), own.listed), EDITS)
    return took | {
        "source_history": own.histories.source.nnz,
        "target_history": own.histories.target.nnz,
    }


def next_list(
    run: Run, model: CrossDomainModel, split: Split, user: int, text: str, before
) -> None:
    """What a click does, without drawing it."""
    fusion = Fusion(0.8, 1.0, scale=scale_of(run.card))
    after = what_if(run, model, split, TEST, user, read_edits(text), fusion, K)
    moves(before, after.listed)


def edits_of(split: Split, user: int) -> list[str]:
    """Longer and longer logs: items removed from and added to both histories in turn."""
    train, log, texts = split.train, [], []
    rng = np.random.default_rng(0)
    removable = [("source", item) for item in train.source[[user]].indices]
    for step in range(EDITS + 2):
        if step % 2 and removable:
            domain, number = removable.pop()
            log.append(Edit(domain, str(train.source_items.ids[number]), False))
        else:
            number = rng.integers(0, train.target.shape[1])
            log.append(Edit("target", str(train.target_items.ids[number]), True))
        texts.append(write_edits(log))
    return texts


def busiest(split: Split) -> int:
    """The user with the longest histories: what takes longest."""
    return int(np.argmax(np.where(split.train.shared, split.train.source_history, 0)))


def write(workspace: Workspace, folders: list[str]) -> Path:
    """A snapshot of the folder's files, or of made-up ones."""
    tables = (
        {name: read(Path(folders[0]) / f"{name}.csv") for name in PARTS} if folders else made_up()
    )
    return write_snapshot(
        workspace.splits,
        SplitTables(**tables, items_source=None, items_target=None),
        source_name="books",
        target_name="music",
        kind="random",
        seed=0,
        settings={},
        dataset_hash="0" * 16,
    )


def read(path: Path) -> pd.DataFrame:
    """Interactions with text ids."""
    return pd.read_csv(path, dtype={USER: "str", ITEM: "str"})


def made_up() -> dict[str, pd.DataFrame]:
    """Interactions with popular items, in the numbers of the real pair."""
    rng = np.random.default_rng(0)
    frames = {}
    for name, (users, items, rows) in SIZES.items():
        item = np.minimum(rng.zipf(1.3, 2 * rows) - 1, items - 1)
        item = np.where(item == items - 1, rng.integers(0, items, len(item)), item)
        user = rng.integers(0, users, len(item))
        frame = pd.DataFrame({USER: user, ITEM: item}).drop_duplicates().head(rows).astype("str")
        frames[name] = frame.assign(**{ITEM: name[0] + frame[ITEM]})
    part = rng.choice(3, len(frames["target"]), p=[0.8, 0.1, 0.1])
    target = {
        f"target_{kind}": frames["target"][part == number]
        for number, kind in enumerate(("train", "valid", "test"))
    }
    return {"source_train": frames["source"]} | target


if __name__ == "__main__":
    main()
