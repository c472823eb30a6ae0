"""Three families from one page: one is cancelled, one killed and resumed, all are compared."""

import os
import shutil
import signal

import psutil
import pytest
from browsing import App, Visit, wait_until

from core.jobs.job import CANCELLED, DONE, KILLED, RUNNING
from core.store.run_folder import list_runs

pytestmark = pytest.mark.browser
TO_CANCEL, TO_KILL, LEFT_ALONE = "bitgcf", "two_tower", "feature_map"


@pytest.fixture(scope="module")
def app(browser, demo_workspace, tmp_path_factory):
    """The app on a copy of the sample pair."""
    running = App(tmp_path_factory.mktemp("families") / "workspace")
    shutil.copytree(demo_workspace.root, running.workspace.root)
    running.start()
    yield running
    running.stop()


def job_of(app, model):
    """The newest job that trains the model, None before it was asked for."""
    found = [job for job in app.jobs("train") if job.payload["model"] == model]
    return found[0] if found else None


def at_work(app, model):
    """Whether its child has trained an epoch."""
    job = job_of(app, model)
    return job is not None and job.status == RUNNING and job.done >= 2


def kill_child(app, job_id):
    """End the training as the system does when memory is short."""
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if job_id in command and str(app.workspace.root) in command:
            os.kill(process.pid, signal.SIGKILL)


def test_three_families_are_trained_one_cancelled_one_resumed_and_compared(app, browser):
    before = {run.id for run in list_runs(app.workspace)}
    tab = Visit(browser, app.url).open("/train")
    tab.tick("train_ease", on=False)
    for model in (TO_KILL, TO_CANCEL, LEFT_ALONE):
        tab.tick(f"train_{model}")
    tab.key("train_start").get_by_text("Start 3 runs").wait_for()
    tab.press_key("train_start")

    for model, end in ((TO_KILL, KILLED), (TO_CANCEL, CANCELLED)):
        wait_until(lambda model=model: at_work(app, model), f"{model} learns", seconds=90)
        if end == KILLED:
            kill_child(app, job_of(app, model).id)
        else:
            tab.key(f"card_cancel_{job_of(app, model).id}").get_by_role("button").click()
        wait_until(lambda model=model: not job_of(app, model).is_active, f"{model} ends")
        assert job_of(app, model).status in (end, DONE), job_of(app, model).what
    killed = job_of(app, TO_KILL)
    tab.key(f"resume_{killed.id}").get_by_role("button").click()
    wait_until(lambda: job_of(app, TO_KILL).status != KILLED, "it is taken up again")
    for model in (TO_KILL, LEFT_ALONE):
        wait_until(
            lambda model=model: not job_of(app, model).is_active, f"{model} ends", seconds=120
        )
        assert job_of(app, model).status == DONE, job_of(app, model).what

    made = [run for run in list_runs(app.workspace) if run.id not in before]
    assert {run.record["model"] for run in made} == {TO_CANCEL, TO_KILL, LEFT_ALONE}
    cancelled = next(run for run in made if run.record["model"] == TO_CANCEL)
    assert cancelled.record["cancelled"]
    assert cancelled.record["best_epoch"] >= 1
    tab.goto("Metrics")
    for run in made:
        tab.sees(run.label)
    tab.sees_chart().check()
    tab.context.close()
