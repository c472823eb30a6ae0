"""The lift on the Metrics page: evidence that is asked for, attributes, versions, and its words."""

import json
import re
import shutil

import numpy as np
import pytest

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT
from core.basics.formatting import number, signed_with_interval
from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.data.attributes import keep_attributes, list_attributes, remove_attributes
from core.data.checks.check import GIVEN, TIMES, Check, keep_checks
from core.data.snapshot import read_snapshot
from core.evaluation.lift import LAYERS
from core.evaluation.segments import TARGET_HISTORY, user_segments
from core.evaluation.verdict import lifts_of
from core.jobs.table import list_jobs
from core.runs.report.answer import answer_section, segment_rows, tiles
from core.runs.report.blocks import Words
from core.runs.report.evidence import gather
from core.runs.studies.noise import comparison_of, reseed_job
from core.runs.studies.overlap import overlap_job
from core.runs.studies.placebo import placebo_answer, placebo_figures, placebo_job, placebo_words
from core.runs.studies.versions import same_test_rows
from core.store.run_folder import RECORD, Run, read_run
from tests.pages.stories import entered, open_page, well, words


@pytest.fixture
def own(trained_workspace, tmp_path, monkeypatch):
    """A copy of the trained workspace that a test may write into; no job is started."""
    root = tmp_path / "own"
    shutil.copytree(trained_workspace.workspace.root, root)
    monkeypatch.setattr("core.ui.shell.ensure_supervisor", lambda workspace: None)
    entered(Workspace(root), monkeypatch)
    return Workspace(root), trained_workspace.runs


def forest(app):
    """Figure of the forest plot as plain values."""
    return titled(app, "difference in")


def titled(app, words):
    specs = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    return next(spec for spec in specs if words in spec["layout"]["xaxis"]["title"]["text"])


def text_of(app):
    return words(app).replace("\\", "").replace("\u2060", "")


def test_a_sentence_above_the_picture_says_what_its_filled_dots_say(trained_workspace):
    app = well(open_page("metrics", run=trained_workspace.runs["ease"]))
    figure = forest(app)
    symbols = [row["marker"]["symbol"] for row in figure["data"]]
    said = text_of(app)
    named = re.search(r"(It|History in books) (helps|harms) users|in every group by itself", said)
    assert bool(named) == ("circle" in symbols[1:])
    assert "Filled: sure, a group also among the 3 looked at" in said
    labels = [label.split(" · ")[0] for label in figure["layout"]["yaxis"]["ticktext"]]
    assert labels[:2] == ["all users", "nothing in films"]  # of what they had so much is said
    assert labels[2] == "… over popularity"
    assert said.count("History in books helps") == 1  # the verdict stood twice
    assert "its data were not checked here" in said  # a split of given files has no pair
    assert "No difference is shown" in said or "circle-open" not in symbols


def test_what_was_found_in_a_split_of_given_files_stands_under_its_lift(own):
    """The command line checked such a split, and the page said that nobody had."""
    workspace, runs = own
    split = workspace.splits / read_run(workspace.runs / runs["ease"]).record.split_hash
    doubt = Check(GIVEN, "amber", "Do the parts overlap?", "Of 90 test rows 3 are in training.")
    sure = Check(TIMES, "green", "Are the times plausible?", "Yes.")
    keep_checks(split, [sure, doubt], split / "split.json")
    said = text_of(well(open_page("metrics", run=runs["ease"])))
    assert "of this split, which came as files of its own: 1 passed, 1 in doubt." in said
    assert "Do the parts overlap? Of 90 test rows 3 are in training." in said
    assert "not checked here" not in said


def test_the_sentence_follows_the_kind_of_segment(trained_workspace):
    app = well(open_page("metrics", run=trained_workspace.runs["ease"], by="source_history"))
    assert re.search(r"(users with|in every group by itself: users) .* books", text_of(app))
    app.segmented_control(key="by_widget").set_value("overlap")
    assert "users seen in" in text_of(well(app.run()))


def test_the_noise_floor_is_one_click_away_and_then_stands_beside_the_counts(own):
    workspace, runs = own
    app = well(open_page("metrics", run=runs["ease"]))
    assert "by chance alone is not measured yet" in text_of(app)
    well(app.button(key="measure_noise").click().run())
    (job,) = list_jobs(workspace, kind="reseed")
    assert job.payload == {"run_id": runs["ease"]}
    assert not [button for button in app.button if button.key == "measure_noise"]
    reseed_job(workspace, job.payload, silent)
    said = text_of(well(app.run()))
    assert re.search(r"Harmed \d+ %, by chance \d+ %", said)
    assert "this one knows no chance" in said


def test_a_placebo_is_one_click_away_and_then_stands_beside_the_twin_on_every_page(own):
    workspace, runs = own
    app = well(open_page("metrics", run=runs["ease"]))
    assert "Is it taste, or only more data?" in text_of(app)
    well(app.button(key="make_placebo").click().run())
    (job,) = list_jobs(workspace, kind="placebo")
    assert job.payload == {"run_id": runs["ease"], "deals": 5}
    placebo_job(workspace, job.payload, silent)
    said = text_of(well(app.run()))
    levels = {metric.label: metric.value for metric in app.metric}
    run = read_run(workspace.runs / runs["ease"])
    evidence = gather(workspace, run)
    figures, lifts = evidence.placebo, evidence.lifts
    assert levels["nDCG@10, the run"] == number(figures.run.mean)
    assert levels["nDCG@10, its twin"] == number(figures.twin.mean)
    assert levels["nDCG@10, its placebo"] == number(figures.placebo.mean)
    assert "a placebo is popularity plus noise" in said  # people without films are tested here
    assert "histories of books dealt to other people, 5 deals" in said
    labels = forest(app)["layout"]["yaxis"]["ticktext"]
    assert labels[1] == "… over the placebo"
    shown = forest(app)["data"][1]["x"][0]
    assert shown == pytest.approx(figures.over_placebo.mean)
    # One figure everywhere: beside the twin, in the picture, in the report and in the JSON
    row = lifts.over_placebo.iloc[0]
    gap = figures.over_placebo
    assert row[LAYERS] == 5
    assert (gap.low, gap.high) == (row[LOW], row[HIGH])
    told = placebo_answer(run)["lift_over_placebo"]["ndcg@10"]
    assert (told[LOW], told[HIGH]) == pytest.approx((row[LOW], row[HIGH]))
    assert signed_with_interval(gap.mean, gap.low, gap.high) in said.replace("**", "")

    said = text_of(well(open_page("fusion", run=runs["ease"])))
    split = read_snapshot(workspace.splits / run.record.split_hash)
    compared = comparison_of(run, "valid", user_segments(split.train))
    lifts = lifts_of(compared, "ndcg@10", TARGET_HISTORY)
    valid = placebo_figures(run, "valid", "ndcg@10", lifts, Run.metrics)
    assert f"the model reads nDCG@10 {number(valid.run.mean)}, its twin without books" in said
    assert f"reads nDCG@10 {number(valid.placebo.mean)} (5 deals" in said

    blocks = [block.text for block in answer_section(evidence).blocks if isinstance(block, Words)]
    assert any(placebo_words(figures, "books", "ndcg@10") in text for text in blocks)
    assert any("with books of other people. The difference" in text for text in blocks)
    rows = segment_rows(evidence)
    assert rows[MEAN][rows[SEGMENT] == "… over the placebo"].item() == pytest.approx(shown)
    assert any("over the placebo" in said for _, said, _ in tiles(evidence))


def test_a_run_that_reads_no_source_has_no_placebo_to_ask_for(own):
    _, runs = own
    app = well(open_page("metrics", run=runs["popularity"]))
    assert not [button for button in app.button if button.key == "make_placebo"]


def test_two_more_seeds_are_two_jobs_of_the_same_run(own):
    workspace, runs = own
    app = well(open_page("metrics", run=runs["item_knn"]))
    well(app.button(key="more_seeds").click().run())
    payloads = [job.payload for job in list_jobs(workspace, kind="train")]
    assert sorted(payload["seed"] for payload in payloads) == [2023, 2024]
    assert {payload["model"] for payload in payloads} == {"item_knn"}


def test_the_overlap_curve_is_measured_on_request_and_drawn_from_the_twin_on(own):
    workspace, runs = own
    app = open_page("metrics", run=runs["ease"])
    app.session_state["metrics_tab"] = "Overlap"
    well(app.run())
    well(app.button(key="measure_overlap").click().run())
    (job,) = list_jobs(workspace, kind="overlap")
    overlap_job(workspace, job.payload, silent)
    assert "shared users" in text_of(well(app.run()))
    assert titled(app, "known in training")["layout"]["xaxis"]["tickvals"] == [0, 25, 50, 75, 100]


def test_an_attribute_becomes_a_kind_of_segment_and_users_without_it_are_said(own):
    workspace, runs = own
    run = read_run(workspace.runs / runs["ease"])
    users = read_snapshot(workspace.splits / run.record.split_hash).train.users
    rows = ["user,age,nickname"]
    rows += [f"{user},{place},n{place}" for place, user in enumerate(users.ids[:200])]
    data = "\n".join(rows).encode()
    keep_attributes(workspace, run.record.dataset_hash, data, users)
    app = well(open_page("metrics", run=runs["ease"], by="attribute:age"))
    said = text_of(app)
    assert "40 evaluated users without a value are left out" in said
    assert "nickname: This attribute has 200 different values" in said
    labels = forest(app)["layout"]["yaxis"]["ticktext"]
    assert [label.split(" · ")[0] for label in labels] == [
        "all users",
        "0 to 49",
        "50 to 99",
        "100 to 149",
        "150 to 199",
    ]


def test_a_segment_of_three_users_is_named_and_has_no_dot(own):
    workspace, runs = own
    run = read_run(workspace.runs / runs["ease"])
    users = read_snapshot(workspace.splits / run.record.split_hash).train.users
    rows = ["user,group"] + [f"{u},{'few' if n < 3 else 'many'}" for n, u in enumerate(users.ids)]
    keep_attributes(workspace, run.record.dataset_hash, "\n".join(rows).encode(), users)
    app = well(open_page("metrics", run=runs["ease"], by="attribute:group"))
    figure = forest(app)
    place = figure["layout"]["yaxis"]["ticktext"].index("few · 3")
    assert figure["layout"]["annotations"][place]["text"] == "too few to say"
    (x,) = figure["data"][place]["x"]
    assert x is None or np.isnan(x)
    assert "Under 10 users (few) is too few to say" in text_of(app)


def test_a_file_of_other_users_is_refused_where_it_was_given(own):
    _, runs = own
    app = open_page("metrics", run=runs["ease"])
    file = ("people.csv", b"user,age\nnobody,3\n", "text/csv")
    app.file_uploader(key="attributes_file").set_value(file)
    app.run()
    app.button(key="attributes_add").click().run()
    assert "No user of this file is in the pair" in app.error[0].value


def test_splits_with_other_test_rows_are_no_versions_of_each_other(own):
    workspace, runs = own
    folders = [
        workspace.splits / read_run(workspace.runs / runs[name]).record.split_hash
        for name in ("ease", "elsewhere")
    ]
    assert same_test_rows(folders[0], folders[0])
    assert not same_test_rows(*folders)


def test_the_same_model_on_a_version_with_the_same_test_rows_stands_beside_it(own):
    """As if the pair had another version: the same split under another hash of its data."""
    workspace, runs = own
    there = workspace.runs / runs["ease"]
    for folder in (there.with_name("copy-of-ease"),):
        shutil.copytree(there, folder)
        for record in folder.rglob("run.json"):
            values = json.loads(record.read_text()) | {"dataset_hash": "f" * 16}
            record.write_text(json.dumps(values))
    said = text_of(well(open_page("metrics", run=runs["ease"])))
    assert "With and without" in said
    assert read_run(there).record.test


def test_a_figure_of_lists_can_be_what_is_lifted(trained_workspace):
    address = {"run": trained_workspace.runs["ease"], "metric": "serendipity"}
    app = well(open_page("metrics", **address))
    said = text_of(app)
    assert "Serendipity@10" in said.split("Beside other runs")[0]  # the verdict on top
    assert "Serendipity@10 is made from lists" in said
    assert not [button for button in app.button if button.key == "measure_noise"]
    assert "Serendipity" in forest(app)["layout"]["xaxis"]["title"]["text"]
    shown = {m.label: int(m.value) for m in app.metric if m.label in ("helped", "harmed")}
    same = int(re.search(r"(\d+) the same", said).group(1))
    assert shown["helped"] + shown["harmed"] + same == 240
    app.selectbox(key="metric_widget").set_value("intra_list_diversity")
    said = text_of(well(app.run()))
    assert "whether more is better depends on the purpose" in said
    assert {"raised", "lowered"} <= {metric.label for metric in app.metric}
    options = app.selectbox(key="metric_widget").options
    assert "S-recall" not in options  # the planted films have no categories


def newest(workspace, run):
    return list_attributes(workspace, run.record.dataset_hash)[-1]


def test_users_can_be_chosen_by_an_attribute_and_a_few_of_them_have_no_figure(own):
    workspace, runs = own
    run = read_run(workspace.runs / runs["ease"])
    users = read_snapshot(workspace.splits / run.record.split_hash).train.users
    rows = ["user,group: all"] + [
        f"{u},{'few' if n < 3 else 'many: rest'}" for n, u in enumerate(users.ids)
    ]
    keep_attributes(workspace, run.record.dataset_hash, "\n".join(rows).encode(), users)
    app = well(open_page("metrics", run=runs["ease"], segment="attribute:group: all:many: rest"))
    assert app.selectbox(key="segment_widget").value == "attribute:group: all:many: rest"
    assert "Means over 237 users; plain" in text_of(app)
    app.selectbox(key="segment_widget").set_value("attribute:group: all:few")
    well(app.run())
    assert not app.table
    assert "3 users of this segment evaluated: too few to say." in text_of(app)
    for n in (30, 60):  # other users under the same name, as a newer file has them
        rows[1:] = [f"{u},{'few' if place < n else 'rest'}" for place, u in enumerate(users.ids)]
        keep_attributes(workspace, run.record.dataset_hash, "\n".join(rows).encode(), users)
        assert f"Means over {n} users; plain" in text_of(well(app.run()))
    remove_attributes(workspace, run.record.dataset_hash, newest(workspace, run).name)
    remove_attributes(workspace, run.record.dataset_hash, newest(workspace, run).name)
    for tab in ("Per user", "Trade-off"):
        app.session_state["metrics_tab"] = tab
        assert not [e for e in well(app.run()).get("plotly_chart") if "ItemKNN" in e.proto.spec]
        assert not [frame for frame in app.dataframe if "Difference" in frame.value]


def test_a_file_of_attributes_can_be_taken_away_again(own):
    workspace, runs = own
    run = read_run(workspace.runs / runs["ease"])
    users = read_snapshot(workspace.splits / run.record.split_hash).train.users
    data = ("user,age\n" + "\n".join(f"{u},{n}" for n, u in enumerate(users.ids))).encode()
    keep_attributes(workspace, run.record.dataset_hash, data, users)
    app = well(open_page("metrics", run=runs["ease"], by="attribute:age"))
    assert "Kept: age of 240 users" in text_of(app)
    (button,) = [one for one in app.button if one.key.startswith("attributes_remove_")]
    well(button.click().run())
    assert app.segmented_control(key="by_widget").value == "target_history"
    assert "attribute:age" not in app.segmented_control(key="by_widget").options
    assert not list((workspace.attributes / run.record.dataset_hash).iterdir())


def test_what_all_folds_find_together_stands_under_the_lift_and_train_offers_the_rest(own):
    """Two folds with the same rows: together they find what each of them finds."""
    workspace, runs = own
    run = workspace.runs / runs["ease"]
    first = read_run(run).record.split_hash
    settings = {"kind": "fold of rows", "folds": 2}
    for fold, name in ((1, first), (2, "f" * 16)):
        folder = workspace.splits / name
        if not folder.exists():
            shutil.copytree(workspace.splits / first, folder)
        info = json.loads((folder / "split.json").read_text())
        info |= {
            "kind": "fold of rows",
            "split_hash": name,
            "settings": settings | {"fold": fold},
        }
        (folder / "split.json").write_text(json.dumps(info))
    said = text_of(well(open_page("metrics", run=runs["ease"])))
    assert "One of 2 folds, of which 1 have such a run" in said
    again = workspace.runs / "ease-again"
    shutil.copytree(run, again)
    for path in again.rglob(RECORD):
        path.write_text(path.read_text().replace(first, "f" * 16))
    found = read_run(run).record.lift["ndcg@10"]
    words = signed_with_interval(found["mean"], found["low"], found["high"], 3)
    said = text_of(well(open_page("metrics", run=runs["ease"])))
    assert f"All 2 folds together: {words}" in said
    assert f"2 folds tested {2 * info['counts']['target_test']:,} rows, each once" in said
    train = well(open_page("train", pair=info["dataset_hash"], split=first, models="ease"))
    assert "Train on all 2 folds" in [button.label for button in train.button]
