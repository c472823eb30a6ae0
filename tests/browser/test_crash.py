"""The app is killed in the middle of a training: nothing is lost, and the run comes to its end."""

import shutil

import pytest
from browsing import App, Visit, wait_until

from core.jobs.job import DONE, RUNNING
from core.store.run_folder import list_runs

pytestmark = pytest.mark.browser
MODEL = "cmf_als"


@pytest.fixture(scope="module")
def app(browser, demo_workspace, tmp_path_factory):
    """The app on a copy of the sample pair."""
    running = App(tmp_path_factory.mktemp("crash") / "workspace")
    shutil.copytree(demo_workspace.root, running.workspace.root)
    running.start()
    yield running
    running.stop()


def training(app):
    """The job that trains the model, None before it was asked for."""
    jobs = [job for job in app.jobs("train") if job.payload["model"] == MODEL]
    return jobs[0] if jobs else None


def test_a_run_outlives_kill_9_of_the_app_and_shows_after_a_restart(app, browser):
    before = {run.id for run in list_runs(app.workspace)}
    tab = Visit(browser, app.url).open("/train")
    tab.tick("train_ease", on=False).tick(f"train_{MODEL}")
    ticked = tab.page.locator("[class*=st-key-train_] input[type=checkbox]:checked")
    assert ticked.count() == 1, "the first click in an app just started has to count"
    tab.key("train_start").get_by_role("button").click()
    wait_until(lambda: training(app) is not None, "the job is asked for")
    wait_until(lambda: training(app).status == RUNNING, "its child is at work")
    app.kill()
    tab.context.close()
    assert training(app).is_active, "killed too late: the run had already ended"

    app.start()
    tab = Visit(browser, app.url).open("/train")
    wait_until(lambda: not training(app).is_active, "the run ends", seconds=120)
    assert training(app).status == DONE, training(app).what
    (made,) = {run.id for run in list_runs(app.workspace)} - before
    tab.open(f"/?run={made}")
    tab.sees("5 runs")
    tab.check()
    tab.context.close()
