"""The Recommendations page as a person uses it, on runs that were really trained."""

import base64
import json
import time

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import TEST, USER
from core.basics.progress import silent
from core.data.snapshot import read_snapshot
from core.fusion.combine import Fusion
from core.fusion.rerank import Rerank
from core.jobs.table import list_jobs
from core.runs.explain.one_user import reasons, reranked_user_list, user_list
from core.runs.explain.recommend import export_job
from core.store.run_folder import read_run
from tests.pages.stories import NASTY, open_page, well, words


def opened(trained, **address):
    address.setdefault("run", trained.runs["ease"])
    return well(open_page("recommendations", **address))


def chart(app, title_part: str) -> dict:
    """The figure whose specification has these words."""
    specs = [element.proto.spec for element in app.get("plotly_chart")]
    return json.loads(next(spec for spec in specs if title_part in spec))


def waterfall_of(app) -> dict:
    return chart(app, "score of ")


def test_an_empty_workspace_says_what_is_missing(empty_workspace):
    app = well(open_page("recommendations"))
    assert "no trained run yet" in words(app)


def test_the_user_is_a_sentence_with_both_histories_and_what_changed(trained_workspace):
    app = opened(trained_workspace)
    header = next(text for text in words(app).splitlines() if text.startswith("####"))
    assert "8 in :orange[books]" in header
    assert "in :blue[films]" in header
    assert "helped: +" in header
    assert "against the twin" in header


def test_what_was_rated_low_stands_muted_beside_the_history_and_in_no_list(trained_workspace):
    app = opened(trained_workspace)
    low = next(text for text in words(app).splitlines() if "Seen, not liked" in text)
    title = low.split("(rating): ")[1].split(" (1.0)")[0]
    assert title
    assert "never listed" in low
    bars = chart(app, "part of the score, weighted")
    assert not any(title in str(trace.get("y")) for trace in bars["data"])


def test_the_header_measures_the_list_that_stands_below(trained_workspace):
    """It said +1.000, "by the model's own list", over a fused list with the hit at rank 3."""
    run = read_run(trained_workspace.workspace.runs / trained_workspace.runs["ease"])
    split = read_snapshot(trained_workspace.workspace.splits / run.record.split_hash)
    own = run.metrics(TEST).set_index(USER)["ndcg@10"]
    without = run.twin.metrics(TEST).set_index(USER)["ndcg@10"]
    for user in own.index:  # somebody whose list the weights change
        listed = user_list(run.model(split), split, TEST, int(user), Fusion(0.0, 1.0), 10)
        ranks = listed.held_out_ranks
        ideal = (1 / np.log2(1 + np.arange(1, min(10, len(ranks)) + 1))).sum()
        shown = (1 / np.log2(1 + ranks[ranks <= 10])).sum() / ideal
        if abs(shown - own[user]) > 0.01 and abs(shown - without[user]) > 0.01:
            break
    name = str(split.train.users.ids[user])
    app = opened(trained_workspace, alpha="0.0", beta="1.0", user=name)
    header = next(text for text in words(app).splitlines() if text.startswith("####"))
    assert f"{abs(shown - without[user]):.3f}".removeprefix("0") in header
    assert "own list" not in header


def test_the_waterfall_explains_the_bar_it_belongs_to(trained_workspace):
    """The bar was as long as a z-score, the waterfall ended at the model's own score."""
    app = opened(trained_workspace, scale="z-score")
    bars = chart(app, "from books")["data"]
    bar = sum(_numbers(part["x"])[0] for part in bars[:2])
    assert waterfall_of(app)["data"][0]["text"][-1] == f"{bar:.4f}".removeprefix("0")


def test_the_first_user_shown_is_the_most_helped(trained_workspace):
    app = opened(trained_workspace)
    run = read_run(trained_workspace.workspace.runs / trained_workspace.runs["ease"])
    gain = (
        run.metrics(TEST).set_index(USER)["ndcg@10"]
        - run.twin.metrics(TEST).set_index(USER)["ndcg@10"]
    )
    split = read_snapshot(trained_workspace.workspace.splits / run.record.split_hash)
    best = split.train.users.names(gain[gain == gain.max()].index.to_numpy())
    assert app.text_input(key="user_search").placeholder in best


def test_next_and_previous_walk_and_search_finds_by_id(trained_workspace):
    app = opened(trained_workspace)
    first = app.text_input(key="user_search").placeholder
    well(app.button(key="Next user").click().run())
    assert app.text_input(key="user_search").placeholder != first
    well(app.button(key="Previous user").click().run())
    assert app.text_input(key="user_search").placeholder == first
    well(app.text_input(key="user_search").set_value("u007").run())
    assert app.text_input(key="user_search").placeholder == "u007"
    assert app.query_params["user"] in ("u007", ["u007"])
    well(app.text_input(key="user_search").set_value("U09").run())
    assert "There is no user U09" in words(app)
    assert "u090" in words(app)
    assert app.text_input(key="user_search").placeholder == "u007"


@pytest.mark.parametrize("kind", ["harmed", "typical", "cold", "random", "id"])
def test_each_way_to_find_users_leads_to_one(trained_workspace, kind):
    app = opened(trained_workspace, order=kind)
    assert app.selectbox(key="order_widget").value == kind
    if kind == "cold":
        assert "this user is cold" in words(app)


def test_the_list_marks_hits_and_shows_both_parts(trained_workspace):
    app = opened(trained_workspace)
    rows = chart(app, "from books")
    labels = next(trace["text"] for trace in rows["data"] if trace.get("mode") == "text")
    assert len(labels) == 10
    assert any("✓" in label for label in labels)
    held_out = app.dataframe[-1].value
    assert (held_out["hit"] == "✓").sum() == sum("✓" in label for label in labels)
    assert {trace.get("name") for trace in rows["data"]} >= {"from books", "from films"}


def test_a_hit_on_the_last_place_of_the_list_is_a_hit(trained_workspace):
    run = read_run(trained_workspace.workspace.runs / trained_workspace.runs["ease"])
    split = read_snapshot(trained_workspace.workspace.splits / run.record.split_hash)
    kept = run.lists(TEST)
    last = kept.items[:, 9]
    held_out = split.held_out(TEST)
    row = next(r for r, user in enumerate(kept.users) if held_out[user, last[r]])
    app = opened(trained_workspace, user=str(split.train.users.names([kept.users[row]])[0]))
    table = app.dataframe[-1].value.set_index("rank")
    assert table.loc[10, "hit"] == "✓"
    assert (table.loc[table.index > 10, "hit"] == "").all()
    hits = (table["hit"] == "✓").sum()
    assert f"{hits} of {len(table)} found in the top 10" in words(app)


def test_the_reasons_add_up_to_the_score_for_every_place(trained_workspace):
    app = opened(trained_workspace, user="u010")
    for place in (0, 4):
        app.selectbox(key="why_item").set_value(place)
        steps = waterfall_of(well(app.run()))["data"][0]
        widths = _numbers(steps["x"])
        np.testing.assert_allclose(widths[:-1].sum(), widths[-1], rtol=1e-4)


def test_contributions_are_listed_beside_the_history(trained_workspace):
    app = opened(trained_workspace, user="u010")
    history = app.dataframe[0].value
    assert {"adds", "title", "when"} <= set(history.columns)
    assert history["when"].is_monotonic_decreasing
    assert history["adds"].abs().sum() > 0


def test_weights_from_the_address_change_the_list(trained_workspace):
    both = chart(opened(trained_workspace, user="u010"), "from books")
    source_only = opened(trained_workspace, user="u010", alpha="1", beta="0")
    assert "alpha 1" in words(source_only)
    bars = {trace["name"]: trace for trace in chart(source_only, "from books")["data"][:2]}
    assert not np.any(_numbers(bars["from films"]["x"]))
    assert np.any(_numbers(both["data"][1]["x"]))


def test_a_list_from_one_domain_says_why_the_other_is_silent(trained_workspace):
    cold = words(opened(trained_workspace, order="cold"))
    assert "There is no history in films: the list comes from books alone" in cold
    popularity = opened(trained_workspace, run=trained_workspace.runs["popularity"], user="u010")
    assert "does not look at this user's history" in words(popularity)


def test_a_run_whose_data_are_gone_says_so_in_two_sentences(nothing_kept, trained_workspace):
    splits = trained_workspace.workspace.splits
    away = splits.with_name("splits_away")
    splits.rename(away)
    try:
        for name in ("recommendations", "metrics"):
            app = open_page(name, run=trained_workspace.runs["ease"])
            assert not app.exception
            assert any("is not in this workspace" in error.value for error in app.error)
            assert "its data are not in this workspace" in words(app)
    finally:
        away.rename(splits)


def test_two_runs_stand_side_by_side_with_arrows(trained_workspace):
    app = opened(trained_workspace, user="u010")
    app.session_state["lists_tab"] = "Compare two runs"
    well(app.run())
    ours, theirs = app.dataframe[0].value, app.dataframe[1].value
    assert len(ours) == len(theirs) == 10
    assert set(ours.columns) == {"rank", "title", "hit", "moved"}
    for _, row in ours[ours["moved"] != "only here"].iterrows():
        there = int(theirs.loc[theirs["title"] == row["title"], "rank"].iloc[0])
        gap = there - row["rank"]
        assert row["moved"] == ("=" if gap == 0 else f"{'▲▼'[gap < 0]} {abs(gap)}")


def test_titles_with_markdown_stay_letters(trained_workspace):
    app = opened(trained_workspace, user="u004", k="50", order="id")
    titles = app.selectbox(key="why_item").options
    (place,) = [at for at, title in enumerate(titles) if "pixel" in title]
    app.selectbox(key="why_item").set_value(place)
    well(app.run())
    assert NASTY not in words(app)
    spec = waterfall_of(app)
    assert "<img" not in json.dumps(spec["data"][0]["customdata"])


@pytest.mark.parametrize(
    "address",
    [
        {"user": "<img src=x onerror=alert(1)>"},
        {"user": "../../x"},
        {"user": "x" * 5000},
        {"alpha": "abc"},
        {"alpha": "nan", "beta": "-inf"},
        {"alpha": "1e999"},
        {"k": "1000000000"},
        {"k": "-1"},
        {"run": "../../x", "alpha": "abc", "user": "<img>"},
        {"order": "no"},
        {"alpha": "0", "beta": "0"},
    ],
)
def test_nonsense_in_the_address_bar_shows_the_page_as_usual(trained_workspace, address):
    app = well(open_page("recommendations", **address))
    assert len(app.dataframe) >= 2
    if len(address.get("user", "x" * 5000)) < 200:
        assert "There is no user" in words(app)


def test_a_deleted_run_leads_to_another_one_and_says_so(trained_workspace):
    app = opened(trained_workspace)
    app.query_params["run"] = "ease-gone"
    well(app.run())
    assert "There is no run" in words(app)


def test_everybodys_lists_are_made_by_a_job_and_equal_the_page(trained_workspace):
    app = opened(trained_workspace, user="u010")
    app.session_state["lists_tab"] = "All users as CSV"
    well(app.run())
    well(app.button(key="make_export").click().run())
    deadline = time.monotonic() + 60
    while list_jobs(trained_workspace.workspace, active=True):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    well(app.run())
    assert len(app.get("download_button")) == 1
    (path,) = (trained_workspace.workspace.root / "exports").glob("*.csv")
    table = pd.read_csv(path, dtype={"user_id": str})
    assert len(table) == 240 * 10
    assert "'=HYPERLINK(1)" in set(table["title"])  # a formula is quoted
    path.unlink()


def test_the_file_has_the_same_lists_and_parts_as_one_user_asked_for(trained_workspace):
    workspace, run_id = trained_workspace.workspace, trained_workspace.runs["ease"]
    payload = {"run": run_id, "k": 7, "alpha": 0.5, "beta": 1.0}
    said = export_job(workspace, payload, silent)
    path = workspace.root / "exports" / said["file"]
    table = pd.read_csv(path, dtype={"user_id": str})
    run = read_run(workspace.runs / run_id)
    split = read_snapshot(workspace.splits / run.record.split_hash)
    user = int(split.train.users.numbers(["u010"])[0])
    listed = user_list(run.model(split), split, TEST, user, Fusion(0.5, 1.0), 7)
    mine = table[table["user_id"] == "u010"]
    assert list(mine["item_id"]) == list(split.train.target_items.names(listed.items))
    np.testing.assert_allclose(mine["source_part"], listed.source, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(mine["score"], listed.fused, rtol=1e-4, atol=1e-7)
    why = reasons(run.model(split), split.train, listed, 0, Fusion(0.5, 1.0))
    total = why.base + why.source_amounts.sum() + why.target_amounts.sum() + why.rest
    assert abs(why.rest) < 1e-5
    np.testing.assert_allclose(total, listed.fused[0], rtol=1e-4)
    path.unlink()


def _numbers(values) -> np.ndarray:
    """Numbers of a figure, which come as a list or packed as base64."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])
    return np.array(values, dtype=float)


def test_a_list_is_put_in_another_order_by_the_address_and_its_drawer(trained_workspace):
    run = read_run(trained_workspace.workspace.runs / trained_workspace.runs["ease"])
    split = read_snapshot(trained_workspace.workspace.splits / run.record.split_hash)
    user = int(run.metrics(TEST)[USER].iloc[0])
    name = str(split.train.users.ids[user])
    rule = Rerank("mmr", 0.9)
    asked = (run.model(split), split, TEST, user, Fusion(), 10)
    by_score, varied = user_list(*asked), reranked_user_list(*asked, rule)
    assert varied.items.tolist() != by_score.items.tolist()
    app = opened(trained_workspace, user=name, rerank="mmr", strength="0.9")
    titles = split.train.target_features.names(split.train.target_items)
    box = app.selectbox(key="why_item")
    assert box.options == [f"{n}  {titles[item]}" for n, item in enumerate(varied.items, start=1)]
    assert "strength .90, from the best 50" in chart_caption(app)
    well(app.radio(key="rerank_widget").set_value("none").run())
    box = app.selectbox(key="why_item")
    assert box.options == [f"{n}  {titles[item]}" for n, item in enumerate(by_score.items, start=1)]


def chart_caption(app) -> str:
    return " ".join(element.value for element in app.caption)
