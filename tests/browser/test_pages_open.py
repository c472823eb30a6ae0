"""Every page opens in a real browser on an empty workspace and says what is missing."""

import pytest
from browsing import SECONDS

from core.ui.navigation import GROUPS, PAGES

pytestmark = pytest.mark.browser
NAMES = [name for entries in GROUPS.values() for name, _ in entries]
TITLES = [name.capitalize() for name in NAMES if (PAGES / f"{name}.py").exists()]


def test_every_page_opens_on_an_empty_workspace(visit):
    for title in TITLES:
        visit.goto(title)
        visit.check()


def test_a_page_opens_from_its_own_address(visit):
    for title in TITLES[1:]:
        visit.open(f"/{title.lower()}")
        visit.page.get_by_role("heading", name=title, exact=True).first.wait_for()


def test_one_click_loads_the_sample_pair_and_says_what_it_shows(visit):
    visit.press("Explore with the sample pair")
    visit.sees("History in books helps recommendations in films", seconds=3 * SECONDS)
    visit.goto("Fusion").sees_chart()
