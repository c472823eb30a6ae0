"""Every page opens in a real browser on an empty workspace; one click brings the sample pair."""

import pytest

from core.ui.navigation import GROUPS, PAGES
from tests.browser.browsing import SECONDS

pytestmark = pytest.mark.browser
NAMES = [name for entries in GROUPS.values() for name, _ in entries]
TITLES = [name.capitalize() for name in NAMES if (PAGES / f"{name}.py").exists()]


@pytest.mark.parametrize("title", ["Metrics", "Train"])
def test_a_page_opens_from_its_own_address(visit, title):
    """The first one is also the first thing that an app just started is asked for."""
    visit.open(f"/{title.lower()}")
    visit.page.get_by_role("heading", name=title, exact=True).first.wait_for()


def test_every_page_opens_on_an_empty_workspace(visit):
    visit.open()
    for title in TITLES:
        visit.goto(title)
        visit.check()


def test_one_click_loads_the_sample_pair_and_says_what_it_shows(visit):
    visit.open().press("Explore with the sample pair")
    visit.sees("What next", seconds=3 * SECONDS)
    visit.goto("Fusion").page.locator("svg.curve .where").wait_for()
