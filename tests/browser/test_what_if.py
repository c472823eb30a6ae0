"""A person doubts reasons and edits histories in a real browser: items move, lists follow."""

import re

import pytest

from tests.browser.browsing import App, wait_until
from tests.core.runs.derived_worlds import bench

pytestmark = pytest.mark.browser
MARKS = re.compile(r"[▲▼] \d|new, was")


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory):
    """The app on a workspace with one run of EASE; user u7 is warm, u5 cold in the target."""
    root = tmp_path_factory.mktemp("what_if") / "workspace"
    bench(root, {"ease": {"regularization": 10.0}})
    running = App(root)
    running.start()
    yield running
    running.stop()


def listed(visit) -> list[str]:
    """What the chart of the list says, row by row."""
    visit.sees_chart()
    texts = visit.page.locator("[data-testid=stPlotlyChart] .textpoint text, .text text")
    return [text for text in texts.all_text_contents() if re.match(r"\d+ ", text)]


def press_first(visit, key: str) -> None:
    """Press the first button whose key starts so."""
    visit.page.locator(f"[class*='st-key-{key}']").first.get_by_role("button").click()
    visit.settle()


def test_what_is_said_to_carry_a_recommendation_does_and_without_it_the_item_is_gone(visit):
    """Strongest items beside random ones; then the smallest set is really taken away."""
    visit.open("/recommendations?user=u5&k=5")
    film = visit.key("why_item").get_by_role("combobox").input_value().split()[-1]
    visit.sees("Do these reasons hold?")
    visit.sees("These reasons hold: without the strongest 3 items it falls from rank 1 to")
    for scope in ("books", "books and films"):
        visit.pick("removal_scope", scope).sees(f"items taken away from {scope}")
        chart = visit.key("removal_chart")
        assert chart.locator(".scatterlayer .trace").count() == 2
        named = [text.lower() for text in chart.locator(".legendtext").all_text_contents()]
        assert named == ["without random ones", "without the strongest"]

    visit.sees("What in books would drop it out of the top 5?")
    said = visit.sees(re.compile(r"Without \d+ items? of 7 it falls to rank \d+")).inner_text()
    carriers = visit.page.get_by_role("listitem").get_by_text(re.compile(r"^book\d+$"))
    books = carriers.all_inner_texts()
    assert len(books) == int(said.split()[1])
    visit.tab("What if")
    assert any(film in row for row in listed(visit))
    for book in books:
        had = visit.page.locator("[class*='st-key-edits_had_source']")
        had.filter(has_text=re.compile(rf"{book}$")).get_by_role("button").click()
        visit.sees_address(rf"-s{book}\b").settle()
    wait_until(lambda: not any(film in row for row in listed(visit)), f"{film} leaves the list")


def test_removed_items_mark_what_moved_survive_a_refresh_and_can_be_undone(visit):
    visit.open("/recommendations?user=u7").tab("What if")
    before = listed(visit)
    assert len(before) == 10
    assert not any(MARKS.search(row) for row in before)
    for _ in range(3):
        press_first(visit, "edits_had_target")
    visit.sees_address(r"edits=u7[^&]*(-t\w+[^&]*){3}").sees(" move")
    wait_until(lambda: any(MARKS.search(row) for row in listed(visit)), "items are marked")
    visit.settle()
    marked = listed(visit)
    visit.page.reload()
    visit.settle().tab("What if")
    wait_until(lambda: listed(visit) == marked, "the marks are drawn again")
    for _ in range(3):
        visit.press_key("edits_undo")
    wait_until(lambda: listed(visit) == before, "all is undone")


def test_a_new_visitor_adds_an_item_by_search_and_the_list_changes(visit):
    visit.open("/recommendations").tab("New visitor").sees("the most popular items")
    assert not visit.page.get_by_test_id("stPlotlyChart").count(), "bars of nothing say nothing"
    search = visit.key("visitor_source_search").locator("input")
    search.fill("book12")
    search.press("Enter")
    visit.settle()
    press_first(visit, "visitor_match_source")
    visit.sees("From books alone")
    assert listed(visit)
    visit.sees_address(r"visitor=%2Bsbook12")
