"""The command line does the whole story and says what is wrong in two sentences."""

import json
import subprocess
import sys
from pathlib import Path
from shutil import rmtree

import numpy as np
import pandas as pd
import pytest
from safetensors import SafetensorError

from core.__main__ import main
from core.basics.columns import ITEM, RATING, TEST, TITLE, TRAIN, USER, VALID
from core.basics.errors import RunError
from core.basics.files import write_json
from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.cli import commands
from core.cli.event_files import write_curves
from core.cli.from_files import Account, PairFiles, pair_snapshot
from core.cli.words import in_words
from core.data.checks.check import RESULT
from core.data.snapshot import PARTS, read_snapshot
from core.models.registry import CARDS
from core.runs.making.folds import folds_job
from core.runs.making.plan import RunPlan
from core.store.run_folder import list_runs, read_run
from tests.core.cli.commanding import answer, refusal
from tests.core.runs.making.test_make_run_ratings import rated_tables

ROOT = Path(__file__).resolve().parents[3]


def write_split(folder: Path) -> Path:
    """Even users like even items in both domains; every fourth user is cold in the target."""
    rng = np.random.default_rng(3)
    rows = {"source_train": [], "target_train": [], "target_valid": [], "target_test": []}
    for user in range(40):
        films = rng.permutation(np.arange(user % 2, 20, 2))
        rows["source_train"] += [(f"u{user}", f"b{item}") for item in films[:6]]
        films = rng.permutation(films)
        rows["target_valid"].append((f"u{user}", f"f{films[0]}"))
        rows["target_test"] += [(f"u{user}", f"f{item}") for item in films[1:3]]
        if user % 4:
            rows["target_train"] += [(f"u{user}", f"f{item}") for item in films[3:8]]
    folder.mkdir(parents=True)
    for part, pairs in rows.items():
        pd.DataFrame(pairs, columns=[USER, ITEM]).to_csv(folder / f"{part}.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> Path:
    return write_split(tmp_path_factory.mktemp("given") / "split")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture
def trained(capsys, split, workspace) -> dict:
    return answer(
        capsys,
        "run",
        "--splits",
        split,
        "--model",
        "ease",
        "--set",
        "regularization=5",
        "--workspace",
        workspace,
    )


def lights(told: dict) -> set[str]:
    """Keys of the checks that stand beside what a command tells."""
    return {check["key"] for check in told["checks"]}


def test_models_lists_every_card_with_its_settings(capsys):
    cards = answer(capsys, "models")
    assert [card["name"] for card in cards] == list(CARDS)
    assert all(setting["help"] for card in cards for setting in card["settings"])


def test_a_run_answers_every_figure_that_was_promised(trained):
    promised = {
        "model",
        "settings",
        "dataset_hash",
        "split_hash",
        "run_dir",
        "fit",
        "evaluate",
        "valid",
        "test",
        "twin",
        "popularity",
        "lift",
        "lift_over_popularity",
        "segments",
    }
    assert promised <= set(trained)
    assert set(trained["fit"]) == {"wall_seconds", "cpu_seconds", "peak_rss_mib"}
    assert {"mean", "low", "high", "users", "skipped"} <= set(trained["test"]["ndcg@10"])
    assert {"mean", "low", "high"} <= set(trained["lift"]["ndcg@10"])
    assert trained["settings"]["regularization"] == 5


def test_planted_taste_is_found_and_lifts_over_the_twin(trained):
    assert trained["test"]["recall@10"]["mean"] > 0.95  # ten liked items fit a list of ten
    cold = next(
        s for s in trained["segments"] if (s["by"], s["segment"]) == ("target_history", "0")
    )
    assert cold["users"] == 10
    assert trained["lift"]["ndcg@10"]["low"] > 0


def test_recommend_explains_a_list_with_amounts_that_add_up(capsys, trained):
    listed = answer(
        capsys, "recommend", "--run", trained["run_dir"], "--user", "u1", "--k", 3, "--alpha", 0.5
    )
    assert [item["rank"] for item in listed["items"]] == [1, 2, 3]
    for item in listed["items"]:
        assert item["score"] == pytest.approx(0.5 * item["source"] + item["target"], abs=1e-6)
        named = sum(reason["amount"] for reason in item["reasons"]["target"])
        assert named == pytest.approx(item["target"], abs=1e-6)  # five target items, all named


def test_a_list_is_ordered_by_variety_where_that_is_asked_for(capsys, trained):
    words = ("recommend", "--run", trained["run_dir"], "--user", "u1", "--k", 8)
    plain, varied = (
        answer(capsys, *words, *more) for more in ((), ("--rerank", "mmr", "--strength", 1))
    )
    assert (varied["rerank"], varied["strength"]) == ("mmr", 1.0)
    assert "rerank" not in plain
    ids = [[item["item"] for item in one["items"]] for one in (plain, varied)]
    assert ids[0] != ids[1]
    assert ids[0][0] == ids[1][0]  # the best stays first: nothing is listed yet to differ from
    assert "Lists cannot be re-ranked by 'best'" in refusal(capsys, *words, "--rerank", "best")


def test_weights_other_than_one_add_figures_of_the_fused_lists(capsys, split, workspace):
    found = answer(
        capsys,
        "run",
        "--splits",
        split,
        "--model",
        "ease",
        "--alpha",
        0,
        "--k",
        5,
        "--workspace",
        workspace,
    )
    assert found["fused"]["alpha"] == 0
    assert "ndcg@5" in found["fused"]["test"]
    assert found["fused"]["test"]["ndcg@5"]["mean"] != found["test"]["ndcg@5"]["mean"]


def test_cold_folds_test_every_shared_user_once(capsys, split, workspace):
    found = answer(
        capsys,
        "run",
        "--splits",
        split,
        "--model",
        "ridge",
        "--cold-folds",
        4,
        "--workspace",
        workspace,
        "--set",
        "regularization=10",
    )
    assert found["folds"] == 4
    assert found["test"]["ndcg@10"]["users"] == 40
    assert found["valid"]["ndcg@10"]["users"] == 20  # half of the fold after the tested one
    assert found["valid"]["ndcg@10"]["mean"] > found["popularity"]["valid"]["ndcg@10"]["mean"]
    assert found["lift_over_popularity"]["ndcg@10"]["low"] > 0


def test_folds_test_every_row_once_and_a_user_counts_once_in_one_lift(capsys, split, workspace):
    words = ("run", "--splits", split, "--model", "ease", "--folds", 3, "--workspace", workspace)
    found = answer(capsys, *words)
    runs = [read_run(Path(folder)) for folder in found["run_dir"]]
    rows = sum(len(pd.read_csv(split / f"target_{part}.csv")) for part in (TRAIN, VALID, TEST))
    assert found["tested"].startswith(f"3 folds tested {rows} rows, each once. A user counts once")
    assert found["kind"] == "fold of rows"
    per_fold = [
        run.metrics(TEST).set_index(USER)["ndcg@10"]
        - run.twin.metrics(TEST).set_index(USER)["ndcg@10"]
        for run in runs
    ]
    by_user = pd.concat(per_fold, axis=1).mean(axis=1)
    assert found["lift"]["ndcg@10"]["users"] == len(by_user) == 40
    assert found["lift"]["ndcg@10"]["mean"] == pytest.approx(by_user.mean())
    assert found["lift"]["ndcg@10"]["low"] < by_user.mean() < found["lift"]["ndcg@10"]["high"]
    assert found["verdict"].endswith(found["tested"])
    # A fold that lost its run is trained again by the job, and no other
    place = Workspace(workspace)
    rmtree(runs[1].folder)
    plan = RunPlan(runs[0].record.split_hash, "ease")
    told = folds_job(place, plan.to_dict(), silent)["runs"]
    assert {runs[0].id, runs[2].id} < {*told}
    assert len(told) == 3
    again = next(read_run(place.runs / one) for one in told if one not in {r.id for r in runs})
    assert again.record.split_hash == runs[1].record.split_hash
    with pytest.raises(RunError, match="no fold of others"):
        folds_job(
            place,
            {
                **plan.to_dict(),
                "split": pair_snapshot(
                    PairFiles(splits=split), place, 2022, Account(lambda _: None)
                ).name,
            },
            silent,
        )


def test_new_items_are_hidden_and_ranked_beside_a_random_order_and_an_oracle(
    capsys, split, workspace
):
    found = answer(
        capsys,
        "run",
        "--splits",
        split,
        "--model",
        "popularity",
        "--new-items",
        0.3,
        "--workspace",
        workspace,
        "--full",
    )
    assert found["test"]["auc"]["mean"] == 0.5  # nobody has a new item in training
    beside = found["comparators"]["test"]
    assert beside["random"]["recall@5"]["mean"] == pytest.approx(5 / 6)  # of 20 items, 6 are hidden
    assert beside["oracle_popularity"]["recall@50"]["mean"] == 1
    assert beside["random"]["lift"]["recall@50"]["mean"] == 0


def test_two_plain_files_are_paired_split_and_swapped(capsys, split, workspace, tmp_path):
    for domain, kept in (("books", ["source_train"]), ("films", ["target_train", "target_test"])):
        frames = [pd.read_csv(split / f"{part}.csv") for part in kept]
        pd.concat(frames).to_csv(tmp_path / f"{domain}.csv", index=False)
    titles = pd.DataFrame({ITEM: ["f0"], TITLE: ["Zero"]})
    titles.to_csv(tmp_path / "items.csv", index=False)
    files = ("--source", tmp_path / "books.csv", "--target", tmp_path / "films.csv")
    answers = [
        answer(
            capsys,
            "run",
            *files,
            "--model",
            "popularity",
            "--items-target",
            tmp_path / "items.csv",
            "--workspace",
            workspace,
            *swap,
        )
        for swap in ((), ("--swap",))
    ]
    assert answers[0]["dataset_hash"] != answers[1]["dataset_hash"]
    assert {"same_people", "cross_listed"} <= lights(answers[0])
    # A run on a pair that nobody checked, as pages may leave one, gets its lights when it is told
    (workspace / "pairs" / answers[0]["dataset_hash"] / RESULT).unlink()
    out = tmp_path / "report.html"
    told = answer(
        capsys, "report", "--run", answers[0]["run_dir"], "--out", out, "--workspace", workspace
    )
    assert {"same_people", "cross_listed", "same_rows", "ratings"} <= lights(told)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--model", "oracle"), "no model 'oracle'"),
        (("run", "--model", "ease"), "needs data"),
        (("run", "--model", "ease", "--set", "lambda=1"), "no setting lambda"),
        (("run", "--model", "ease", "--set", "regularization"), "has no value"),
        (("run", "--model", "ease", "--set", "regularization=-1"), "outside its range"),
        (("run", "--model", "ease", "--splits", "nowhere"), "no folder nowhere"),
        (("run", "--model", "ease", "--alpha", "2"), "alpha is 2"),
        (("run", "--model", "ease", "--k", "0"), "1 to 50"),
        (("run", "--model", "ease", "--seed", "x"), "a seed is a whole number"),
        (("run", "--model", "ease", "--seed", "9" * 5000), "a seed is a whole number"),
        (("run", "--model", "ease", "--placebo", "9" * 5000), "dealt 1 to 100 times"),
        (("run", "--model", "ease", "--new-items", "0.9"), "--new-items is 0.9, outside its range"),
        (("run", "--model", "ease", "--new-items", "0.2", "--cold-folds", "2"), "are several"),
        (("run", "--model", "ease", "--folds", "3", "--cold-folds", "2"), "are several"),
        (("run",), "--model"),
        (("recommend", "--run", "nowhere", "--user", "u1"), "no run 'nowhere'"),
        (("fly",), "invalid choice"),
    ],
)
def test_what_cannot_be_done_is_said_in_two_sentences(capsys, words, said):
    sentence = refusal(capsys, *words)
    assert said in sentence
    assert sentence.count(". ") >= 1
    assert "Traceback" not in sentence


def test_a_given_split_is_not_swapped(capsys, split, workspace):
    said = refusal(
        capsys, "run", "--splits", split, "--swap", "--model", "ease", "--workspace", workspace
    )
    assert "cannot be swapped" in said


def test_parts_of_a_split_may_have_any_ending_and_a_missing_one_is_named(
    capsys, split, workspace, tmp_path, trained
):
    (tmp_path / "any").mkdir()
    frames = {path.stem: pd.read_csv(path) for path in split.iterdir()}
    for part, ending in zip(frames, ("tsv", "parquet", "csv.gz", "jsonl"), strict=True):
        path = tmp_path / "any" / f"{part}.{ending}"
        if ending == "parquet":
            frames[part].to_parquet(path, index=False)
        elif ending == "jsonl":
            frames[part].to_json(path, orient="records", lines=True)
        else:
            frames[part].to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    words = ("run", "--splits", tmp_path / "any", "--workspace", workspace, "--model", "popularity")
    assert answer(capsys, *words)["split_hash"] == trained["split_hash"]
    next((tmp_path / "any").glob("target_test.*")).unlink()
    said = refusal(capsys, *words)
    assert "no files target_test" in said
    assert "target_train" in said


def test_what_a_given_split_leaves_out_is_counted_and_said(capsys, split, tmp_path):
    """Test rows that were in training too vanished from the test without a word."""
    (tmp_path / "odd").mkdir()
    frames = {path.stem: pd.read_csv(path) for path in split.iterdir()}
    frames["target_test"] = pd.concat(
        [
            frames["target_test"],
            frames["target_train"].head(3),
            frames["target_valid"].head(2),
            pd.DataFrame({USER: ["stranger"], ITEM: ["f1"]}),
        ]
    )
    for part, frame in frames.items():
        frame.to_csv(tmp_path / "odd" / f"{part}.csv", index=False)
    words = [
        "run",
        "--splits",
        tmp_path / "odd",
        "--workspace",
        tmp_path / "here",
        "--model",
        "popularity",
        "--json",
    ]
    assert main([str(word) for word in words]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out.splitlines()[-1])
    assert found["given"]["test_rows_in_training"] == 3
    assert found["given"]["test_rows_in_validation"] == 2
    assert found["given"]["test_users_unknown"] == 1
    lights = {check["key"]: check["light"] for check in found["checks"]}
    assert lights["given"] == "red"
    assert len(lights) == 9
    assert "3 test rows are training rows too: they are left out." in said.err
    assert found["left_out"][0].startswith("3 test rows are training rows too: they are left out.")
    keys = {check["key"] for check in found["checks"]}
    assert {"given", "same_people", "cross_listed"} <= keys  # it is checked as a pair is


@pytest.mark.parametrize("flag", [["--k-core", "3"], ["--test-share", "0.2"], ["--links", "x.csv"]])
def test_flags_that_say_nothing_about_a_given_split_are_refused(capsys, split, flag):
    said = refusal(capsys, "run", "--splits", split, "--model", "ease", *flag)
    assert f"A given split is taken as it is: {flag[0]} says nothing about it." in said


def test_a_validation_of_one_row_is_said_beside_what_it_chose(capsys, tmp_path):
    """With one row MF of ratings kept epoch 1 without a word."""
    tables = rated_tables(users=30)
    for part in PARTS:
        frame = getattr(tables, part)
        frame = frame.head(1) if part == "target_valid" else frame
        frame.to_csv(tmp_path / f"{part}.csv", index=False)
    asked = ["--model", "mf_rating", "--set", "epochs=3", "--set", "factors=4"]
    found = answer(
        capsys, "run", "--splits", tmp_path, *asked, "--workspace", tmp_path / "workspace"
    )
    assert found["warnings"][0].startswith("1 validation user chose epoch")
    assert found["best_epoch"] in (1, 2, 3)
    assert [point["epoch"] for point in found["curve"]] == [1, 2, 3]
    assert found["ending"] == "at its cap"
    assert f"  run: {found['warnings'][0]}" in in_words("run", found).splitlines()


def test_a_threshold_keeps_the_low_ratings_of_a_given_split_as_seen(tmp_path):
    """Rows below it are no likes; those of the training file are never listed."""
    rows = {
        "source_train": [("u0", "b0", 5), ("u1", "b1", 1), ("u1", "b0", 4)],
        "target_train": [("u0", "f0", 5), ("u1", "f1", 4), ("u0", "f2", 1)],
        "target_valid": [("u1", "f0", 4), ("u0", "f1", 2)],
        "target_test": [("u1", "f2", 5), ("u1", "f3", 4), ("u0", "f3", 1)],
    }
    for part, triples in rows.items():
        frame = pd.DataFrame(triples, columns=[USER, ITEM, RATING])
        frame.to_csv(tmp_path / f"{part}.csv", index=False)
    said: list[str] = []
    asked = {}
    for stars in (None, 3.0):
        files = PairFiles(splits=tmp_path, pair={"rating_threshold": stars} if stars else {})
        folder = pair_snapshot(files, Workspace(tmp_path / "w"), 1, Account(said.append))
        asked[stars] = read_snapshot(folder)
    assert not asked[None].disliked
    assert asked[None].train.target.nnz == 3
    split = asked[3.0]
    assert [part.nnz for part in (split.train.source, split.train.target)] == [2, 2]
    assert {part: split.disliked[part].nnz for part in split.disliked} == dict.fromkeys(
        (TRAIN, VALID, TEST), 1
    )
    assert split.masked(VALID)[[0]].free(0).tolist() == [False, True, False, True]
    assert split.masked(TEST)[[0]].free(0).tolist() == [False, False, False, True]
    assert split.info.liked_from == 3.0
    assert any("seen, not liked" in sentence for sentence in said)


def test_a_given_split_can_be_split_another_way(capsys, split, workspace):
    found = answer(
        capsys,
        "run",
        "--splits",
        split,
        "--workspace",
        workspace,
        "--model",
        "popularity",
        "--split",
        "leave-k-out",
        "--held-out",
        "2",
    )
    assert found["split"]["kind"] == "leave-k-out"


def test_without_json_a_person_reads_a_short_summary(
    capsys, split, workspace, trained, monkeypatch
):
    """Its verdict knows of the other runs: the choice among them widens an interval."""
    seen = []
    compare = commands.comparison_of
    monkeypatch.setattr(
        commands, "comparison_of", lambda *given: (seen.append(given), compare(*given))[1]
    )
    words = [
        "run",
        "--splits",
        split,
        "--workspace",
        workspace,
        "--model",
        "ease",
        "--set",
        "regularization=5",
    ]
    assert main([str(word) for word in words]) == 0
    lines = capsys.readouterr().out.splitlines()
    for start in ("  run ", "  twin ", "  popularity ", "  over the twin: +", "Cost: ", "Kept in "):
        assert sum(line.startswith(start) for line in lines) == 1, start
    assert trained["verdict"] in lines
    assert len(lines) < 25
    ((run, _, _, runs),) = seen
    assert run.folder.name in {one.id for one in runs}


def test_what_is_measured_afterwards_is_told_in_words_or_as_one_line_of_json(
    capsys, workspace, trained, tmp_path
):
    """overlap, reseed and report printed JSON over many lines to a person who asked for none."""
    run, out = trained["run_dir"], tmp_path / "report.html"
    reseed = ["reseed", "--run", run]
    report = ["report", "--run", run, "--out", str(out), "--workspace", str(workspace)]
    for words, starts in (
        (
            reseed,
            (
                "ease-",
                "The twin was trained again without a tenth of the users each, drawn by seeds: ",
            ),
        ),
        (["overlap", "--run", run], ("ease-", "  100 % known  all users: ndcg@10 .")),
        (report, (trained["verdict"], f"Written to {out} (")),  # before a placebo changes it
        (["placebo", run, "--deals", "2"], ("  placebo ", "  over the placebo: ")),
    ):
        assert main(words) == 0
        lines = capsys.readouterr().out.splitlines()
        assert not any(line.startswith(("{", "}", ' "')) for line in lines)
        for start in starts:
            assert sum(line.startswith(start) for line in lines) == 1, (start, lines)
        assert main([*words, "--json"]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert lights(json.loads(line)) >= {"given", "same_people", "cross_listed", "same_rows"}


def test_the_demo_runs_are_named_with_their_folders():
    answer = {
        "pair": "0123",
        "splits": {},
        "runs": {"EASE": "ease-1", "Popularity": "popularity-2"},
    }
    assert in_words("demo", answer).splitlines() == [
        "The sample pair 0123 is loaded, with 2 runs:",
        "  EASE: ease-1",
        "  Popularity: popularity-2",
    ]


def test_json_is_short_unless_all_of_it_is_asked_for(capsys, split, workspace, trained):
    full = answer(
        capsys,
        "run",
        "--splits",
        split,
        "--workspace",
        workspace,
        "--model",
        "ease",
        "--set",
        "regularization=5",
        "--full",
    )
    assert set(full) == set(trained)
    assert {"ndcg@5", "ndcg@50"} <= set(full["test"])
    assert {name.partition("@")[2] for name in trained["test"]} == {"", "10"}
    assert {segment["metric"] for segment in trained["segments"]} == {"ndcg@10"}
    assert len(json.dumps(trained)) < 0.4 * len(json.dumps(full))


def test_an_unknown_user_is_named(capsys, trained):
    assert "'u999'" in refusal(capsys, "recommend", "--run", trained["run_dir"], "--user", "u999")


def test_the_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "core", "models", "--json"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])[0]["name"] == "popularity"


@pytest.mark.parametrize("command", ["models", "search", "recommend"])
def test_other_commands_are_readable_too(capsys, split, workspace, trained, command):
    words = {
        "models": ["models"],
        "search": [
            "search",
            "--splits",
            split,
            "--workspace",
            workspace,
            "--model",
            "ridge",
            "--grid",
            "regularization=3,30",
        ],
        "recommend": ["recommend", "--run", trained["run_dir"], "--user", "u1", "--k", "3"],
    }
    assert main([str(word) for word in words[command]]) == 0
    out = capsys.readouterr().out
    assert not out.startswith(("{", "["))
    said = {"models": "ease ", "search": "on validation with regularization", "recommend": "  1  f"}
    assert said[command] in out


def test_a_search_prints_every_trial_and_the_settings_found_for_model_and_twin(
    capsys, split, workspace
):
    words = ("search", "--splits", split, "--workspace", workspace, "--model", "ease", "--train")
    grid = ("--grid", "regularization=3,30", "source_weight=0.1,1", "--set", "solver=primal")
    found = answer(capsys, *words, *grid)
    assert {"given", "same_people", "cross_listed"} <= lights(found)
    assert found["budget"] == {"run": 4, "twin": 4}
    assert found["counts"] == {"done": 8}
    for role in ("run", "twin"):
        best = max(t["mean"] for t in found["trials"] if t["role"] == role)
        winner = found["winners"][role]
        assert winner["best_mean"] == best
        assert winner["mean"] >= best - max(t["error"] for t in found["trials"])
        assert winner["settings"]["solver"] == "primal"
    record = json.loads((workspace / "runs" / found["run"] / "run.json").read_text())
    assert record["settings"] == record["settings"] | found["winners"]["run"]["settings"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--grid", "regularization"], "has no values"),
        (["--grid", "regularization=a,b"], "cannot be 'a'"),
        (["--grid", "lambda=1,2"], "no setting lambda"),
        (["--trials", "0"], "at least 1"),
    ],
)
def test_a_search_that_cannot_work_is_refused_before_data_is_read(capsys, words, said):
    assert said in refusal(capsys, "search", "--splits", "nowhere", "--model", "ease", *words)


def write_items(folder: Path, letter: str, column: str) -> Path:
    """Even items' vectors point one way and odd ones' the other; nothing is written about them."""
    rng = np.random.default_rng(1)
    rows = [[1.0 if item % 2 else -1.0, *rng.normal(scale=0.2, size=3)] for item in range(20)]
    path = folder / f"{letter}.{'jsonl' if column else 'csv'}"
    if column:
        lines = [{"id": f"{letter}{item}", column: row} for item, row in enumerate(rows)]
        path.write_text("\n".join(map(json.dumps, lines)))
    else:
        names = [f"emb_{at}" for at in range(4)]
        ids = pd.Series([f"{letter}{item}" for item in range(20)], name="item_id")
        pd.concat([ids, pd.DataFrame(rows, columns=names)], axis=1).to_csv(path, index=False)
    return path


def test_vectors_of_items_are_read_from_their_files_and_alone_find_what_is_liked(
    capsys, split, tmp_path
):
    files = write_items(tmp_path, "b", "embedding"), write_items(tmp_path, "f", "")
    command = [
        "run",
        "--workspace",
        tmp_path / "here",
        "--model",
        "text_profile",
        "--splits",
        split,
        "--items-source",
        files[0],
        "--items-target",
        files[1],
    ]
    assert main([str(word) for word in (*command, "--set", "vectors=alone", "--json")]) == 0
    said = capsys.readouterr()
    assert "f.csv: 20 of 20 items have a vector of 4 numbers." in said.err
    found = json.loads(said.out.splitlines()[-1])
    assert found["settings"]["vectors"] == "alone"
    assert "it reads titles and the target's items have none" in refusal(capsys, *command)


def test_other_vectors_are_another_split(capsys, split, tmp_path):
    hashes = set()
    for letter in "bf":
        (tmp_path / letter).mkdir()
        path = write_items(tmp_path / letter, "f", "embedding")
        if letter == "f":
            path.write_text(path.read_text().replace("1.0", "2.0", 1))
        found = answer(
            capsys,
            "run",
            "--workspace",
            tmp_path / "here",
            "--model",
            "popularity",
            "--splits",
            split,
            "--items-target",
            path,
        )
        hashes.add(found["split_hash"])
    assert len(hashes) == 2


def test_before_a_costly_model_one_line_says_what_ease_takes(capsys, split, workspace, tmp_path):
    """NeuMF took two minutes where EASE takes three seconds, and nobody was told before."""
    run = ("run", "--splits", split, "--workspace", tmp_path, "--model")
    hash_ = answer(capsys, *run, "popularity")["split_hash"]
    for model, settings, first in (
        ("neumf", {"epochs": 1, "factors": 8}, 200.0),
        ("ease", {}, 2.0),
    ):
        told = {"settings": settings, "parts": [{"first": first, "step": 0.0}], "evaluate": 0.0}
        write_json(tmp_path / "timings" / f"{model}-{hash_}-auto.json", told)
    said = (
        "NeuMF takes at most about 3 min on this pair; EASE takes about 2 s and is often as good."
    )
    for model, more, expected in (
        ("neumf", ("--set", "epochs=1", "--set", "factors=8"), [said]),
        ("ease", (), []),
        ("neumf", ("--set", "epochs=1", "--set", "factors=8"), []),
    ):
        assert main([str(word) for word in (*run, model, *more, "--json")]) == 0
        lines = capsys.readouterr().err.splitlines()
        assert [line for line in lines if "EASE" in line] == expected


def test_a_full_disk_is_said_in_two_sentences_and_nothing_half_written_stays(
    split, tmp_path, monkeypatch, capsys
):
    """Seen: weights that found no room ended in a traceback."""

    def full(arrays, path):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("core.store.run_folder.save_file", full)
    said = refusal(
        capsys, "run", "--splits", split, "--model", "popularity", "--workspace", tmp_path
    )
    assert said == (
        "The disk is full, so this could not be done. "
        "Free some space and do it again: what was there before is still there."
    )
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_answer_that_finds_no_room_is_said_on_stderr():
    """`/dev/full` refuses every byte, as a file on a full disk does."""
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(
            [sys.executable, "-m", "core", "models"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert told.returncode == 2
    assert told.stderr.startswith("The disk is full, so this could not be done.")
    assert "Traceback" not in told.stderr


def test_without_its_package_event_files_are_refused_before_anything_is_read(capsys, monkeypatch):
    monkeypatch.setattr("core.cli.event_files.find_spec", lambda name: None)
    said = refusal(capsys, "run", "--model", "ease", "--splits", "nowhere", "--tensorboard", "logs")
    assert said == (
        "--tensorboard needs the package tensorboard, which is not installed. "
        "Install it with `pip install tensorboard`, or leave the flag out."
    )


def test_event_files_hold_every_epoch_of_run_and_twin(trained, workspace, tmp_path):
    loading = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    run = next(run for run in list_runs(Workspace(workspace)) if run.twin is not None)
    curve = [{"epoch": 1, "loss": 2.5, "valid": 0.1}, {"epoch": 2, "loss": None, "valid": 0.2}]
    run.record.curve[:] = curve
    folders = write_curves(run, tmp_path)
    assert [folder.name for folder in folders] == ["run", "twin"]
    for folder, record in zip(folders, (run.record, run.twin.record), strict=True):
        (file,) = folder.iterdir()
        told = [
            (event.step, value.tag, pytest.approx(value.simple_value))
            for event in loading.LegacyEventFileLoader(str(file)).Load()
            for value in event.summary.value
        ]
        kept = [
            (point["epoch"], tag, point[name])
            for point in record.curve
            for tag, name in (("loss", "loss"), ("validation/ndcg@10", "valid"))
            if point[name] is not None
        ]
        assert told == kept
