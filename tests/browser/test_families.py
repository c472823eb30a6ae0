"""Three families from one page: one killed and resumed, one cancelled, the app killed meanwhile."""

import os
import signal

import psutil
import pytest

from core.jobs.table import CANCELLED, DONE, KILLED, RUNNING
from core.store.run_folder import list_runs
from core.ui.train.models import DRAWER
from tests.browser.browsing import App, Visit, wait_until
from tests.core.runs.derived_worlds import bench

pytestmark = pytest.mark.browser
TO_KILL, TO_CANCEL, LEFT_ALONE = "two_tower", "bitgcf", "cmf_als"


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory):
    """The app on a workspace with one run, of so many users that a training can be caught."""
    root = tmp_path_factory.mktemp("families") / "workspace"
    bench(root, {"ease": {"regularization": 10.0}}, users=600)
    running = App(root)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def journey(app, browser):
    """The steps of the journey, in their order."""
    return Journey(app, browser)


class Journey:
    def __init__(self, app, browser):
        self.app, self.browser = app, browser
        self.before = {run.id for run in list_runs(app.workspace)}
        self.tab = self.opened("/train")

    def opened(self, path):
        return Visit(self.browser, self.app.url).open(path)

    def closes_the_tab(self):
        self.tab.check()
        self.tab.context.close()

    def starts_three_runs(self):
        self.tab.press_drawer(DRAWER)
        self.tab.tick("train_ease", on=False).tick(f"train_{TO_KILL}")
        ticked = self.tab.page.locator("[class*=st-key-train_] input[type=checkbox]:checked")
        assert ticked.count() == 1, "the first click in an app just started has to count"
        self.tab.tick_only(f"train_{TO_CANCEL}").tick_only(f"train_{LEFT_ALONE}")
        self.slows(TO_KILL)
        self.slows(TO_CANCEL)
        start = self.tab.key("train_start")
        start.get_by_text("Start 3 runs").wait_for()
        start.get_by_role("button").click()

    def slows(self, model):
        """Small steps, many of them: the training lasts until it is ended."""
        details = self.tab.key(f"details_{model}")
        details.locator("summary").click()
        self.tab.settle()
        size = details.get_by_role("spinbutton", name="Batch size")
        size.fill("8")
        size.press("Enter")
        self.tab.settle()

    def loses_one_cancels_one_and_resumes_the_first(self):
        wait_until(lambda: self.learns(TO_KILL), f"{TO_KILL} learns", seconds=90)
        killed = self.job(TO_KILL)
        kill_child(self.app, killed.id)
        self.ends(TO_KILL, KILLED)
        wait_until(lambda: self.learns(TO_CANCEL), f"{TO_CANCEL} learns", seconds=90)
        self.presses(f"card_cancel_{self.job(TO_CANCEL).id}")
        self.ends(TO_CANCEL, CANCELLED)
        self.presses(f"resume_{killed.id}")
        wait_until(lambda: self.job(TO_KILL).status != KILLED, "it is taken up again")

    def kills_the_app_and_starts_it_again(self):
        wait_until(lambda: self.learns(TO_KILL), f"{TO_KILL} learns again", seconds=120)
        self.tab.check()
        self.app.kill()
        self.tab.context.close()
        assert self.job(TO_KILL).is_active, "killed too late: the last run had already ended"
        self.app.start()
        self.tab = self.opened("/train")
        for model in (LEFT_ALONE, TO_KILL):
            self.ends(model, DONE, seconds=240)

    def finds_what_was_made(self):
        made = [run for run in list_runs(self.app.workspace) if run.id not in self.before]
        assert {run.record.model for run in made} == {TO_CANCEL, TO_KILL, LEFT_ALONE}
        cancelled = next(run for run in made if run.record.model == TO_CANCEL)
        assert cancelled.record.cancelled
        assert cancelled.record.best_epoch >= 1
        self.tab.open(f"/?run={made[0].id}").sees(f"{len(self.before) + 3} runs")
        self.tab.goto("Metrics")
        for run in made:
            self.tab.sees(run.label)
        self.tab.sees_chart()

    def job(self, model):
        """The newest job that trains the model, None before it was asked for."""
        found = [job for job in self.app.jobs("train") if job.payload["model"] == model]
        return found[0] if found else None

    def learns(self, model):
        """Whether its child has trained two epochs."""
        job = self.job(model)
        return job is not None and job.status == RUNNING and job.done >= 2

    def ends(self, model, status, seconds=60):
        wait_until(lambda: not self.job(model).is_active, f"{model} ends", seconds)
        assert self.job(model).status == status, self.job(model).what

    def presses(self, key):
        self.tab.key(key).get_by_role("button").click()


def kill_child(app, job_id):
    """End the training as the system does when memory is short."""
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if job_id in command and str(app.workspace.root) in command:
            os.kill(process.pid, signal.SIGKILL)


def test_three_families_are_trained_while_a_child_a_job_and_the_app_are_ended(journey):
    journey.starts_three_runs()
    journey.loses_one_cancels_one_and_resumes_the_first()
    journey.kills_the_app_and_starts_it_again()
    journey.finds_what_was_made()
    journey.closes_the_tab()
