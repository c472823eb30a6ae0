"""The search part of the Train page as a person uses it: real trials in real children."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from streamlit.testing.v1 import AppTest

from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.data.snapshot import read_snapshot
from core.jobs.supervisor import Lock, kill
from core.jobs.table import DONE, enqueue, list_jobs, request_cancel
from core.runs.making.estimate import timing_job
from core.runs.search.plan import STOPPED, SearchPlan, Trial
from core.runs.search.run import InProcess, search
from core.runs.search.study import list_studies
from core.store.run_folder import RUN, TWIN, list_runs
from core.ui.train.models import DRAWER
from tests.pages.stories import ROOT, entered, open_page, planted_split, well, words


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace with one planted split, EASE timed on it; what was started in it is ended."""
    here = entered(Workspace(tmp_path / "workspace"), monkeypatch)
    split = planted_split(here, seed=1)
    timing_job(here, {"model": "ease", "split": split, "device": "auto"}, silent)
    yield here
    for job in list_jobs(here, active=True, dismissed=True):
        request_cancel(here, job.id)
        if job.pid:
            kill(job.pid)
    while pid := Lock(here).holder():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def split_of(workspace: Workspace) -> str:
    return next(workspace.splits.iterdir()).name


def searched(workspace: Workspace, **more):
    plan = SearchPlan(split_of(workspace), "ease", **more)
    split = read_snapshot(workspace.splits / plan.split)
    return search(plan, workspace, InProcess(split, workspace.searches / plan.key, silent))


def wait_for(happened) -> None:
    deadline = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def typed(app: AppTest, **values: str) -> AppTest:
    """The form for EASE with these values."""
    for name, text in values.items():
        app.text_input(key=f"search_values_ease_{name}").set_value(text)
    return app.run()


def trials_shown(app: AppTest):
    return next(frame.value for frame in app.dataframe if "Who" in frame.value.columns)


def test_an_empty_workspace_says_what_is_missing(empty_workspace):
    assert "nothing to search on yet" in words(well(open_page("train", "search_box")))


def test_before_the_first_search_the_page_says_how_many_trials_and_what_they_show(workspace):
    app = well(open_page("train", "search_box"))
    said = words(app)
    assert "Nothing was searched on this split yet" in said
    assert "9 combinations, every one is tried. The twin gets 9 trials." in said
    app.number_input(key="search_trials_ease_9").set_value(4).run()
    assert "drawn between the lowest and the highest value" in words(well(app))


def test_a_model_without_settings_cannot_be_searched(workspace):
    app = open_page("train", "search_box", DRAWER)
    app.checkbox(key="train_ease").uncheck()
    app.checkbox(key="train_popularity").check().run()
    assert "Tick a model with settings" in words(well(app))


@pytest.mark.parametrize(
    ("text", "said"),
    [("abc, 2", "cannot be 'abc'"), ("0.1, 2", "outside its range"), ("", "no value to try")],
)
def test_values_the_model_does_not_take_are_refused_in_two_sentences(workspace, text, said):
    app = typed(open_page("train", "search_box"), regularization=text, source_weight="0.5")
    (error,) = app.error
    assert said in error.value.replace("\\", "")
    assert not [button for button in app.button if button.key == "search_start"]


def test_a_search_is_started_watched_and_its_winner_trained(workspace):
    app = typed(open_page("train", "search_box"), regularization="3, 30", source_weight="0.5")
    well(app.button(key="search_start").click().run())
    wait_for(lambda: list_studies(workspace))
    assert "best so far" in words(app.run()) or trials_shown(app) is not None
    wait_for(lambda: any(job.status == DONE for job in list_jobs(workspace, kind="search")))
    app = well(app.run())
    assert list(trials_shown(app)["State"]) == ["done"] * 4
    said = words(app)
    assert "**Model**: regularization" in said
    assert "**Twin**: regularization" in said
    assert "The winner is trained" in said
    (run,) = list_runs(workspace)
    (study,) = list_studies(workspace)
    assert run.record.settings.items() >= study.choices[RUN].taken.settings.items()
    assert run.twin.record.settings.items() >= study.choices[TWIN].taken.settings.items()


def test_a_search_is_stopped_by_its_button_and_its_winner_trained_by_another(workspace):
    values = ", ".join(str(value) for value in range(10, 40))
    app = typed(open_page("train", "search_box"), regularization=values, source_weight="0.5")
    app.number_input(key="search_trials_ease_30").set_value(30)
    app.toggle(key="search_train").set_value(False).run()
    app.button(key="search_start").click().run()
    wait_for(lambda: any(s.counts().get(DONE, 0) > 1 for s in list_studies(workspace)))
    (job,) = list_jobs(workspace, kind="search")
    app = well(app.run())
    assert "best so far" in words(app)
    app.button(key=f"search_stop_{job.id}").click().run()
    wait_for(lambda: list_studies(workspace)[0].status == STOPPED)
    wait_for(lambda: not list_jobs(workspace, kind="search", active=True))
    app = well(app.run())
    assert "stopped, what it has is kept" in words(app)
    (study,) = list_studies(workspace)
    well(app.button(key=f"search_winner_{study.plan.key}").click().run())
    (training,) = list_jobs(workspace, kind="train")
    assert training.payload["settings"] == study.winner.settings
    assert training.payload["twin_settings"] == study.winner.twin_settings


def test_a_search_that_waits_is_shown_above_the_one_before_it(workspace, monkeypatch):
    """After Start the page went on showing the older search, or that nothing was searched yet."""
    # Nobody takes the job up: it waits
    monkeypatch.setattr("core.ui.shell.ensure_supervisor", lambda workspace: None)
    searched(workspace, grid={"regularization": (3.0, 30.0)})
    plan = SearchPlan(split_of(workspace), "ease", {"regularization": (5.0, 50.0)})
    enqueue(workspace, "search", plan.to_dict() | {"train": True}, "training", "Search: EASE")
    app = well(open_page("train", "search_box"))
    assert app.selectbox(key="search_shown").value == plan.key
    assert any("waiting for the jobs" in one.proto.text for one in app.get("progress"))


def test_a_trial_that_was_stopped_does_not_count_as_tried(workspace):
    """A search that was stopped after four trials said "6 of 18 trials"."""
    study = searched(workspace, grid={"regularization": (3.0, 30.0)})
    study.trials[-1] = Trial(TWIN, 1, {"regularization": 30.0}, STOPPED)
    study.status = STOPPED
    study.save()
    said = words(well(open_page("train", "search_box")))
    assert "3 of 4 trials" in said
    assert "nothing stands beside it" in said  # an equal share of one trial each
    assert "ahead of all others" not in said


def test_a_finished_search_is_drawn_and_said_in_words(workspace):
    searched(workspace)
    app = well(open_page("train", "search_box"))
    assert len(app.get("plotly_chart")) == 2
    said = words(app)
    assert "9 trials of the model span" in said
    assert "of the differences between its trials" in said
    (study,) = list_studies(workspace)
    app.segmented_control(key=f"search_role_{study.plan.key}").set_value(TWIN).run()
    assert "9 trials of the twin span" in words(well(app))


def test_the_page_with_a_search_loads_neither_torch_nor_sklearn_nor_optuna(workspace):
    searched(workspace)
    code = (
        "import sys; from streamlit.testing.v1 import AppTest;"
        "app = AppTest.from_file('app.py', default_timeout=60); app.run();"
        "app.session_state['search_box'] = True; app.switch_page('pages/train.py').run();"
        "assert len(app.get('plotly_chart')) == 2;"
        "print([name for name in ('torch', 'sklearn', 'optuna') if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ, capture_output=True, text=True
    )
    assert answer.stdout.strip() == "[]", answer.stderr[-2000:]
