"""The transfer map: a cell per ordered pair, filled by one job that goes on where it stopped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, USER
from core.basics.errors import DataError
from core.basics.progress import Cancelled, silent
from core.basics.workspace import Workspace
from core.data.checks.check import read_checks
from core.data.reading.ingest import import_file
from core.data.reading.options import INTERACTIONS, ReadOptions, list_datasets
from core.runs.answer.transfer_map import ordered_pairs, transfer_cells, transfer_job
from core.store.run_folder import list_runs
from tests.pages.stories import entered, open_page, words

TASTES, USERS, LIKED = 4, 160, 9
ROLES = {USER: USER, ITEM: ITEM}


def domain(folder, name: str, told: bool, seed: int):
    """File of a domain: users like a quarter of 48 items; told: the quarter is their taste's."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(USERS):
        taste = user % TASTES if told else int(rng.integers(TASTES))
        liked = rng.permutation(np.arange(taste, 48, TASTES))[:LIKED]
        rows += [(f"u{user:03d}", f"{name}{item:02d}") for item in liked]
    file = folder / f"{name}.csv"
    pd.DataFrame(rows, columns=[USER, ITEM]).to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> tuple[Workspace, dict, list]:
    """Books and films share tastes, stamps share people alone; the job was stopped once."""
    folder = tmp_path_factory.mktemp("domains")
    workspace = Workspace(folder / "workspace")
    for seed, (name, told) in enumerate({"books": True, "films": True, "stamps": False}.items()):
        options = ReadOptions(kind=INTERACTIONS, roles=ROLES)
        import_file(domain(folder, name, told, seed), options, workspace.datasets, silent)
    hashes = [one.hash for one in sorted(list_datasets(workspace), key=lambda one: one.name)]
    payload, stages = {"datasets": hashes}, []

    def stop_at_the_third(progress):
        stages.append(progress.stage)
        if progress.done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        transfer_job(workspace, payload, stop_at_the_third)
    before = [run.id for run in list_runs(workspace)]
    answer = transfer_job(workspace, payload, silent)
    assert {run.id for run in list_runs(workspace)} > {*before}
    return workspace, answer, before


def test_every_ordered_pair_is_a_cell_and_what_was_there_is_kept(filled):
    workspace, answer, before = filled
    assert answer == {"made": 6, "left_out": {}}
    assert len(before) == 4  # two cells, a warm and a cold run each
    assert len(list_runs(workspace)) == 12


def test_a_shared_taste_helps_cold_people_and_no_taste_does_not(filled):
    workspace, _, _ = filled
    datasets = sorted(list_datasets(workspace), key=lambda one: one.name)
    cells = {
        (cell.source, cell.target): cell
        for cell in transfer_cells(workspace, datasets, list_runs(workspace))
    }
    assert len(cells) == 6
    assert {cell.shared for cell in cells.values()} == {USERS}
    assert cells["books", "films"].cold["low"] > 0.1
    assert cells["films", "books"].cold["low"] > 0.1
    assert cells["stamps", "films"].cold["low"] < 0.05
    assert all(cell.made for cell in cells.values())


def test_before_anything_is_made_cells_are_empty(filled, tmp_path):
    workspace, _, _ = filled
    datasets = list_datasets(workspace)
    assert not any(cell.made for cell in transfer_cells(Workspace(tmp_path), datasets, []))


def test_too_few_and_too_many_domains_are_refused(filled):
    datasets = list_datasets(filled[0])
    for wrong in (datasets[:1], datasets * 3):
        with pytest.raises(DataError, match="2 to 8 domains"):
            ordered_pairs(wrong)


def test_start_shows_the_map_and_a_cell_opens_its_pair(filled, monkeypatch):
    workspace, _, _ = filled
    entered(workspace, monkeypatch)
    app = open_page("start")
    assert not app.exception
    cells = [button for button in app.button if (button.key or "").startswith("transfer_")]
    assert len(cells) == 6
    assert all("all" in cell.label and "cold" in cell.label for cell in cells)
    assert sum(":green[**+" in cell.label for cell in cells) >= 2
    assert "Fill" not in " ".join(button.label for button in app.button)
    stamps = next(cell for cell in cells if "160 shared users" in cell.help)
    stamps.click().run()
    assert app.query_params["pair"] == stamps.key.removeprefix("transfer_")


def test_a_failed_check_stands_above_the_answer(filled, monkeypatch):
    """The same file twice, or ids of other people: whoever reads the answer reads that first."""
    workspace, _, _ = filled
    pair = next(folder for folder in workspace.pairs.iterdir() if not folder.suffix)
    checks = [replace(check, light="red") for check in read_checks(pair)[:1]]
    monkeypatch.setattr("core.ui.start.checks_of", lambda *_: checks)
    entered(workspace, monkeypatch)
    app = open_page("start", pair=pair.name)
    assert not app.exception
    assert "Do not believe a lift on this pair yet." in app.main.error[0].value
    assert "A check of this pair failed: mend that first" in words(app).replace("\u2060", "")
