"""The report as somebody gets it: downloaded, opened with the network off, presented."""

import shutil

import pytest

from tests.browser.browsing import SECONDS

pytestmark = pytest.mark.browser
HERE = ".slide.here"


@pytest.fixture(scope="module")
def report(tab, app, demo_workspace, tmp_path_factory):
    """The file that the page's button hands out."""
    shutil.copytree(demo_workspace.root, app.workspace.root, dirs_exist_ok=True)
    tab.open("/").goto("Report").sees("Download report")
    with tab.page.expect_download() as waiting:
        tab.press("Download report")
    path = tmp_path_factory.mktemp("report") / waiting.value.suggested_filename
    waiting.value.save_as(path)
    tab.check()
    return path


@pytest.fixture(scope="module")
def opened(browser, report):
    """The file in a browser without a network, and what it asked for and complained of."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.set_default_timeout(SECONDS * 1000)
    page.goto(report.as_uri())
    yield page, asked, errors
    context.close()


@pytest.fixture
def offline(opened, report):
    """The opened file on a small screen; it may ask for nothing but itself."""
    page, asked, errors = opened
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1000, "height": 900})
    yield page
    assert asked == [report.as_uri()]
    assert errors == []


def test_the_file_opens_offline_with_verdict_and_drawn_figures(offline):
    verdict = offline.locator(".verdict p").inner_text()
    assert "History in books helps most for people with nothing yet in films" in verdict
    plots = offline.locator("main .plot")
    for place in range(plots.count()):
        plots.nth(place).locator("svg.main-svg").first.wait_for()
    assert plots.count() >= 5
    offline.get_by_role("link", name="Limits and trust").click()
    offline.get_by_text("Are shared ids the same people?").first.wait_for()


def test_nothing_is_cut_on_a_printed_page(offline):
    """A4 leaves 180 mm between its margins: 680 pixels, and no figure is wider."""
    offline.locator("main .plot svg.main-svg").first.wait_for()
    widths = offline.evaluate(
        "[...document.querySelectorAll('main .plot, main table')].map(e => e.scrollWidth)"
    )
    assert max(widths) <= 680
    offline.emulate_media(media="print")
    assert offline.locator("nav").is_hidden()
    assert offline.locator(".deck").is_hidden()


def test_arrow_keys_go_through_six_steps_and_escape_leads_back(offline):
    offline.set_viewport_size({"width": 1500, "height": 850})
    offline.get_by_role("button", name="Present").first.click()
    seen = []
    for _ in range(7):  # one more than there are: the last step stays
        seen.append(offline.locator(f"{HERE} .step").inner_text().lower())
        offline.keyboard.press("ArrowRight")
    assert seen[:6] == [
        "the question",
        "the data",
        "the answer",
        "for whom",
        "three people",
        "limits and what next",
    ]
    assert seen[6] == seen[5]
    offline.keyboard.press("Home")
    offline.keyboard.press("ArrowRight")
    offline.locator(f"{HERE} svg.main-svg").first.wait_for()
    offline.keyboard.press("ArrowLeft")
    assert "help to recommend films" in offline.locator(f"{HERE} h2").inner_text()
    overflowing = offline.evaluate(
        "[...document.querySelectorAll('.slide')].filter(s => s.scrollWidth > s.clientWidth).length"
    )
    assert overflowing == 0
    offline.keyboard.press("Escape")
    assert offline.locator(".deck").is_hidden()


def test_the_page_presents_too_and_the_keys_work_at_once(visit, report):
    visit.open("/report").press_key("present_report")
    steps = visit.page.frame_locator("iframe[data-testid=stIFrame]")
    steps.locator(f"{HERE} .step").wait_for()
    steps.locator("body").press("ArrowRight")
    assert steps.locator(f"{HERE} .step").inner_text().lower() == "the data"
