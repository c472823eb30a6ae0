"""The Metrics page as a person uses it, on runs that were really trained."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from core.store.run_folder import read_run, rename_run
from core.ui.metrics.table import heat_cell
from core.ui.metrics.view import why_not
from tests.pages.stories import open_page, well, words


def table_text(app) -> str:
    return app.table[0].value.to_string()


def test_an_empty_workspace_says_what_is_missing(empty_workspace):
    app = well(open_page("metrics"))
    assert "no trained run yet" in words(app)
    assert not app.table


def test_the_verdict_names_both_domains_and_the_table_holds_every_run(trained_workspace):
    app = well(open_page("metrics", run=trained_workspace.runs["ease"]))
    assert "History in books" in words(app)
    text = table_text(app)
    for name in ("This run", "minus its twin", "minus ItemKNN", "minus Popularity"):
        assert name in text.replace("\\", "")
    assert "nDCG@10" in text
    assert "AUC" in text


def test_the_numbers_are_those_of_the_run_and_stand_over_their_interval(trained_workspace):
    app = open_page("metrics", run=trained_workspace.runs["ease"], shown="figures")
    said = read_run(trained_workspace.workspace.runs / trained_workspace.runs["ease"]).record
    figure = said.test["ndcg@10"]
    cell = app.table[0].value.set_index("Run").filter(like="EASE", axis=0)["nDCG@10"].iloc[0]
    shown = cell.replace("*", "")
    for number in (figure["mean"], figure["low"], figure["high"]):
        assert f"{number:.3f}".removeprefix("0") in shown


def test_k_and_segment_change_the_table(trained_workspace):
    app = open_page("metrics", run=trained_workspace.runs["ease"])
    before = table_text(app)
    app.segmented_control(key="k_widget").set_value(5)
    well(app.run())
    assert "nDCG@5" in table_text(app)
    assert "nDCG@10" not in table_text(app)
    app.selectbox(key="segment_widget").set_value("target_history:0")
    well(app.run())
    assert "48 users" in words(app)
    assert table_text(app) != before


def test_validation_can_be_looked_at_instead_of_test(trained_workspace):
    app = open_page("metrics", run=trained_workspace.runs["ease"])
    on_test = table_text(app)
    app.segmented_control(key="part_widget").set_value("valid")
    assert table_text(well(app.run())) != on_test


def test_a_run_on_other_data_is_neither_compared_nor_offered(trained_workspace):
    app = well(open_page("metrics", run=trained_workspace.runs["ease"]))
    assert not [name for name in app.multiselect[0].options if "Elsewhere" in name]
    assert "Elsewhere" not in table_text(app)
    ours, other = (
        read_run(trained_workspace.workspace.runs / trained_workspace.runs[name])
        for name in ("ease", "elsewhere")
    )
    assert "trained on other data" in str(why_not(ours, other))


def test_another_split_of_the_same_data_is_refused_too(trained_workspace):
    runs = trained_workspace.workspace.runs
    one = read_run(runs / trained_workspace.runs["ease"])
    other = read_run(runs / trained_workspace.runs["elsewhere"])
    other = replace(other, record=replace(other.record, dataset_hash=one.record.dataset_hash))
    said = str(why_not(one, other))
    assert "another split" in said
    for run in (one, other):
        assert run.record.split_hash[:8] in said
    assert why_not(one, one) is None


def test_helped_harmed_and_same_add_up_to_all_users(trained_workspace):
    app = open_page("metrics", run=trained_workspace.runs["ease"])
    shown = {metric.label: metric.value for metric in app.metric}
    same = int(re.search(r"(\d+) the same", words(app)).group(1))
    assert int(shown["helped"]) + int(shown["harmed"]) + same == 240
    assert int(shown["helped"]) > int(shown["harmed"])  # books were planted to help


def test_popularity_itself_has_nothing_to_be_compared_with(trained_workspace):
    app = well(open_page("metrics", run=trained_workspace.runs["popularity"]))
    assert "nothing to compare" in words(app)


def test_users_are_listed_with_their_difference_and_a_box_keeps_some(trained_workspace):
    app = open_page("metrics", run=trained_workspace.runs["ease"])
    users = app.dataframe[0].value
    assert len(users) == 240
    assert users["Difference"].is_monotonic_decreasing
    box = {"selection": {"points": [], "box": [{"x": [0.2, 1.0], "y": [0, 9]}], "lasso": []}}
    app.session_state["differences"] = box
    kept = well(app.run()).dataframe[0].value
    assert 0 < len(kept) < 240
    assert kept["Difference"].min() >= 0.2


def test_a_chosen_row_leads_to_that_users_recommendations(trained_workspace):
    app = open_page("metrics", run=trained_workspace.runs["ease"])
    user = app.dataframe[0].value["User"].iloc[3]
    rows = {"selection": {"rows": [3], "columns": [], "cells": []}}
    app.session_state["moved_users"] = rows
    well(app.run())
    (link,) = [link.proto for link in app.get("page_link") if user in link.proto.label]
    assert link.page.endswith("recommendations")
    assert f"user={user}" in link.query_string


def test_trade_off_draws_every_run(trained_workspace):
    app = open_page("metrics", run=trained_workspace.runs["ease"])
    app.session_state["metrics_tab"] = "Trade-off"
    well(app.run())
    (chart,) = [e for e in app.get("plotly_chart") if "ItemKNN" in e.proto.spec]
    assert len(json.loads(chart.proto.spec)["data"][0]["text"]) == 4


@pytest.mark.parametrize(
    "address",
    [
        {"run": "../../etc"},
        {"run": "<img src=x>"},
        {"run": "x" * 5000},
        {"k": "abc"},
        {"k": "999999999"},
        {"k": "nan"},
        {"part": "train"},
        {"segment": "target_history:no"},
        {"metric": "__class__"},
        {"by": "../"},
        {"order": "%00"},
        {"split": "../../x"},
    ],
)
def test_nonsense_in_the_address_bar_shows_the_page_as_usual(trained_workspace, address):
    app = well(open_page("metrics", **address))
    assert "nDCG@10" in table_text(app)
    if "run" in address and len(address["run"]) < 200:
        assert "There is no run" in words(app)


@pytest.mark.parametrize(
    ("label", "cut"),
    [
        ("EASE · seed 2022", False),
        ("图书与电影合并之后的第二次", True),
        ("EASE on the books of 2025 without the twins", True),
    ],
)
def test_a_name_that_the_box_cuts_stands_whole_in_the_sidebar(trained_workspace, label, cut):
    """Chinese letters are twice as wide as Latin ones."""
    run = read_run(trained_workspace.workspace.runs / trained_workspace.runs["ease"])
    was = run.label
    rename_run(run, label)
    try:
        assert (label in said_beside(well(open_page("metrics", run=run.id)))) == cut
    finally:
        rename_run(run, was)


def test_what_tells_runs_of_one_name_apart_stands_in_the_sidebar(trained_workspace):
    """Two runs of one name are told apart behind the name, where the box cuts it."""
    here = trained_workspace.workspace.runs
    run, other = (read_run(here / trained_workspace.runs[name]) for name in ("ease", "item_knn"))
    was = other.label
    rename_run(other, run.label)
    try:
        said = said_beside(well(open_page("metrics", run=run.id)))
    finally:
        rename_run(other, was)
    assert any(line.startswith(f"{run.label} · ") and "twin" not in line for line in said)


def said_beside(app) -> list[str]:
    """What the sidebar says in small print, line by line."""
    captions = [caption.value for caption in app.sidebar.caption]
    return [line.strip() for caption in captions for line in caption.splitlines()]


def test_a_link_brings_the_same_view(trained_workspace):
    address = {
        "run": trained_workspace.runs["item_knn"],
        "k": "20",
        "part": "valid",
        "metric": "recall",
        "segment": "target_history:0",
    }
    app = well(open_page("metrics", **address))
    assert app.selectbox(key="sidebar_run").value == trained_workspace.runs["item_knn"]
    assert app.segmented_control(key="k_widget").value == 20
    assert app.segmented_control(key="part_widget").value == "valid"
    assert app.selectbox(key="metric_widget").value == "recall"
    assert app.selectbox(key="segment_widget").value == "target_history:0"


def test_differences_are_signed_and_coloured_by_their_intervals(trained_workspace):
    """Ten figures of four runs with 36 intervals had to be subtracted in one's head."""
    app = well(open_page("metrics", run=trained_workspace.runs["ease"]))
    table = app.table[0].value.set_index("Figure")
    own = read_run(trained_workspace.workspace.runs / trained_workspace.runs["ease"])
    gap = own.record.lift["ndcg@10"]
    cell = table["minus its twin"]["nDCG@10"]
    assert cell.startswith(f":green-background[**+{gap['mean']:.3f}".replace("0.", "."))
    assert f"+{gap['low']:.3f}".replace("0.", ".") in cell


def test_a_difference_without_proof_has_no_colour_and_an_error_that_grows_is_red():
    assert heat_cell({"mean": 0.01, "low": -0.01, "high": 0.03}, "ndcg@10").startswith("+.010 ")
    assert heat_cell({"mean": 0.02, "low": 0.01, "high": 0.03}, "rmse").startswith(
        ":red-background"
    )
    assert heat_cell({"mean": 0.02, "low": np.nan, "high": np.nan}, "gini@10") == "+.020"
    purpose = heat_cell({"mean": 0.02, "low": 0.01, "high": 0.03}, "average_popularity@10")
    assert purpose.startswith(":violet-background")  # more is neither better nor worse
