"""Tabs of the Metrics page that are made from lists: beyond accuracy, fairness, yes and no."""

import json
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.basics.workspace import Workspace
from core.store.run_folder import read_run
from core.ui.metrics.classification import _words
from tests.pages.stories import ROOT, Trained, entered, well, words


def opened_tab(trained: Trained, tab: str, run: str = "ease", **address: str):
    """The page after a link, with the tab open from the first."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = trained.runs[run]
    for key, value in address.items():
        app.query_params[key] = value
    app.session_state["metrics_tab"] = tab
    return well(app.switch_page("pages/metrics.py").run())


def tables(app) -> dict:
    """Tables of figures by their first heading after the run's name."""
    return {frame.value.columns[1]: frame.value for frame in app.dataframe}


def test_beyond_accuracy_stands_beside_twin_and_popularity_with_a_sentence_each(trained_workspace):
    app = opened_tab(trained_workspace, "Beyond accuracy")
    heat = app.table[-1].value
    assert {"This run", "Its twin", "Difference"} < set(heat)
    assert heat["Difference"].str.contains("-background").any()
    said = " ".join(heat[""])
    for heading in (
        "Variety",
        "Surprise",
        "Popularity and exposure",
        "Further ranking metrics",
        "Areas under the curve",
    ):
        assert heading in said
    assert not [name for name in heat["Figure"] if "Full lists" in name]
    said = ""
    shown = {}
    for group in ("Variety", "Surprise", "Popularity and exposure", "Categories and change"):
        app.session_state["beyond_look"] = group
        said += words(well(app.run()))
        shown |= tables(app)
    app.session_state["beyond_look"] = "Re-ranked"
    told = words(well(app.run()))
    assert "What does more variety cost" in told
    assert re.search(
        r"mmr\*\*: up to strength .* no loss of nDCG is shown; at \.9 it is [−+]", told
    )
    assert "Two users' lists have" in said
    assert "every run gives everybody a full list" in said
    assert "Half of all places in lists go to" in said
    assert "no categories" in said  # the planted films have none
    assert re.search(r"\d+ % of the scores in the run's lists come from the source, of 192", said)
    exposure = shown["Average popularity@10"].set_index("Run")
    names = " ".join(exposure.index)
    for name in ("EASE", "its twin", "ItemKNN", "Popularity"):
        assert name in names
    own = read_run(trained_workspace.workspace.runs / trained_workspace.runs["ease"]).record
    coverage = own.test["coverage@10"]["mean"]
    cell = exposure["Coverage@10"].filter(like="EASE").iloc[0]
    assert cell == f"{coverage:.3f}".removeprefix("0")
    surprise = shown["Serendipity@10"].set_index("Run")
    assert surprise["Unexpectedness@10"].filter(like="Popularity").iloc[0].startswith(".0")

    for frame in app.dataframe:
        columns = [column for column in frame.value if column != "Run"]
        assert all(f'"{column}"' in frame.proto.columns for column in columns)
        assert frame.proto.columns.count('"help"') == len(columns)


def test_k_and_segment_change_the_figures_of_lists(trained_workspace):
    app = opened_tab(trained_workspace, "Beyond accuracy", k="5", segment="target_history:0")
    assert "48 users at k = 5" in words(app)
    assert "Serendipity@5" in list(app.table[-1].value["Figure"])
    app.session_state["metrics_tab"] = "Per user"
    assert (
        "Figure" not in well(app.run()).table[-1].value or len(app.table) == 1
    )  # a closed tab computes nothing


@pytest.mark.parametrize("tab", ["Beyond accuracy", "Fairness", "Classification"])
def test_a_segment_nobody_was_evaluated_in_is_too_few_to_say(trained_workspace, tab, monkeypatch):
    """Two users' lists had "nan%" in common, and the Fairness tab met a problem."""
    monkeypatch.setattr("core.ui.metrics.view.FEWEST", 49)
    said = words(opened_tab(trained_workspace, tab, segment="target_history:0"))
    assert "48 users of this segment evaluated: too few to say." in said
    assert "nan%" not in said


def test_a_threshold_without_a_yes_is_said_in_words():
    """The page said: of what the run says yes to, nan% is relevant."""
    rows = pd.DataFrame({"run": "EASE", "metric": ["class_precision", "class_recall", "mcc"]})
    own = SimpleNamespace(own="EASE")
    assert "never says yes" in _words(rows.assign(mean=[np.nan, 0.0, np.nan]), own)
    assert "Nothing is truly relevant" in _words(rows.assign(mean=[0.0, np.nan, np.nan]), own)


def test_a_run_of_an_older_version_says_that_it_kept_no_lists(
    trained_workspace, tmp_path, monkeypatch
):
    copy = Workspace(tmp_path / "workspace")
    shutil.copytree(trained_workspace.workspace.root, copy.root)
    for path in copy.runs.glob("*/**/lists_*.parquet"):
        path.unlink()
    entered(copy, monkeypatch)
    app = opened_tab(Trained(copy, trained_workspace.runs), "Beyond accuracy")
    assert "kept no lists. Train it again" in words(app)
    for tab in ("Fairness", "Classification"):
        app.session_state["metrics_tab"] = tab
        assert "kept no lists. Train it again" in words(well(app.run()))


def test_fairness_names_best_and_worst_group_and_warns_of_itself(trained_workspace):
    app = opened_tab(trained_workspace, "Fairness")
    said = words(app)
    assert "contradict each other" in said
    assert "The run does best for" in said
    heat = app.table[-1].value
    assert len(heat) == 3  # a row per group of users, by what they had
    assert heat["Difference"].str.contains("-background").any()
    for look in ("Popularity of lists", "Items and categories", "Every run by group"):
        app.session_state["fairness_look"] = look
        said += words(well(app.run()))
    assert "Delta-GAP" in said
    assert "The most popular fifth of the catalogue (13 items)" in said
    groups = next(f.value for f in app.dataframe if "Worst group" in f.value)
    assert len(groups) == 4
    app.selectbox(key="fairness_metric").set_value("intra_list_diversity")
    app.segmented_control(key="fairness_by").set_value("source_history")
    said = words(well(app.run()))
    assert "Fewer than two groups have 10 users" in said  # everybody took eight books


def test_a_segment_of_few_users_has_no_figure(trained_workspace):
    app = opened_tab(trained_workspace, "Fairness", segment="target_history:0")
    assert "Fewer than two groups" in words(app)
    app.session_state["fairness_look"] = "Popularity of lists"
    assert "Nobody has history in films" in words(well(app.run()))


def test_the_classification_report_counts_every_pair_and_follows_the_threshold(trained_workspace):
    app = opened_tab(trained_workspace, "Classification")
    table = next(f.value for f in app.dataframe if "class" in f.value).set_index("class")
    assert table.loc["relevant", "support"] == "720"  # three films of each of 240 users
    counts = next(f.value for f in app.dataframe if "said yes" in f.value)
    whole = sum(
        int(cell.replace(",", "")) for cell in counts[["said yes", "said no"]].to_numpy().flat
    )
    assert f"{whole:,}" in words(app)
    app.slider(key="classification_k").set_value(50)
    well(app.run())
    wider = next(f.value for f in app.dataframe if "class" in f.value).set_index("class")
    assert float(wider.loc["relevant", "recall"]) > float(table.loc["relevant", "recall"])
    assert "of what the run says yes to," in words(app).lower()


def test_figures_of_lists_can_be_traded_off_against_accuracy(trained_workspace):
    app = opened_tab(trained_workspace, "Trade-off")
    app.selectbox(key="across").set_value("gini@10")
    well(app.run())
    (chart,) = [e for e in app.get("plotly_chart") if "Gini of exposure@10" in e.proto.spec]
    trace = json.loads(chart.proto.spec)["data"][0]
    assert len(trace["text"]) == 4
    assert not [name for name in app.selectbox(key="across").options if "RBO" in name]
    assert "better is left and up" in words(app)  # less inequality, more nDCG
    table = next(f.value for f in app.dataframe if "Hypervolume" in f.value)
    assert len(table) == 4
    assert f"**{table['Run'].iloc[0]}**" in words(app).replace("\\", "")
    assert json.loads(chart.proto.spec)["data"][1]["marker"]["symbol"] == "star-open"


def test_popularity_itself_is_shown_without_a_twin(trained_workspace):
    app = opened_tab(trained_workspace, "Beyond accuracy", run="popularity")
    assert "run − its twin" not in str([frame.value for frame in app.dataframe])
    for tab in ("Fairness", "Classification"):
        app.session_state["metrics_tab"] = tab
        well(app.run())
