"""Every page opens in a real browser on an empty workspace and says what is missing."""

import pytest
from browsing import wait_until

from core.jobs.table import request_cancel
from core.ui.navigation import GROUPS, PAGES

pytestmark = pytest.mark.browser
NAMES = [name for entries in GROUPS.values() for name, _ in entries]
TITLES = [name.capitalize() for name in NAMES if (PAGES / f"{name}.py").exists()]


def test_the_first_click_after_the_start_of_the_app_counts(visit, app):
    """Somebody pressed the demo button of an app just started, and nothing happened."""
    visit.press("Explore with the sample pair")
    assert [job.kind for job in app.jobs()] == ["demo"]
    request_cancel(app.workspace, app.jobs()[0].id)
    wait_until(lambda: not app.jobs()[0].is_active, "the demo stops")


def test_every_page_opens_on_an_empty_workspace(visit):
    for title in TITLES:
        visit.goto(title)
        visit.check()


def test_a_page_opens_from_its_own_address(visit):
    for title in TITLES[1:]:
        visit.open(f"/{title.lower()}")
        visit.page.get_by_role("heading", name=title, exact=True).first.wait_for()
