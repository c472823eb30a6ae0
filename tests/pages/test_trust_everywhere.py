"""Wherever a lift is shown of a pair that failed a check, the failed check stands beside it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from core.__main__ import main
from core.basics.columns import ITEM, USER
from core.basics.workspace import Workspace
from core.cli.words import in_words
from core.data.reading.options import list_datasets
from core.runs.answer.transfer_map import transfer_cells
from core.store.run_folder import list_runs
from tests.core.cli.commanding import answer, rows_of
from tests.pages.stories import entered, open_page, words

FAILED = "Are source and target two tables of their own?"
ALARM = "Source and target look like one table: do not believe a lift."


class Doubtful:
    """A workspace with one pair whose source holds all target rows, and two runs on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "workspace"
        films = rows_of("target", items=80, liked=20)
        books = pd.concat([rows_of("source", items=80, liked=20), films], ignore_index=True)
        self.files = []
        for domain, rows in (("source", books), ("target", films)):
            rows.to_csv(folder / f"{domain}.csv", index=False)
            self.files += [f"--{domain}", str(folder / f"{domain}.csv")]
        place = films.groupby(USER).cumcount()
        parts = {"train": films[place < 14], "valid": films[place == 14], "test": films[place > 14]}
        (folder / "split").mkdir()
        books.to_csv(folder / "split" / "source_train.csv", index=False)
        for part, rows in parts.items():
            rows.to_csv(folder / "split" / f"target_{part}.csv", index=False)
        self.runs = [self.trained(model) for model in ("ease", "item_knn")]
        lists = films[[USER, ITEM]].assign(rank=place + 1)
        lists.to_csv(folder / "lists.csv", index=False)

    def trained(self, model: str) -> str:
        """Folder of a run of a model on the pair."""
        before = {run.folder for run in list_runs(Workspace(self.root))}
        assert main(["run", *self.files, "--model", model, "--workspace", str(self.root)]) == 0
        (made,) = {run.folder for run in list_runs(Workspace(self.root))} - before
        return str(made)

    def asked(self, command: str) -> list[str]:
        """The words that ask a command for a lift on the pair."""
        first, other = self.runs
        split = next(path.name for path in (self.root / "splits").iterdir() if not path.suffix)
        given = ["--splits", str(self.folder / "split"), "--workspace", str(self.folder / "given")]
        return {
            "run": ["run", *self.files, "--model", "ease"],
            "splits": ["run", "--model", "ease", *given],
            "check": ["check", *self.files],
            "upload": ["upload", str(self.folder / "lists.csv"), "--split", split],
            "blend": ["blend", "--runs", first, other],
            "route": ["route", first, other],
            "compress": ["compress", "--run", first, "--kind", "int8"],
            "overlap": ["overlap", "--run", first],
            "reseed": ["reseed", "--run", first],
            "placebo": ["placebo", first, "--deals", "1"],
            "search": ["search", *self.files, "--model", "ease", "--grid", "regularization=30,300"],
            "report": ["report", "--run", first, "--out", str(self.folder / "report.html")],
            "answer": ["answer", *self.files],
        }[command]


@pytest.fixture(scope="module")
def doubtful(tmp_path_factory) -> Doubtful:
    return Doubtful(tmp_path_factory.mktemp("doubtful"))


HERE = ("run", "upload", "route", "placebo", "search", "report", "answer")  # take --workspace
COMMANDS = (*HERE, "splits", "check", "blend", "compress", "overlap", "reseed")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_tells_a_lift_tells_the_failed_check(doubtful, capsys, command):
    asked = doubtful.asked(command)
    asked += ["--workspace", str(doubtful.root)] if command in HERE else []
    told = answer(capsys, *asked)
    lights = {check["question"]: check["light"] for check in told["checks"]}
    assert lights[FAILED] == "red"
    if told.get("verdict"):
        assert told["verdict"].startswith("This cannot be trusted")
    assert f"red: {FAILED}" in in_words(asked[0], told)
    if command == "report":
        written = (doubtful.folder / "report.html").read_text()
        assert ALARM in written
        assert FAILED in written


def said(errors) -> str:
    """What error boxes say, as a person reads it."""
    return " ".join(error.value for error in errors).replace("\u2060", "").replace("\\", "")


def test_pages_and_the_transfer_map_show_it_beside_the_lift(doubtful, monkeypatch):
    workspace = entered(Workspace(doubtful.root), monkeypatch)
    metrics, start = open_page("metrics"), open_page("start")
    for page in (metrics, start):
        assert not page.exception
        assert ALARM in said(page.sidebar.error)  # which every page has
    assert ALARM in said(metrics.main.error)
    assert "This cannot be trusted" in words(metrics)
    assert FAILED in said(start.main.error)
    cells = transfer_cells(workspace, list_datasets(workspace), list_runs(workspace))
    assert [cell.light for cell in cells if cell.made] == ["red"]
