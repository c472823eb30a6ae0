"""Lists of another system as a run: measured as a model's own, and every row accounted for."""

import json

import numpy as np
import pandas as pd
import pytest

from core.__main__ import main
from core.basics.columns import DISTANCE, ITEM, RANK, SCORE, TEST, USER, VALID
from core.basics.errors import RunError
from core.basics.progress import silent
from core.data.reading.options import LISTS
from core.data.reading.preview import preview_file
from core.evaluation.given_lists import given_words, is_odd
from core.runs.explain.recommend import export_job
from core.runs.jobs.data_jobs import stage_upload
from core.runs.making.blend import BlendPlan, blend_runs
from core.runs.making.compress import CompressPlan, compress_run
from core.runs.making.uploaded import UploadPlan, upload_job, upload_lists
from core.store.bundle import export_run, import_run
from core.store.run_folder import delete_run, list_runs, read_run
from tests.core.runs.derived_worlds import bench


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return bench(tmp_path_factory.mktemp("uploaded") / "workspace", {"ease": {}})


@pytest.fixture
def upload(world, tmp_path):
    """Measure a frame as a CSV file of the world's split."""

    def work(frame, label="Theirs"):
        path = tmp_path / "lists.csv"
        frame.to_csv(path, index=False)
        plan = UploadPlan(world.split.info.split_hash, "lists.csv", label)
        return read_run(
            upload_lists(path, preview_file(path, LISTS).options, plan, world.workspace)
        )

    return work


def said_of(run):
    return given_words(run.record.upload, run.record.counts[TEST]["users"])


def lists_of(world, part=TEST, k=50):
    """The lists of EASE as another system would write them."""
    kept, train = world.runs["ease"].lists(part), world.split.train
    row, place = np.nonzero(kept.items[:, :k] >= 0)
    return pd.DataFrame(
        {
            USER: train.users.names(kept.users[row]),
            ITEM: train.target_items.names(kept.items[row, place]),
            RANK: place + 1,
        }
    )


def test_the_lists_of_a_run_come_back_with_its_own_figures(world, upload):
    ease, run = world.runs["ease"], upload(lists_of(world))
    ours, theirs = run.metrics(TEST), ease.metrics(TEST)
    columns = [name for name in theirs if name != "auc"]
    pd.testing.assert_frame_equal(ours[columns], theirs[columns])
    assert ours["auc"].isna().all()
    assert (run.lists(TEST).items == ease.lists(TEST).items).all()
    over = "lift_over_popularity"
    assert getattr(run.record, over)["ndcg@10"] == getattr(ease.record, over)["ndcg@10"]
    assert [row["mean"] for row in run.record.segments] == [
        row["mean"] for row in ease.record.segments
    ]
    assert not run.has_model
    assert run.card.title == "Uploaded lists"
    assert not is_odd(run.record.upload)


def test_validation_without_any_of_its_items_has_no_figures_and_says_so(world, upload):
    run = upload(lists_of(world))
    assert run.metrics(VALID)["ndcg@10"].isna().all()
    assert "no list holds any of its items" in said_of(run)[-1]
    both = upload(lists_of(world, VALID))
    pd.testing.assert_series_equal(
        both.metrics(VALID)["ndcg@10"], world.runs["ease"].metrics(VALID)["ndcg@10"]
    )


def test_every_row_that_cannot_count_is_counted_and_said(world, upload):
    lists = lists_of(world, k=12)
    first = lists[USER].iloc[0]
    train = world.split.train
    user = int(train.users.numbers([first])[0])
    known = train.target_items.names(train.target[[user]].indices[:1]).tolist()
    known = known or train.target_items.names(world.split.valid[[user]].indices[:1]).tolist()
    gone = lists[USER].iloc[-1]
    odd = pd.DataFrame(
        {
            USER: ["stranger", first, first, first, first],
            ITEM: [lists[ITEM].iloc[0], "no such film", lists[ITEM].iloc[0], *known, "x"],
            RANK: [1, 2, 9, 3, "bad"],
        }
    )
    run = upload(pd.concat([lists[lists[USER] != gone], odd]))
    told = run.record.upload
    rows = told[TEST]["rows"]
    assert (told["rejected"], told["duplicates"]) == (1, 1)
    assert (told["unknown_users"], told["unknown_items"], rows["masked"]) == (1, 1, 1)
    lost = sum(told[name] for name in ("rejected", "duplicates"))
    lost += told["unknown_user_rows"] + told["unknown_item_rows"] + sum(rows.values())
    assert lost == told["rows"]
    assert told[TEST]["users"]["without_list"] == 1
    frame = run.metrics(TEST).set_index(USER)
    assert frame.loc[int(train.users.numbers([gone])[0]), "ndcg@10"] == 0.0
    assert len(frame) == len(world.runs["ease"].metrics(TEST))
    said = " ".join(said_of(run))
    assert "1 row named 1 user this split does not have." in said
    assert "1 of 90 test users have no list" in said
    assert is_odd(run.record.upload)


def test_short_lists_are_counted_and_their_empty_places_find_nothing(world, upload):
    run = upload(lists_of(world, k=3))
    users = run.record.upload[TEST]["users"]
    assert (users["short@5"], users["without_list"]) == (90, 0)
    assert "90 lists have fewer than 10 items" in " ".join(said_of(run))
    ours, theirs = run.metrics(TEST), world.runs["ease"].metrics(TEST)
    assert (ours["recall@50"] <= theirs["recall@5"]).all()


@pytest.mark.parametrize("score", [1.0, "rounded"])
def test_equal_scores_stand_as_the_rows_do_and_ties_are_counted(world, upload, score):
    """All scores 1, or rounded to one digit: items stood in the order of their ids, unsaid."""
    lists = lists_of(world, k=10)
    scores = 1.0 if score == 1.0 else (1.2 - lists[RANK] / 100).round(1)
    run = upload(lists.drop(columns=RANK).assign(**{SCORE: scores}))
    assert (run.lists(TEST).items[:, :10] == world.runs["ease"].lists(TEST).items[:, :10]).all()
    assert run.record.settings == {"order": "score"}
    assert run.record.upload["tied_users"] == 90
    assert "900 rows in 90 lists are equal to another" in " ".join(said_of(run))
    assert is_odd(run.record.upload)


@pytest.mark.parametrize("turn", ["best first", "worst first", "shuffled"])
@pytest.mark.parametrize("by", [RANK, SCORE, DISTANCE])
def test_of_an_item_twice_the_better_place_stays_whatever_the_order_of_rows(
    world, upload, by, turn
):
    """The last row won on the command line, the first on the page: .564 and .371 for .92."""
    lists = lists_of(world, k=10)
    again = lists[lists[RANK] <= 4].assign(**{RANK: lambda rows: rows[RANK] + 20})
    lists = pd.concat([lists, again]).sort_values([USER, RANK])
    if turn != "best first":
        lists = lists[::-1] if turn == "worst first" else lists.sample(frac=1, random_state=2)
    lists[by] = 2 - lists[RANK] / 50 if by == SCORE else lists[RANK] * 0.5
    run = upload(lists if by == RANK else lists.drop(columns=RANK))
    ours, theirs = run.metrics(TEST)["ndcg@10"], world.runs["ease"].metrics(TEST)["ndcg@10"]
    pd.testing.assert_series_equal(ours, theirs)
    assert run.record.upload["duplicates"] == len(again)
    rises = "if small is better, mark" in " ".join(said_of(run))
    assert rises == (by == SCORE and turn == "worst first")


def test_a_file_of_other_people_is_refused_with_two_ids_to_compare(world, upload):
    with pytest.raises(RunError, match="No row names a user") as refused:
        upload(lists_of(world).assign(**{USER: "p1"}))
    assert "'p1'" in refused.value.hint
    assert not [run for run in list_runs(world.workspace) if "p1" in run.label]


def test_it_is_exported_taken_up_elsewhere_and_deleted_like_any_run(world, upload, tmp_path):
    run = upload(lists_of(world), label="Carried")
    snapshot = world.workspace.splits / run.record.split_hash
    file = export_run(run, snapshot, tmp_path / "run.zip")
    made = export_job(world.workspace, {"run": run.id, "k": 5}, silent)
    assert made["rows"] == 90 * 5
    delete_run(world.workspace, run)
    assert run.id not in [other.id for other in list_runs(world.workspace)]
    back = import_run(world.workspace, file)
    assert back.record == run.record
    assert (back.lists(TEST).items == world.runs["ease"].lists(TEST).items).all()


def test_what_needs_a_model_is_refused(world, upload):
    run = upload(lists_of(world))
    with pytest.raises(RunError, match="has only lists"):
        run.model(world.split)
    with pytest.raises(RunError, match="has only lists"):
        blend_runs(BlendPlan((run.id, world.runs["ease"].id)), world.workspace)
    with pytest.raises(RunError, match="has only lists"):
        compress_run(CompressPlan(run.id), world.workspace)


def test_the_job_reads_a_staged_upload_and_clears_it(world, tmp_path):
    path = tmp_path / "x.csv"
    lists_of(world).to_csv(path, index=False)
    options = preview_file(path, LISTS).options.to_dict()
    with path.open("rb") as file:
        staged = stage_upload(world.workspace, file)
    payload = {"path": str(staged), "options": options, "name": "../their lists.csv"}
    payload |= {"split": world.split.info.split_hash}
    run = read_run(world.workspace.runs / upload_job(world.workspace, payload, silent)["run"])
    assert run.label == "their lists"
    assert not staged.exists()


def test_the_command_line_measures_a_file_and_tells_what_became_of_it(world, tmp_path, capsys):
    path = tmp_path / "theirs.csv"
    lists_of(world, k=10).to_csv(path, index=False)
    split, root = world.split.info.split_hash, str(world.workspace.root)
    asked = ["upload", str(path), "--split", split, "--name", "Theirs", "--workspace", root]
    assert main([*asked, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (answer["label"], answer["upload"]["rows"]) == ("Theirs", 900)
    assert answer["test"]["ndcg@10"] == world.runs["ease"].record.test["ndcg@10"]
    assert main([*asked[:3], "0" * 16, "--workspace", root]) == 2
    assert "is not in this workspace" in capsys.readouterr().err
