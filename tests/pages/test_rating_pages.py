"""Every page on a workspace whose newest run predicts ratings, beside a run that ranks."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.basics.columns import CATEGORIES, ITEM
from core.basics.workspace import Workspace
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.runs.report.blocks import Grid
from core.runs.report.evidence import gather
from core.runs.report.weights import rivals_section
from core.store.run_folder import list_runs, read_run
from core.ui.train.runs import comparison
from tests.core.runs.making.test_make_run_ratings import rated_tables, written
from tests.pages.stories import ROOT


@pytest.fixture(scope="module")
def rated(tmp_path_factory) -> Workspace:
    here = Workspace(tmp_path_factory.mktemp("rated"))
    kinds = pd.DataFrame({ITEM: [f"film{n}" for n in range(24)], CATEGORIES: ["even", "odd"] * 12})
    split = written(here, replace(rated_tables(), items_target=kinds))
    train_run(RunPlan(split, "ease"), here)
    train_run(RunPlan(split, "bias"), here)
    settings = {"regularization": 2.0, "factors": 4}
    train_run(RunPlan(split, "cmf_rating", settings, label="ratings of both"), here)
    return here


@pytest.fixture(autouse=True)
def in_workspace(rated, monkeypatch):
    monkeypatch.setenv("CROSSWALK_WORKSPACE", str(rated.root))


def opened(name: str, rated: Workspace, model: str = "cmf_rating") -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = next(rated.runs.glob(f"{model}-*")).name
    app.switch_page(f"pages/{name}.py")
    app.run()
    assert not app.exception, app.exception
    assert not app.error, [error.value for error in app.error]
    return app


def words(app: AppTest) -> str:
    return "\n".join(str(element.value) for element in [*app.markdown, *app.caption])


@pytest.mark.parametrize("model", ["cmf_rating", "bias", "ease"])
@pytest.mark.parametrize(
    "name", ["start", "data", "train", "fusion", "metrics", "embeddings", "recommendations"]
)
def test_every_page_opens_on_a_run_of_ratings_and_on_one_that_ranks_beside_it(name, model, rated):
    opened(name, rated, model)


def test_the_start_page_judges_a_run_of_ratings_by_its_error(rated):
    said = words(opened("start", rated))
    assert "RMSE" in said
    assert "helps" in said
    assert "points nearer" in said


def test_metrics_of_a_run_of_ratings_begin_with_its_errors(rated):
    app = opened("metrics", rated)
    assert app.selectbox(key="metric_widget").value == "rmse"
    said = words(app)
    assert "Left of zero: history in books helps" in said
    labels = json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]["yaxis"]
    assert "… over biases" in labels["ticktext"]  # what users without target history compete with
    errors = app.table[0].value
    assert list(errors.columns) == ["Run", "RMSE", "MAE"]
    names = errors["Run"].tolist()
    assert len(names) == 4  # the run, its twin, the biases, and EASE, which has no errors
    ease = errors[errors["Run"].str.startswith("EASE")].iloc[0]
    assert (ease["RMSE"], ease["MAE"]) == ("–", "–")
    assert {"This run", "minus its twin"} < set(app.table[1].value)
    app.selectbox(key="metric_widget").set_value("ndcg").run()
    assert not app.exception
    assert "Right of zero" in words(app)


def test_errors_stand_beside_a_run_that_ranks_too(rated):
    """Runs side by side took the metrics of the first: RMSE vanished beside nDCG."""
    app = opened("metrics", rated, "ease")
    assert app.selectbox(key="metric_widget").value == "ndcg"
    lists, errors = (table.value for table in app.table[:2])
    assert "nDCG@10" in lists["Figure"].tolist()
    assert list(errors.columns) == ["Run", "RMSE", "MAE"]
    assert len(errors) == len(lists.columns) - 1
    has = dict(zip(errors["Run"], errors["RMSE"] != "–", strict=True))
    assert [has[name] for name in has if name.startswith("EASE")] == [False, False]  # and its twin
    assert has["ratings of both"]
    assert "predicts no ratings" in words(app)
    app.session_state["metrics_tab"] = "Trade-off"
    app.run()
    assert "RMSE" in app.selectbox(key="across").options
    app.selectbox(key="across").set_value("rmse").run()
    assert not app.exception
    assert "and left out: EASE" in words(app)
    app.session_state["metrics_tab"] = "Ratings"
    app.run()
    assert not app.exception
    assert "ratings of both predicts" in words(app)


def test_runs_of_both_tasks_are_compared_in_every_metric_of_either(rated):
    runs = {run.record.model: run for run in list_runs(rated)}
    for order in (("ease", "cmf_rating"), ("cmf_rating", "ease")):
        table = comparison([runs[name] for name in order]).set_index("On test users")
        ranks, rates = (f"{order.index(m) + 1}. {runs[m].label}" for m in ("ease", "cmf_rating"))
        assert table.loc["RMSE", ranks] == "–"
        assert float(table.loc["RMSE", rates].split()[0]) > 0
        assert (table.loc["nDCG@10"] != "–").all()


def test_a_report_shows_runs_of_both_tasks_in_the_metrics_of_either(rated):
    for model, first in (("ease", "nDCG@10"), ("cmf_rating", "RMSE")):
        run = read_run(next(rated.runs.glob(f"{model}-*")))
        section = rivals_section(gather(rated, run))
        grid = next(block for block in section.blocks if isinstance(block, Grid))
        assert grid.head[1] == first
        assert {"nDCG@10", "RMSE"} <= set(grid.head)
        ease = next(row for row in grid.rows if row[0].startswith("EASE"))
        assert ease[grid.head.index("RMSE")] == "–"
        assert ease[grid.head.index("nDCG@10")] != "–"


def test_the_run_table_shows_errors_where_a_run_has_them(rated):
    table = opened("train", rated).dataframe[0].value
    row = table[table["Name"] == "ratings of both"].iloc[0]
    run = read_run(next(rated.runs.glob("cmf_rating-*")))
    assert row["RMSE"] == run.record.test["rmse"]["mean"]
    assert row["RMSE over twin"] < 0
    assert table.loc[table["Name"].str.contains("EASE"), "RMSE"].isna().all()


def test_the_plane_moves_with_both_sliders_and_test_waits_to_be_asked_for(rated):
    app = opened("fusion", rated)
    before = [metric.value for metric in app.metric]
    app.slider(key="alpha_widget").set_value(0.3).run()
    app.slider(key="beta_widget").set_value(0.3).run()
    assert [metric.value for metric in app.metric] != before  # one ratio, another error
    assert "0.30 · books" in words(app)
    assert not app.table
    app.button(key="plane_test").click().run()
    assert len(app.table) == 1
    assert "looked at for 1 point" in words(app)
    app.button(key="plane_equal").click().run()
    assert [metric.value for metric in app.metric] == before


def test_a_run_of_ratings_without_a_source_part_says_that_there_is_nothing_to_weigh(rated):
    """Sliders changed nothing, over a plane of one colour and a scale from .2 to 1.2."""
    app = opened("fusion", rated, "bias")
    assert "There is nothing to weigh" in app.info[0].value
    assert not app.slider
    assert not app.get("plotly_chart")


def test_lists_of_a_run_of_ratings_say_that_they_are_by_predicted_rating(rated):
    app = opened("recommendations", rated)
    assert "Ordered by predicted rating" in words(app)
    ranks = opened("recommendations", rated, "ease")
    assert "Ordered by predicted rating" not in words(ranks)


def test_ratings_tell_the_share_of_their_spread_and_whether_a_four_is_a_four(rated):
    app = opened("metrics", rated)
    app.session_state["metrics_tab"] = "Ratings"
    app.run()
    assert not app.exception
    assert "of the spread of held-out ratings (R²)" in words(app)
    table = next(f.value for f in app.dataframe if "R²" in f.value)
    assert {"MSE", "Explained variance", "Rating calibration"} <= set(table)


def test_fairness_tells_whom_ratings_are_predicted_worse_for_and_which_categories_grow(rated):
    app = opened("metrics", rated)
    app.session_state["metrics_tab"] = "Fairness"
    app.session_state["unfairness_group"] = "10–19"
    app.session_state["fairness_look"] = "Errors of ratings"
    app.run()
    assert not app.exception
    said = words(app)
    assert "points an item (value unfairness), by" in said
    unfair = next(f.value for f in app.dataframe if "Non-parity" in f.value)
    assert len(unfair) == 3  # the run, its twin and the biases
    app.session_state["fairness_look"] = "Items and categories"
    said = words(app.run())
    assert not app.exception
    assert "No category has another share of the lists than of the histories" in said
    kinds = next(f.value for f in app.dataframe if "Disparity (BD)" in f.value)
    assert sorted(kinds["Category"]) == ["even", "odd"]
    assert "ItemMAD" in next(f.value for f in app.dataframe if "RSP" in f.value)
    assert "users with no history in films" in app.selectbox(key="disparity_group").options
    app.selectbox(key="disparity_group").set_value("0").run()
    assert not app.exception
    assert "of these users have history in the target: nothing to say" in words(app)


def test_a_predicted_rating_over_a_threshold_is_a_yes(rated):
    app = opened("metrics", rated)
    app.session_state["metrics_tab"] = "Classification"
    app.session_state["yes_means"] = "predicted rating"
    app.run()
    assert not app.exception
    assert "held-out ratings" in words(app)
    assert "have a LogLoss of" in words(app)
    losses = next(f.value for f in app.dataframe if "LogLoss" in f.value)
    assert losses["Run"].tolist()[-1] == "always the share of validation"
    app.slider(key="classification_said").set_value(app.slider(key="classification_said").max)
    app.run()
    assert not app.exception
    counts = next(f.value for f in app.dataframe if "said yes" in f.value)
    assert len(counts) == 2
