"""Lists of another system, as a person takes them up on Train and meets them on every page."""

import os
import shutil
import signal
import time

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import TEST
from core.basics.workspace import Workspace
from core.data.reading.options import LISTS
from core.data.reading.preview import preview_file
from core.data.snapshot import read_snapshot
from core.jobs.supervisor import Lock, kill
from core.jobs.table import list_jobs
from core.runs.making.uploaded import UploadPlan, upload_lists
from core.store.run_folder import list_runs, read_run
from tests.pages.stories import entered, open_page, well, words

PATIENCE = 60.0  # seconds


@pytest.fixture
def copy(trained_workspace, tmp_path, monkeypatch):
    """A workspace of its own with the trained runs; what is started in it is ended."""
    workspace = Workspace(tmp_path / "copy")
    shutil.copytree(trained_workspace.workspace.root, workspace.root)
    entered(workspace, monkeypatch)
    yield workspace
    for job in list_jobs(workspace, active=True):
        if job.pid:
            kill(job.pid)
    while pid := Lock(workspace).holder():
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


@pytest.fixture(scope="module")
def _with_lists(_trained, tmp_path_factory):
    """A copy of the trained workspace with a run of lists, one user without, and its id."""
    root = tmp_path_factory.mktemp("with_lists")
    workspace = Workspace(root / "workspace")
    shutil.copytree(_trained.workspace.root, workspace.root)
    path = root / "theirs.csv"
    path.write_text(csv_of(workspace, _trained.runs["ease"]))
    split = read_run(workspace.runs / _trained.runs["ease"]).record.split_hash
    plan = UploadPlan(split, "theirs.csv", "Theirs")
    return workspace, upload_lists(path, preview_file(path, LISTS).options, plan, workspace).name


@pytest.fixture
def theirs(_with_lists, monkeypatch):
    """Id of a run of uploaded lists beside the trained ones; tests only look."""
    entered(_with_lists[0], monkeypatch)
    return _with_lists[1]


def csv_of(workspace, run_id):
    """The lists of a run, ten items long, as another system would write them."""
    run = read_run(workspace.runs / run_id)
    train, kept = read_snapshot(workspace.splits / run.record.split_hash).train, run.lists(TEST)
    row, place = np.nonzero(kept.items[1:, :10] >= 0)
    users, items = kept.users[row + 1], kept.items[row + 1, place]
    columns = {"user": train.users.names(users), "item": train.target_items.names(items)}
    return pd.DataFrame(columns | {"rank": place + 1}).to_csv(index=False)


def test_lists_are_uploaded_on_train_measured_and_said(copy, trained_workspace):
    content = csv_of(copy, trained_workspace.runs["ease"]) + "stranger,f00,1\n"
    app = well(open_page("train", "upload_box", run=trained_workspace.runs["ease"]))
    uploader = next(one for one in app.file_uploader if one.key == "upload_lists_0")
    well(uploader.upload("theirs.csv", content.encode(), "text/csv").run())
    app.text_input(key="lists_name").input("Their system").run()
    next(one for one in app.button if one.key == "import_lists_start").click().run()
    end = time.time() + PATIENCE
    while list_jobs(copy, active=True) and time.time() < end:
        time.sleep(0.1)
    well(app.run())
    assert list_runs(copy)[0].label == "Their system"
    said = words(app) + "".join(str(element.value) for element in app.success)
    assert "Their system is in the table of runs" in said
    assert "named 1 user this split does not have" in said
    assert "1 of 240 test users have no list" in said


@pytest.mark.parametrize("page", ["fusion", "embeddings"])
def test_pages_that_need_a_model_say_that_there_are_only_lists(theirs, page):
    app = well(open_page(page, run=theirs))
    assert "Theirs has only lists" in words(app)


@pytest.mark.parametrize("part", ["test", "valid"])
def test_metrics_stand_beside_those_of_trained_runs(theirs, part):
    app = well(open_page("metrics", run=theirs, part=part))
    assert "1 of 240 test users have no list" in words(app)
    assert "Does training know what came after the test?" in words(app)
    if part == "test":
        app.session_state["metrics_tab"] = "Beyond accuracy"
        app.session_state["beyond_look"] = "Variety"
        well(app.run())
        variety = next(f.value for f in app.dataframe if "User coverage" in f.value)
        assert variety["User coverage"].iloc[0].startswith(".996")  # 239 of 240


@pytest.mark.parametrize("page", ["start", "data", "train", "recommendations", "report"])
def test_other_pages_open_with_a_run_that_has_only_lists(theirs, page):
    well(open_page(page, run=theirs))
