"""The Report page as a person uses it: choose, preview, download, present."""

import pytest

from tests.pages.stories import entered, open_page, well, words


def preview(app) -> str:
    """The HTML that the page shows, which is what would be downloaded."""
    (frame,) = app.get("iframe")
    return frame.proto.srcdoc


@pytest.fixture
def demo(demo_workspace, monkeypatch):
    return entered(demo_workspace, monkeypatch)


def test_an_empty_workspace_says_what_is_missing(empty_workspace):
    app = well(open_page("report"))
    assert "no trained run yet" in words(app)
    assert not app.get("iframe")


def test_the_demo_is_told_as_chosen_and_can_be_downloaded(demo):
    app = well(open_page("report"))
    html = preview(app)
    assert "History in books helps recommendations in films" in html
    assert "From books to films" in html
    assert "· user u" in html
    (button,) = app.get("download_button")
    assert button.proto.label == "Download report"
    assert "MB, made in" in words(app)

    app.text_input(key="report_title").set_value("For the board")
    app.text_area(key="report_note").set_value("Read page one")
    app.pills(key="report_sections").set_value(["answer", "people"])
    app.toggle(key="report_hide").set_value(True)
    html = preview(well(app.run()))
    assert "<h1>For the board</h1>" in html
    assert "Read page one" in html
    assert 'id="part-people"' in html
    assert 'id="part-limits"' not in html
    assert "· user u" not in html


def test_presenting_shows_the_six_steps_with_the_same_choices_and_leads_back(demo):
    app = open_page("report")
    app.text_input(key="report_title").set_value("For the board")
    app.button(key="present_report").click()
    html = preview(well(app.run()))
    assert 'data-present="1"' in html
    assert "For the board" in html
    assert "position: fixed; inset: 0" in "".join(one.proto.body for one in app.get("html"))
    assert not app.get("download_button")
    app.button(key="stop_presenting").click()
    html = preview(well(app.run()))
    assert 'data-present="1"' not in html
    assert app.text_input(key="report_title").value == "For the board"
