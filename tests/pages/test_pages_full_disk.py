"""On a full disk every button says so in two sentences, and what was there is there."""

import errno

from core.jobs.table import list_jobs
from tests.pages.stories import open_page, well

SAID = "The disk is full, so this could not be done\\. Free some space and do it again"


def full(*args, **more):
    raise OSError(errno.ENOSPC, "No space left on device")


def told(app) -> str:
    """What stands in the one error of the page."""
    assert not app.exception
    (error,) = app.error
    return error.value


def test_asking_for_the_demo(empty_workspace, monkeypatch):
    """Seen: the button answered with a traceback."""
    app = well(open_page("start"))
    monkeypatch.setattr("core.ui.shell.enqueue", full)
    button = next(b for b in app.button if b.label == "Explore with the sample pair")
    assert told(button.click().run()).startswith(SAID)
    assert list_jobs(empty_workspace) == []


def test_adding_attributes_of_users(trained_workspace, monkeypatch):
    """Seen: the button answered with a traceback."""
    here, run = trained_workspace.workspace, trained_workspace.runs["ease"]
    app = open_page("metrics", run=run)
    file = ("people.csv", b"user,age\nu001,3\n", "text/csv")
    app.file_uploader(key="attributes_file").set_value(file)
    app.run()
    before = sorted(here.root.rglob("*"))
    monkeypatch.setattr("core.basics.files._sync", full)
    assert told(app.button(key="attributes_add").click().run()).startswith(SAID)
    left = set(here.root.rglob("*")) - set(before)
    assert not [path for path in left if path.is_file() and path.suffix != ".log"]


def test_a_page_warns_before_the_disk_is_full_and_stays_readable(trained_workspace, monkeypatch):
    monkeypatch.setattr("core.ui.frame.free_space", lambda folder: 20 << 20)
    app = well(open_page("metrics", run=trained_workspace.runs["ease"]))
    assert [warning.value for warning in app.sidebar.warning] == [
        "The disk is nearly full: 20 MiB are free. Free some space before you start anything, or "
        "it may fail when it is kept."
    ]
    monkeypatch.setattr("core.ui.frame.free_space", lambda folder: 20 << 30)
    assert not well(app.run()).sidebar.warning
