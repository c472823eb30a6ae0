"""Checks of reasons, What if and New visitor as a person uses them, on runs that were trained."""

import json
import re
import time

import numpy as np
import pytest

from core.basics.columns import TEST
from core.basics.files import write_json
from core.data.snapshot import read_snapshot
from core.jobs.table import list_jobs
from core.runs.explain.reasons import KEPT
from core.store.run_folder import RECORD, read_run
from tests.pages.stories import open_page, well, words

WHAT_IF, VISITOR = "What if", "New visitor"


def opened(trained, tab, model="ease", **address):
    app = open_page("recommendations", run=trained.runs[model], **address)
    app.session_state["lists_tab"] = tab
    return well(app.run())


def labels(app) -> list[str]:
    """Rows of the list as they are drawn."""
    specs = [json.loads(element.proto.spec) for element in app.get("plotly_chart")]
    (texts,) = [t["text"] for spec in specs for t in spec["data"] if t.get("mode") == "text"]
    return texts


def buttons(app, start) -> list:
    return [button for button in app.button if button.key and button.key.startswith(start)]


def address(app, name) -> str:
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def test_the_reasons_are_checked_in_a_sentence_and_a_picture(trained_workspace):
    app = opened(trained_workspace, "List", user="u010")
    said = words(app)
    assert "Do these reasons hold?" in said
    assert re.search(r"without the strongest \d+ items it", said)
    assert "What in :orange[books] would drop it out of the top 10?" in said
    app.session_state["removal_scope"] = "both"
    well(app.run())
    (spec,) = [c.proto.spec for c in app.get("plotly_chart") if "items taken away" in c.proto.spec]
    assert "items taken away from books and films" in spec


def test_a_smallest_set_is_said_or_that_there_is_none(trained_workspace):
    app = opened(trained_workspace, "List", user="u010")
    app.selectbox(key="why_item").set_value(9)
    said = words(well(app.run()))
    assert "it falls to rank" in said or "it stays in the list" in said


def test_a_removed_item_moves_the_list_and_undo_brings_it_back(trained_workspace):
    app = opened(trained_workspace, WHAT_IF, user="u010")
    before = labels(app)
    for _ in range(3):
        well(buttons(app, "edits_had_source")[0].click().run())
    assert labels(app) != before
    said = words(app)
    assert "move" in said or "enter" in said
    assert address(app, "edits").startswith("u010!-sb")
    for _ in range(3):
        well(app.button(key="edits_undo").click().run())
    assert labels(app) == before
    assert "edits" not in app.query_params


def test_an_item_is_found_by_title_added_and_marked_new(trained_workspace):
    app = opened(trained_workspace, WHAT_IF, user="u010", k="50")
    well(app.text_input(key="edits_target_search").set_value("film number 13").run())
    (match,) = buttons(app, "edits_match_target")
    well(match.click().run())
    assert address(app, "edits") == "u010!+tf13"
    assert len(buttons(app, "edits_added_target")) == 1
    assert not any("Film number 13" in label for label in labels(app))


def test_a_link_with_edits_opens_the_same_list_and_other_users_are_untouched(trained_workspace):
    edits = {"edits": "u010!-sb00,+tf13"}
    app = opened(trained_workspace, WHAT_IF, user="u010", **edits)
    assert not app.button(key="edits_undo").disabled
    other = opened(trained_workspace, WHAT_IF, user="u011", **edits)
    assert other.button(key="edits_undo").disabled


def test_edits_survive_a_change_of_the_run_and_unknown_items_are_named(trained_workspace):
    app = opened(trained_workspace, WHAT_IF, user="u010", edits="u010!+sgone,+tf13")
    assert "Not in this run's data, so left out: gone" in words(app)
    app.selectbox(key="sidebar_run").set_value(trained_workspace.runs["item_knn"])
    well(app.run())
    assert address(app, "user") == "u010"
    assert address(app, "edits") == "u010!+sgone,+tf13"
    assert not app.button(key="edits_undo").disabled


@pytest.mark.parametrize("text", ["u010!?", "+sb1", "u010!+s" + "x" * 5000])
def test_nonsense_edits_show_the_unedited_list(trained_workspace, text):
    app = opened(trained_workspace, WHAT_IF, user="u010", edits=text)
    assert app.button(key="edits_undo").disabled
    assert len(labels(app)) == 10


def test_a_full_address_says_so_and_keeps_what_there_is(trained_workspace):
    full = "u010!" + ",".join(["-sb00"] * 332)
    app = opened(trained_workspace, WHAT_IF, user="u010", edits=full)
    well(buttons(app, "edits_had_source")[0].click().run())
    assert "The address bar holds no more edits" in words(app)
    assert address(app, "edits") == full


def test_a_visitor_starts_with_popular_items_and_the_first_choice_changes_them(trained_workspace):
    app = opened(trained_workspace, VISITOR)
    assert "these are the most popular items" in words(app)
    popular = list(app.dataframe[0].value["title"])
    assert len(popular) == 10
    assert not [line for line in words(app).splitlines() if line.startswith("####")]  # nobody
    assert not [button for button in app.button if button.key == "Next user"]
    well(buttons(app, "visitor_popular_source")[0].click().run())
    assert len(labels(app)) == 10
    assert "From books alone" in words(app)
    assert "enter" in words(app)
    well(app.button(key="visitor_reset").click().run())
    assert list(app.dataframe[0].value["title"]) == popular


def test_popularity_says_that_edits_change_nothing(trained_workspace):
    app = opened(trained_workspace, WHAT_IF, model="popularity", user="u010")
    well(buttons(app, "edits_had_source")[0].click().run())
    assert "Popularity looks at no history" in words(app)
    assert "The list is the same" in words(app)


def test_the_reasons_of_a_run_are_checked_by_a_job_and_kept(trained_workspace):
    app = opened(trained_workspace, "List")
    well(app.button(key="check_faithfulness").click().run())
    deadline = time.monotonic() + 60
    while list_jobs(trained_workspace.workspace, active=True):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    said = words(well(app.run()))
    assert "carry it more than random ones" in said
    assert "95 %" in said
    (trained_workspace.workspace.runs / trained_workspace.runs["ease"] / KEPT).unlink()


def test_uploaded_lists_are_shown_without_reasons(trained_workspace):
    workspace = trained_workspace.workspace
    folder = workspace.runs / "uploaded-like"
    kept = read_run(workspace.runs / trained_workspace.runs["ease"])
    folder.mkdir()
    for name in ("metrics.parquet", "lists_test.parquet", "lists_valid.parquet"):
        (folder / name).write_bytes((kept.folder / name).read_bytes())
    changed = {"model": "uploaded", "settings": {}, "created": 0, "label": "Another system"}
    write_json(folder / RECORD, kept.record.to_dict() | changed)
    try:
        app = well(open_page("recommendations", run="uploaded-like", user="u010"))
        assert "there are no reasons" in words(app)
        listed = next(f.value for f in app.dataframe if "rank" in f.value)
        split = read_snapshot(workspace.splits / kept.record.split_hash)
        user = int(split.train.users.numbers(["u010"])[0])
        lists = kept.lists(TEST)
        items = lists.items[np.flatnonzero(lists.users == user)[0], :10]
        names = split.train.target_features.names(split.train.target_items)
        assert list(listed["title"]) == list(names[items])
        app.session_state["lists_tab"] = "Compare two runs"
        assert "in both lists" in words(well(app.run()))
        beside = opened(trained_workspace, "Compare two runs", user="u010")
        others = beside.selectbox(key="compare_user_with")
        (uploaded,) = [option for option in others.options if "Another" in option]
        others.set_value(uploaded)
        assert "10 items of 10 in both lists" in words(well(beside.run()))
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
