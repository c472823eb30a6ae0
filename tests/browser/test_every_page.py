"""What holds on every page, with the sample pair and without: heading, title, words to be read."""

from importlib.resources import files

import pytest

from core.ui.navigation import GROUPS
from tests.browser.browsing import SECONDS, Visit, wait_until

pytestmark = pytest.mark.browser
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
PAGES = [name for entries in GROUPS.values() for name, _ in entries]
ADDRESSES = {name: "/" if name == "start" else f"/{name}" for name in PAGES}
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
FOUND = """async tags => {
    const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}});
    return found.violations.flatMap(rule => rule.nodes.map(
        node => `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary}`));
}"""
# Moves of the whole main part: what comes late inside it moves more or less on every machine
SHIFT = """(() => {
    window.moved = [];
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) for (const {node, previousRect, currentRect}
            of entry.sources) if (node?.querySelector?.('[data-testid=stMainBlockContainer]'))
                window.moved.push([entry.value, previousRect.x, currentRect.x]);
    }).observe({type: 'layout-shift', buffered: true});
})();"""
# Words that their box cuts off; two pixels are a rounding
CUT = """() => [...document.querySelectorAll(['button', 'label', '[role=tab]', 'h1', 'p']
        .map(kind => `[data-testid=stMain] ${kind}`).join())]
    .filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 2
        && getComputedStyle(e).display !== 'inline'
        && getComputedStyle(e).overflowX !== 'visible')
    .map(e => `${e.tagName} ${e.textContent.slice(0, 40)}: ${e.scrollWidth} in ${e.clientWidth}`)"""


def _opened(browser, app, name: str, **context) -> Visit:
    visit = Visit(browser, app.url, **context)
    visit.context.add_init_script(SHIFT)
    visit.open(ADDRESSES[name])
    visit.page.wait_for_timeout(1000)  # charts are drawn after the page has settled
    return visit


def _violations(visit: Visit) -> list[str]:
    visit.page.evaluate(AXE)
    return visit.page.evaluate(FOUND, WCAG)


@SCHEMES
@pytest.mark.parametrize("name", PAGES)
def test_an_empty_page_breaks_no_rule_of_wcag(browser, app, scheme, name):
    visit = _opened(browser, app, name, color_scheme=scheme)
    assert _violations(visit) == []
    assert visit.page.title() == f"{name.capitalize()} · Crosswalk"
    visit.context.close()


@pytest.fixture(scope="module")
def sample(browser, app):
    """The app with the sample pair and its runs."""
    visit = Visit(browser, app.url)
    visit.open().press("Explore with the sample pair")
    visit.sees("What next", seconds=3 * SECONDS)
    visit.context.close()
    working = "the demo's last job is done"  # while one works its lines fade as they are redrawn
    wait_until(lambda: not any(job.is_active for job in app.jobs()), working, 4 * SECONDS)
    return app


@SCHEMES
@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_sample_pair_breaks_no_rule_of_wcag(browser, sample, scheme, name):
    visit = _opened(browser, sample, name, color_scheme=scheme)
    assert _violations(visit) == []
    visit.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_it_is(browser, sample, name):
    """Seen: every tab of the browser said Crosswalk, and no page had a heading of level one."""
    visit = _opened(browser, sample, name)
    assert visit.page.title() == f"{name.capitalize()} · books → films · Crosswalk"
    assert visit.page.get_by_role("heading", level=1).all_inner_texts() == [name.capitalize()]
    visit.sees("Does what people do in one domain improve what you recommend in another?")
    visit.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_fresh_page_does_not_make_room_for_the_sidebar_late(browser, sample, name):
    """Seen: the page filled the window, then moved right when the sidebar came (a shift of .24)."""
    visit = _opened(browser, sample, name)
    assert visit.page.evaluate("window.moved") == []
    visit.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_words_are_not_cut_in_a_narrow_window(browser, sample, name):
    visit = _opened(browser, sample, name, viewport={"width": 1024, "height": 800})
    assert visit.page.evaluate(CUT) == []
    visit.context.close()


def test_back_goes_one_page_at_the_first_press(browser, sample):
    """Seen: Recommendations put its first user into the address, as a step of its own."""
    visit = _opened(browser, sample, "start")
    visit.goto("Metrics").goto("Recommendations").sees_address("user=")
    visit.page.go_back()
    visit.settle().sees_address("/metrics")
    visit.page.get_by_role("heading", name="Metrics", level=1).wait_for()
    visit.page.go_back()
    visit.page.get_by_role("heading", name="Start", level=1).wait_for()
    visit.context.close()


def test_an_open_tab_survives_a_reload(browser, sample):
    visit = _opened(browser, sample, "metrics")
    visit.tab("Fairness").sees_address("metrics_tab=Fairness").page.reload()
    visit.settle()
    assert visit.page.get_by_role("tab", selected=True).inner_text() == "Fairness"
    visit.context.close()


def test_light_or_dark_is_chosen_from_the_menu_and_kept(browser, sample):
    visit = _opened(browser, sample, "report")
    app = visit.page.get_by_test_id("stApp")
    assert app.evaluate("e => getComputedStyle(e).colorScheme") == "light"
    visit.page.get_by_test_id("stMainMenu").get_by_role("button").click()
    visit.page.get_by_role("menuitemradio", name="Dark").click()
    visit.page.reload()
    visit.settle()
    assert app.evaluate("e => getComputedStyle(e).colorScheme") == "dark"
    visit.context.close()
