"""Start as a person meets it: on an empty workspace, while the demo runs, and afterwards."""

import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.basics.progress import Progress
from core.basics.workspace import VARIABLE, Workspace
from core.jobs.reporter import JobReporter
from core.jobs.table import enqueue, list_jobs
from core.runs.jobs.demo import STEPS
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import list_runs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Opens the app on a workspace; no job leaves the table unless a test plays its child."""
    monkeypatch.setattr("core.ui.shell.ensure_supervisor", lambda workspace: None)

    def open_on(workspace=Workspace(tmp_path / "workspace")):  # noqa: B008
        monkeypatch.setenv(VARIABLE, str(workspace.root))
        return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()

    yield open_on
    st.cache_data.clear()
    st.cache_resource.clear()


def words(app) -> str:
    texts = [*app.markdown, *app.caption, *app.subheader, *app.error, *app.info]
    return "\n".join(element.value for element in texts).replace("\u2060", "")  # unseen


def buttons(app) -> dict:
    return {button.label: button for button in app.button}


def test_an_empty_workspace_offers_the_sample_pair_and_ones_own_files(start):
    app = start()
    assert not app.exception
    assert "Explore with the sample pair" in buttons(app)
    assert "Start with your data" in words(app)
    assert "helps" not in words(app)


def test_asking_for_the_demo_twice_makes_one_job_and_a_checklist(start, tmp_path):
    app = start()
    buttons(app)["Explore with the sample pair"].click().run()
    assert not app.exception
    assert all(step in words(app) for step in STEPS)
    app.run()
    assert len(list_jobs(Workspace(tmp_path / "workspace"), kind="demo")) == 1


def test_the_checklist_ticks_what_is_done_and_marks_what_goes_on(start, tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    job = enqueue(workspace, "demo", {}, "training", "Sample pair and demo runs")
    reporter = JobReporter(workspace, job)
    assert reporter.begin()
    reporter(Progress(done=2, total=len(STEPS), stage=STEPS[2]))
    lines = words(start()).splitlines()
    assert f":material/check_circle: {STEPS[1]}" in lines
    assert f":material/progress_activity: {STEPS[2]}" in lines
    assert f":material/radio_button_unchecked: {STEPS[3]}" in lines


def test_a_demo_that_failed_says_why_and_can_be_asked_for_again(start, tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    job = enqueue(workspace, "demo", {}, "training", "Sample pair and demo runs")
    reporter = JobReporter(workspace, job)
    assert reporter.begin()
    reporter.fail("The disk is full.", "Free some space.")
    app = start()
    assert "The disk is full" in words(app).replace("\\", "")
    assert "Explore with the sample pair" in buttons(app)


def test_a_filled_workspace_shows_the_answer_what_to_use_and_what_next(start, demo_workspace):
    app = start(demo_workspace)
    said = words(app).replace("\\", "")
    assert not app.exception
    assert not app.error
    assert "## History in books helps most for people with nothing yet in films: 9" in said
    assert "No difference is shown for people with 20 or more interactions in films" in said
    assert "Use EASE for everybody." in said
    assert "4 runs" in said
    assert "What next" in said
    assert "So far" not in said


def test_what_ends_in_the_background_does_not_take_the_verdict_back(
    start, demo_workspace, tmp_path
):
    workspace = Workspace(shutil.copytree(demo_workspace.root, tmp_path / "copy"))
    before = words(start(workspace)).split("What next")[0]
    split = next(run for run in list_runs(workspace) if run.label == "Joint EASE").record.split_hash
    train_run(RunPlan(split, "lightgcn", {"epochs": 1}, label="LightGCN"), workspace)
    app = start(workspace)
    assert list_runs(workspace)[0].label == "LightGCN"
    after = words(app).split("What next")[0]
    assert after.replace("5 runs", "4 runs").splitlines()[0] == before.splitlines()[0]
    run = next(run for run in list_runs(workspace) if run.id == app.query_params["run"])
    assert run.label == "Joint EASE"


def test_a_pair_that_is_not_answered_yet_is_answered_by_one_button(start, demo_workspace, tmp_path):
    workspace = Workspace(tmp_path / "pair")
    for folder in ("datasets", "pairs"):
        shutil.copytree(demo_workspace.root / folder, workspace.root / folder)
    app = start(workspace)
    assert "## Does history in books help in films?" in words(app).replace("\\", "")
    buttons(app)["Get the answer"].click().run()
    (job,) = list_jobs(workspace, kind="answer")
    pair = next(iter(workspace.pairs.iterdir())).name
    assert job.payload == {"pair": pair, "minutes": 1}
    assert "Train EASE and its twin" in words(app)


def test_an_answer_under_way_says_so_far(start, demo_workspace, tmp_path):
    workspace = Workspace(shutil.copytree(demo_workspace.root, tmp_path / "copy"))
    pair = next(iter(workspace.pairs.iterdir())).name
    job = enqueue(workspace, "answer", {"pair": pair, "minutes": 5}, "training", "Answer: books")
    app = start(workspace)
    said = words(app).replace("\\", "")
    assert "So far" in said
    assert "helps most" in said
    assert "Train EDLAE" in said
    assert "What next" not in said
    # Seen: after kill -9 half an answer looked like a whole one, and why stood in a closed drawer
    reporter = JobReporter(workspace, job)
    assert reporter.begin()
    reporter.fail("It was killed.", "Resume it.")
    app = start(workspace)
    assert "did not come to its end" in app.error[0].value
    assert not [error for drawer in app.expander for error in drawer.error]


def test_imported_files_without_a_split_lead_to_the_data_page(start, demo_workspace, tmp_path):
    workspace = Workspace(tmp_path / "half")
    shutil.copytree(demo_workspace.datasets, workspace.datasets)
    app = start(workspace)
    assert not app.exception
    assert "4 files imported, no pair yet" in words(app)


def test_a_workspace_that_is_a_file_is_said_and_nothing_else_is_drawn(start, tmp_path):
    """Every page once showed a traceback."""
    file = tmp_path / "books.csv"
    file.write_text("user,item\n")
    app = start(Workspace(file))
    assert not app.exception
    said = words(app).replace("\\", "")  # names act as plain text
    assert "cannot be a folder (File exists). Set CROSSWALK_WORKSPACE to a folder" in said
    assert not app.button
