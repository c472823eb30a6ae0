"""One Chromium for all journeys, one app with an empty workspace and one tab for each module."""

import os

import pytest

from tests.browser.browsing import PLAIN, App, Visit, browsing, chromium


@pytest.fixture(scope="session")
def browser():
    if chromium() is None:
        missing = "Chromium is not installed (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with browsing(*PLAIN) as found:
        yield found


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory):
    running = App(tmp_path_factory.mktemp("app") / "workspace")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def tab(browser, app):
    """A tab with nothing opened: the front end is read by it once for a whole module."""
    opened = Visit(browser, app.url)
    yield opened
    opened.context.close()


@pytest.fixture
def visit(tab):
    """The tab of the module; when the test is over nothing may have gone wrong in it."""
    tab.console_errors.clear()
    tab.foreign_requests.clear()
    yield tab
    tab.check()
