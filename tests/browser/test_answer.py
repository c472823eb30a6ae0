"""Two files in, the answer out: four clicks in a real browser, then the same from a fresh tab."""

import pytest

from core.jobs.table import DONE
from core.runs.jobs.demo import SAMPLE
from core.store.run_folder import list_runs
from tests.browser.browsing import SECONDS, wait_until

pytestmark = pytest.mark.browser
LONG = 4 * SECONDS


def test_own_two_files_are_answered_with_three_clicks(visit, app):
    """A click opens either drop zone, which the test fills without the system's dialog."""
    visit.open().upload("File of the source", SAMPLE / "books.csv")
    visit.upload("File of the target", SAMPLE / "films.csv")
    visit.key("files_answer").wait_for()
    visit.sees("user, item, rating, time")
    visit.sees("1,000 shared people")
    visit.settle().press_key("files_answer")
    wait_until(lambda: any(job.kind == "answer" for job in app.jobs()), "the answer is asked for")
    visit.sees("So far", LONG)  # a verdict before everything is tried
    wait_until(lambda: app.jobs("answer")[0].status == DONE, "the answer is there", LONG)
    visit.sees("helps most for people with nothing yet in films")
    visit.sees("What next")
    labels = {run.label for run in list_runs(app.workspace)}
    assert {"Joint EASE", "Joint EASE, cold users", "Ridge, cold users"} <= labels


def test_a_fresh_tab_says_the_same_after_every_job(visit, app):
    wait_until(lambda: not [job for job in app.jobs() if job.is_active], "all jobs ended", LONG)
    visit.open().sees("helps most for people with nothing yet in films")
    assert "So far" not in visit.page.inner_text("body")
    visit.goto("Metrics").sees_address(r"run=ease-")


def test_the_way_on_needs_no_mouse(visit):
    visit.open().sees("What next")
    for _ in range(80):
        visit.page.keyboard.press("Tab")
        if visit.page.evaluate("document.activeElement.innerText").endswith("Move the weights"):
            break
    visit.page.keyboard.press("Enter")
    visit.page.get_by_role("heading", name="Fusion", exact=True).first.wait_for()
