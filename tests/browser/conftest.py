"""One Chromium for all journeys, one app with an empty workspace for each module of them."""

import os

import pytest
from browsing import App, Visit, browsing, chromium


@pytest.fixture(scope="session")
def browser():
    if chromium() is None:
        missing = "Chromium is not installed (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with browsing() as found:
        yield found


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory):
    running = App(tmp_path_factory.mktemp("app") / "workspace")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def visit(browser, app):
    """A tab at the first page; when the test is over nothing may have gone wrong in it."""
    tab = Visit(browser, app.url).open()
    yield tab
    tab.check()
    tab.context.close()
