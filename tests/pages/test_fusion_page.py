"""The Fusion page as a person uses it, on runs that were really trained."""

import base64
import json
import re

import numpy as np
import pandas as pd
import pytest

from core.charts.theme import SOURCE_COLOUR
from core.data.pair import DomainPair
from core.data.snapshot import SplitTables, write_snapshot
from core.fusion.fused import EQUAL, SHARES
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.measured import looks
from core.store.run_folder import read_run
from core.ui.fusion import data
from core.ui.fusion.beyond import _front_words
from tests.pages.stories import open_page, planted_split, well, words


def run_of(trained, name):
    return read_run(trained.workspace.runs / trained.runs[name])


def slider(app, name):
    return next(one for one in app.slider if name in one.label)


def looked_at(app):
    """The table of test figures, of which there is one at most."""
    return [table for table in app.table if table.value.index.name == "test"]


def press(app, label):
    return well(next(one for one in app.button if one.label == label).click().run())


def chart(app, key):
    """Traces and layout of the chart with this key."""
    for element in app.get("plotly_chart"):
        if key in element.proto.id:
            return json.loads(element.proto.spec)
    raise AssertionError(f"no chart {key}")


def cockpit(app):
    """What the browser is given to move by itself."""
    (drawn,) = app.get("bidi_component")
    return json.loads(drawn.proto.json)


def plain_page(**address):
    """The page with the plain controls, which ask the server at every move."""
    app = open_page("fusion", **address)
    app.session_state["fusion_plain"] = True
    return app.run()


def listed(app):
    """HTML of the list where the plain sliders stand."""
    return app.get("html")[-1].proto.body


def marks(html):
    return re.findall(r"font-weight:600\">([^<]*)<", html)


def numbers(values):
    """What an axis of a chart holds; arrays travel as bytes."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).tolist()
    return list(values)


def here_line(app):
    shapes = chart(app, "fusion_curve")["layout"]["shapes"]
    return [shape["x0"] for shape in shapes if shape["type"] == "line"]


def test_an_empty_workspace_says_what_is_missing(empty_workspace):
    app = well(open_page("fusion"))
    assert "no trained run yet" in words(app)
    assert not app.slider


def test_the_page_opens_at_the_best_of_validation_and_other_pages_stay_at_one_to_one(
    trained_workspace, monkeypatch
):
    """Two identical lists and three differences of .000 were the first one saw."""
    monkeypatch.setattr(data, "best_share", lambda *_: 0.75)  # here it is 1 : 1
    app = well(open_page("fusion", run=trained_workspace.runs["ease"]))
    shown = cockpit(app)
    assert (shown["alpha"], shown["beta"]) == (1.0, 0.33)
    assert "alpha" not in app.query_params  # nobody moved them yet
    assert not app.get("plotly_chart")  # nor is anything large loaded that nobody opened


def test_the_address_wins_over_the_best_of_validation(trained_workspace):
    shown = cockpit(well(open_page("fusion", run=trained_workspace.runs["ease"], alpha="0.4")))
    assert (shown["alpha"], shown["beta"]) == (0.4, 1.0)


def test_every_tile_says_validation_and_at_one_to_one_has_the_models_own_quality(
    trained_workspace,
):
    """The tile read .2030 without a word beside .242 of test on other pages."""
    address = {"run": trained_workspace.runs["ease"], "alpha": "1", "beta": "1"}
    shown = cockpit(well(open_page("fusion", **address)))
    assert [tile["title"] for tile in shown["tiles"]] == [
        f"{name}@10, validation" for name in ("nDCG", "Recall", "Hit rate", "Coverage")
    ]
    own = run_of(trained_workspace, "ease").record.valid["ndcg@10"]["mean"]
    assert shown["here"][0][0] == pytest.approx(own)
    assert shown["tiles"][0]["at"][EQUAL][0] == pytest.approx(own)
    plainly = well(plain_page(**address))
    assert plainly.metric[0].label == "nDCG@10, validation"
    assert float(plainly.metric[0].value) == pytest.approx(own, abs=6e-5)
    assert len(plainly.get("plotly_chart")) == 1
    assert "against 1 : 1" not in words(plainly)  # a difference of nothing to itself


def test_what_moves_on_the_way_is_what_the_server_finds_there(trained_workspace):
    address = {"run": trained_workspace.runs["ease"], "alpha": "0.25", "beta": "1"}
    shown = cockpit(open_page("fusion", **address))
    assert shown["curve"]["shares"] == SHARES.tolist()
    at = [tile["at"][SHARES.tolist().index(0.2)] for tile in shown["tiles"]]
    assert at == shown["here"]


def test_moving_alpha_moves_the_line_the_formula_the_figures_and_the_address(trained_workspace):
    app = well(plain_page(run=trained_workspace.runs["ease"]))
    before = app.metric[0].value
    slider(app, "alpha").set_value(0.0).run()
    assert "target only" in words(well(app))
    assert "0.00 · books" in words(app)
    assert here_line(app) == [0.0]
    assert app.metric[0].value != before
    assert app.query_params["alpha"] == "0.0"
    assert app.query_params["beta"] == str(slider(app, "beta").value)  # both, or neither


def test_a_link_opens_the_same_weights_kind_and_scale(trained_workspace):
    address = {"alpha": "0.4", "beta": "0.8", "kind": "reciprocal rank", "k": "5"}
    shown = cockpit(well(open_page("fusion", run=trained_workspace.runs["ease"], **address)))
    assert (shown["alpha"], shown["beta"]) == (0.4, 0.8)
    assert "rank in books" in shown["formula"][0]
    app = well(plain_page(run=trained_workspace.runs["ease"], **address))
    assert (slider(app, "alpha").value, slider(app, "beta").value) == (0.4, 0.8)
    assert "you are at **0.5 : 1**" in words(app)
    assert "rank in books" in words(app)
    assert app.metric[0].label == "nDCG@5, validation"


def test_screen_readers_hear_the_names_of_the_plain_sliders_without_marks(trained_workspace):
    """They heard “:orange[**alpha**, weight of books]”."""
    app = plain_page(run=trained_workspace.runs["ease"])
    assert slider(app, "alpha").label == "alpha, weight of books"
    assert ":orange[**alpha**, weight of books]" in words(app)


def test_the_scale_is_raw_where_parts_add_up_and_the_page_says_why(trained_workspace):
    said = words(open_page("fusion", run=trained_workspace.runs["ease"]))
    assert "parts add up to its own score, so raw is the default" in said


def test_best_on_validation_jumps_to_a_ratio_no_worse_than_the_best(trained_workspace):
    app = well(plain_page(run=trained_workspace.runs["ease"], alpha="0.1"))
    press(app, "Best on validation")
    share = here_line(app)[0]
    near = [
        shape
        for shape in chart(app, "fusion_curve")["layout"]["shapes"]
        if shape["type"] == "rect" and shape["x0"] <= share <= shape["x1"]
    ]
    assert near
    button = next(one for one in app.button if one.label == "Best on validation")
    assert not button.help  # it lay over the slider and the number that the button changes
    press(app, "Equal, 1 : 1")
    assert slider(app, "alpha").value == slider(app, "beta").value == 1.0


def test_test_is_shown_for_a_pinned_point_only_and_every_point_is_counted_once(trained_workspace):
    run = run_of(trained_workspace, "ease")
    app = well(open_page("fusion", run=run.id, alpha="0.5"))
    assert "show_test" not in [button.key for button in app.button]
    press(app, "Pin this point")
    assert not looked_at(app)
    before = len(looks(run))
    press(app, "Show test")
    assert len(looks(run)) == before + 1
    assert "nDCG@10" in looked_at(app)[0].value.to_string()
    press(app, "Show test")
    assert len(looks(run)) == before + 1
    press(app, "Equal, 1 : 1")
    assert "alpha \\.5" in words(app)  # the pin stays where it was
    press(app, "Pin this point")
    press(app, "Show test")
    assert len(looks(run)) == before + 2
    test = run.record.test["ndcg@10"]["mean"]
    assert f"{test:.3f}".lstrip("0") in looked_at(app)[0].value.loc["nDCG@10", "pinned"]


def test_a_users_list_shows_where_each_item_came_from(trained_workspace):
    app = well(plain_page(run=trained_workspace.runs["ease"], alpha="0", order="typical"))
    after = listed(app)
    assert "from books" in after
    assert "from films" in after
    assert after.count("<li ") == 10
    widths = re.findall(rf"background:{SOURCE_COLOUR};left:[\d.]+%;width:([\d.]+)%", after)
    assert set(widths) == {"0.00"}  # alpha is 0: no orange at all
    assert all(mark[0] in "=▲▼" for mark in marks(after))


def test_a_cold_users_list_says_that_no_weight_changes_it(trained_workspace):
    address = {"run": trained_workspace.runs["ease"], "alpha": "0", "order": "cold"}
    shown = cockpit(well(open_page("fusion", **address)))
    assert "only books says anything here" in shown["list"]["still"]
    app = well(plain_page(**address))
    assert "only books says anything here" in words(app)
    assert set(marks(listed(app))) == {"="}


def test_any_validation_user_is_found_by_id_and_a_stranger_is_named(trained_workspace):
    app = well(open_page("fusion", run=trained_workspace.runs["ease"]))
    find = next(one for one in app.text_input if one.label == "Find by id")
    find.set_value("u017").run()
    assert cockpit(well(app))["list"]["user"] == "u017"
    next(one for one in app.text_input if one.label == "Find by id").set_value("![x](y)").run()
    assert "is no validation user" in words(well(app))


def test_a_model_that_reads_no_history_says_that_no_weight_changes_a_list(trained_workspace):
    app = well(open_page("fusion", run=trained_workspace.runs["popularity"]))
    assert "hears from one domain at most, so no weight changes any list" in words(app)
    assert not app.get("bidi_component")
    assert not app.main.button
    assert not app.tabs


def test_where_nobody_has_both_histories_there_is_that_sentence_and_no_board(
    empty_workspace, monkeypatch
):
    """Beside 138 validation users stood: fewer than ten, and a board that moved nothing."""
    split = planted_split(empty_workspace, seed=3)
    run = train_run(RunPlan(split, "popularity"), empty_workspace).name
    monkeypatch.setattr(DomainPair, "target_history", np.zeros(1000, int))
    app = well(open_page("fusion", run=run))
    assert "No validation user has both histories" in words(app)
    assert not app.get("bidi_component")
    assert not app.tabs


@pytest.mark.parametrize("kind", ["product", "reciprocal rank"])
def test_every_kind_draws_its_curve(trained_workspace, kind):
    address = {"run": trained_workspace.runs["ease"], "kind": kind, "scale": "z-score"}
    assert len(cockpit(well(open_page("fusion", **address)))["curve"]["mean"]) == 21
    app = well(plain_page(**address))
    assert len(numbers(chart(app, "fusion_curve")["data"][0]["y"])) == 21


def test_the_words_say_why_a_plain_product_changes_nothing(trained_workspace):
    said = words(open_page("fusion", run=trained_workspace.runs["ease"]))
    assert "could not change a single list" in said
    assert "Doubling both weights changes no list" in said


def test_a_product_standardises_the_parts_and_a_sum_of_parts_that_add_up_does_not(
    trained_workspace,
):
    app = well(open_page("fusion", run=trained_workspace.runs["ease"]))
    assert app.segmented_control(key="scale_widget").value == "raw"
    app.segmented_control(key="kind_widget").set_value("product").run()
    assert app.segmented_control(key="scale_widget").value == "z-score"
    assert "A product needs parts in like units" in words(well(app))


def test_a_gate_by_activity_stands_beside_one_pair_with_its_interval(trained_workspace):
    app = well(open_page("fusion", run=trained_workspace.runs["ease"]))
    said = words(app)
    assert "Weighing by activity" in said
    assert "fitted on others (five folds)" in said
    (table,) = (table.value for table in app.table if "weights" in table.value)
    assert table["weights"].tolist() == ["by activity", "one pair for everybody"]
    assert list(table)[2:] == ["nDCG@10, validation", "difference"]
    ours, theirs = (float(one) for one in table["nDCG@10, validation"])
    said = table["difference"][0].split(" ")[0].replace("−", "-")
    assert ours - theirs == pytest.approx(float(said), abs=1.5e-4)  # of one population


def test_each_segment_has_its_best_ratio_in_a_tab(trained_workspace, monkeypatch):
    app = open_page("fusion", run=trained_workspace.runs["ease"])
    app.session_state["fusion_tab"] = "Best ratio by segment"
    well(app.run())
    lines = cockpit(app)["curve"]["lines"]
    if lines:
        dots = numbers(chart(app, "fusion_best")["data"][0]["x"])
        assert dots == [line["dot"][0] for line in lines]
    else:
        assert "No segment has the 100 validation users" in words(app)


def test_the_trade_off_of_two_metrics_names_what_is_given_up(trained_workspace):
    app = open_page("fusion", run=trained_workspace.runs["ease"])
    app.session_state["fusion_tab"] = "Trade-off of two metrics"
    well(app.run())
    drawn = chart(app, "pareto")["data"][1]
    assert len(drawn["text"]) == 21
    assert "1 : 1" in drawn["text"]
    assert "Coverage@10" in words(app)


def test_a_split_without_validation_says_that_no_weights_can_be_chosen(empty_workspace):
    columns = ["user_id", "item_id"]
    rows = [(f"u{user}", f"i{(user + step) % 12}") for user in range(30) for step in range(5)]
    frame = pd.DataFrame(rows, columns=columns)
    tables = SplitTables(
        frame, frame[: len(frame) - 30], frame[:0], frame[len(frame) - 30 :], None, None
    )
    folder = write_snapshot(
        empty_workspace.splits,
        tables,
        source_name="books",
        target_name="films",
        kind="given files",
        seed=0,
        settings={},
        dataset_hash="0" * 16,
    )
    train_run(RunPlan(folder.name, "ease"), empty_workspace)
    app = well(open_page("fusion"))
    assert "no weights can be chosen" in words(app)
    assert not app.slider


def test_a_network_can_be_asked_with_less_of_a_history(empty_workspace):
    """Weights before a nonlinear head: a plane, because more than the ratio counts."""
    split = planted_split(empty_workspace, seed=3)
    plan = RunPlan(split, "mult_vae", {"epochs": 2, "factors": 8, "hidden": 16})
    run = train_run(plan, empty_workspace).name
    app = open_page("fusion", run=run)
    app.session_state["fusion_tab"] = "Weights before the network"
    well(app.run())
    drawn = chart(app, "feature_plane")["data"]
    assert [trace["name"] for trace in drawn[2:]] == ["highest", "you are here"]
    assert "weights before the network" in words(app)


def test_ratios_that_all_give_the_same_cost_nothing():
    """For popularity it said: from Coverage .035 to .035 costs nDCG .0996 to .0996."""
    table = pd.DataFrame({"share": [0.0, 0.5], "ndcg": [0.1, 0.1], "coverage": [0.2, 0.2]})
    titles = {"ndcg": "nDCG@10", "coverage": "Coverage@10"}
    words = _front_words(table, np.array([True, True]), "coverage", "ndcg", titles)
    assert words.startswith("Nothing has to be given up: 2 ratios give the same Coverage@10")
