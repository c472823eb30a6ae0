"""What the command line takes a file for: by plain names and what was told, never on a guess."""

import json

import numpy as np
import pandas as pd
import pytest

from core.__main__ import main
from tests.core.cli.commanding import answer, refusal, rows_of, write_pair

KEEP_ALL = ("--k-core", "0", "--rating-threshold", "0")


@pytest.fixture
def run(tmp_path):
    return ["run", "--model", "popularity", "--threads", "1", "--workspace", tmp_path / "here"]


def with_column(name: str, values):
    return lambda frame, domain: frame.assign(**{name: values(frame)})


def scattered(frame: pd.DataFrame) -> np.ndarray:
    """Small whole numbers with a long tail, as of plays."""
    return np.random.default_rng(1).geometric(0.5, len(frame))


def test_a_column_that_only_looks_like_ratings_filters_nothing_and_is_said(capsys, run, tmp_path):
    """Of 9,600 rows 2,883 were left without a word: a column of units was taken for ratings."""
    plain = answer(capsys, *run, *write_pair(tmp_path))
    files = write_pair(tmp_path, with_column("oddly", scattered))
    assert main([str(word) for word in (*run, *files, "--json")]) == 0
    said = capsys.readouterr()
    guessed = json.loads(said.out.splitlines()[-1])
    assert guessed["test"] == plain["test"]
    assert "oddly" not in guessed["files"][0]["columns"].values()
    assert "oddly" in guessed["files"][0]["ignored"]


def test_a_column_is_a_rating_when_it_is_told_so(capsys, run, tmp_path):
    def change(frame, domain):
        return frame.assign(oddly=np.where(np.arange(len(frame)) % 4, 5, 1))

    files = write_pair(tmp_path, change)
    told = answer(capsys, *run, *files, "--rating", "oddly", "--k-core", "0")
    assert [file["columns"]["rating"] for file in told["files"]] == ["oddly", "oddly"]
    left = list(told["rows_left"].values())[-1]
    assert left["source"] == 240  # three of four of 320 rows are liked
    one = answer(capsys, *run, *files, "--rating", "source=oddly", "--k-core", "0")
    assert "rating" not in one["files"][1]["columns"]


def test_none_leaves_a_plainly_named_column_out(capsys, run, tmp_path):
    files = write_pair(tmp_path, with_column("rating", lambda frame: [1, 5] * (len(frame) // 2)))
    taken = answer(capsys, *run, *files, "--k-core", "0")
    left_out = answer(capsys, *run, *files, "--k-core", "0", "--rating", "none")
    rows = [list(found["rows_left"].values())[-1]["target"] for found in (taken, left_out)]
    assert rows == [160, 320]
    assert left_out["files"][0]["ignored"]["rating"] == "no column is the rating, as you said"


def test_columns_without_a_header_are_named_by_their_number(capsys, run, tmp_path):
    """Item first, user second, and no names: what one shop's files look like."""
    files = write_pair(
        tmp_path, lambda frame, domain: frame[["item_id", "user_id", "timestamp"]], header=False
    )
    said = refusal(capsys, *run, *files)
    assert "source.csv has no column that is plainly the user" in said
    assert "--user source=COLUMN" in said
    told = ("--no-header", "--user", "2", "--item", "1", "--time", "3")
    found = answer(capsys, *run, *files, *told)
    assert found["files"][0]["columns"] == {
        "user": "column 2",
        "item": "column 1",
        "time": "column 3",
    }
    assert found["files"][0]["header"] is False
    assert found["test"] == answer(capsys, *run, *write_pair(tmp_path))["test"]


def test_style_flags_are_for_both_files_or_for_one(capsys, run, tmp_path):
    (tmp_path / "other").mkdir()
    plain = answer(capsys, *run, *write_pair(tmp_path / "other"))
    write_pair(tmp_path)
    rows_of("target").to_csv(tmp_path / "target.csv", index=False, sep="|", encoding="utf-16")
    files = ("--source", tmp_path / "source.csv", "--target", tmp_path / "target.csv")
    style = ("--delimiter", "target=|", "--encoding", "target=utf-16", "--header", "target")
    found = answer(capsys, *run, *files, *style)
    assert [file["delimiter"] for file in found["files"]] == [",", "|"]
    assert found["files"][1]["encoding"] == "utf-16"
    assert found["test"] == plain["test"]


def test_the_answer_accounts_for_every_row_of_every_file(capsys, run, tmp_path):
    def change(frame, domain):
        twice = pd.concat([frame, frame.head(3)])
        twice.iloc[0, 0] = ""
        return twice

    files = write_pair(tmp_path, change)
    words = [str(word) for word in (*run, *files, *KEEP_ALL)]
    assert main([*words, "--json"]) == 0
    said = capsys.readouterr()
    file = json.loads(said.out.splitlines()[-1])["files"][0]
    assert (file["rows"], file["rejected"], file["merged"]) == (323, 1, 2)
    assert file["rows"] == file["kept"] + file["rejected"] + file["merged"]
    assert sum(file["rejected_because"].values()) == 1
    assert "323 rows = 320 kept + 1 rejected + 2 merged" in said.err
    assert main(words) == 0
    assert "source.csv: 1 rejected and 2 merged of 323 rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--rating", "stars"], "There is no column 'stars' for the rating"),
        (["--user", "item_id"], "--user and --item both name"),
        (["--skip-lines", "x"], "--skip-lines cannot be 'x'"),
        (["--header", "nothing.csv"], "is none of source, target"),
        (["--event-weight", "view"], "has no weight"),
        (["--delimiter", '"'], "cannot separate columns"),
        (["--unheard-of"], "nrecognized arguments: --unheard-of"),
        (["--alpha", "nan"], "alpha is nan"),
        (["--k", "51"], "1 to 50"),
        (["--rating-threshold", "nan"], "--rating-threshold is nan"),
        (["--k-core=-1"], "--k-core is -1, outside its range"),
        (["--min-user", "few"], "--min-user cannot be 'few'. Give a whole number, such as 0."),
        (["--held-out", "99", "--split", "leave-k-out"], "--held-out is 99, outside its range"),
        (["--held-out", "2"], "--held-out says nothing about a random split"),
        (["--split", "sideways"], "is none of random, leave-k-out"),
        (["--split", "temporal", "--new-items", "0.2"], "ask for different splits"),
        (["--cold-folds", "1"], "there are 2 to 20 folds"),
        (["--first-day", "yesterday"], "is not a day"),
    ],
)
def test_a_flag_that_cannot_be_followed_is_said_in_two_sentences(
    capsys, run, tmp_path, flags, said
):
    user = ["--item", "item_id"] if "--user" in flags else []
    sentence = refusal(capsys, *run, *write_pair(tmp_path), *user, *flags)
    assert said in sentence
    assert sentence.count(". ") >= 1


def test_an_error_names_the_file_it_is_about(capsys, run, tmp_path):
    files = write_pair(tmp_path)
    (tmp_path / "target.csv").write_text("")
    assert "target.csv" in refusal(capsys, *run, *files)
    assert "is a folder" in refusal(capsys, *run, *files[:2], "--target", tmp_path)
    assert "gone.csv" in refusal(capsys, *run, *files[:2], "--target", tmp_path / "gone.csv")


def test_one_file_for_both_domains_is_warned_of(capsys, run, tmp_path):
    source = write_pair(tmp_path)[1]
    found = answer(capsys, *run, "--source", source, "--target", source)
    assert "is source and target at once" in found["left_out"][0]


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        (["--split", "temporal", "--test-share", "0.2"], "temporal"),
        (["--split", "leave_k_out", "--held-out", "2"], "leave-k-out"),
        (["--split", "cold", "--cold-share", "0.5"], "cold-start users"),
        (["--split", "new-items", "--new-items", "0.3"], "new items"),
    ],
)
def test_every_kind_of_split_can_be_asked_for(capsys, run, tmp_path, flags, kind):
    found = answer(capsys, *run, *write_pair(tmp_path), *flags, "--target-core", "0")
    assert found["split"]["kind"] == kind
    if kind == "cold-start users":
        assert found["test"]["ndcg@10"]["users"] == 10  # half of half of 40 shared users


def test_filters_of_a_pair_have_flags_and_what_they_leave_is_said(capsys, run, tmp_path):
    files = write_pair(tmp_path)
    days = ("--first-day", "2017-07-15", "--last-day", "2017-07-16")
    found = answer(capsys, *run, *files, "--k-core", "0", *days)
    before, after = (list(found["rows_left"].values())[at]["source"] for at in (0, -1))
    assert before == 320
    assert after < before
    assert any("320 rows in the file" in sentence for sentence in found["left_out"])
    assert "leave no rows" in refusal(capsys, *run, *files, "--source-core", "100")
    assert "leave no rows" in refusal(capsys, *run, *files, "--min-user", "target=9")


def test_users_are_linked_by_a_table(capsys, run, tmp_path):
    def renamed(frame, domain):
        return frame.assign(user_id="x" + frame.user_id) if domain == "target" else frame

    files = write_pair(tmp_path, renamed)
    ids = [f"u{user}" for user in range(40)]
    links = pd.DataFrame({"source": ids, "target": ["x" + name for name in ids]})
    links.to_csv(tmp_path / "links.csv", index=False)
    found = answer(capsys, *run, *files, "--links", tmp_path / "links.csv")
    assert found["test"] == answer(capsys, *run, *write_pair(tmp_path))["test"]


def test_a_search_of_a_rating_model_reads_the_rows_that_its_run_reads(capsys, tmp_path):
    """`search --model bias` filtered ratings below 3 of 5 where `run` kept them all."""
    files = write_pair(tmp_path, with_column("rating", lambda frame: [1, 5] * (len(frame) // 2)))
    words = [*files, "--model", "bias", "--workspace", tmp_path / "here", "--target-core", "0"]
    found = answer(capsys, "search", *words, "--grid", "bias_regularization=1,5")
    assert found["split_hash"] == answer(capsys, "run", *words)["split_hash"]
    assert list(found["rows_left"].values())[-1] == {"source": 320, "target": 320}


def test_check_says_what_files_are_taken_for_and_keeps_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("CROSSWALK_WORKSPACE", str(tmp_path / "here"))
    files = write_pair(tmp_path)
    found = answer(capsys, "check", *files)
    assert found["files"][1]["columns"] == {
        "user": "user_id",
        "item": "item_id",
        "time": "timestamp",
    }
    assert {"same_people", "cross_listed"} <= {check["key"] for check in found["checks"]}
    assert not (tmp_path / "here").exists()
    assert main(["check", *files]) == 0
    assert "source.csv: user from user_id" in capsys.readouterr().out


def test_the_item_column_of_an_item_table_is_the_one_that_knows_the_items(capsys, run, tmp_path):
    """Tables of products have two ids; of `parent` 0 of 8 items were known, and nothing said so."""
    files = write_pair(tmp_path)
    items = sorted(pd.read_csv(tmp_path / "target.csv")["item_id"].unique())
    table = pd.DataFrame({"item_id": [f"p{n}" for n in range(len(items))], "asin": items})
    table.assign(title="A title of words").to_csv(tmp_path / "items.csv", index=False)
    found = answer(capsys, *run, *files, "--items-target", tmp_path / "items.csv")
    said = f"{len(items)} of {len(items)} items are in the column asin of items.csv."
    assert any(said in sentence for sentence in found["left_out"])
    assert found["files"][2]["columns"]["item"] == "asin"


def test_a_rating_that_may_mean_not_rated_is_refused_with_both_answers(capsys, run, tmp_path):
    files = write_pair(
        tmp_path,
        with_column(
            "rating", lambda rows: [99 if n % 4 == 0 else n % 5 + 1 for n in range(len(rows))]
        ),
    )
    said = refusal(capsys, *run, *files)
    assert "--no-rating source=99 or --no-rating source=keep" in said
    few = ("--target-core", "0", "--rating-threshold", "0")
    kept = answer(capsys, *run, *files, *few, "--no-rating", "keep")
    told = answer(capsys, *run, *files, *few, "--no-rating", "99")
    assert kept["files"][0]["rejected"] == 0 < told["files"][0]["rejected"]
