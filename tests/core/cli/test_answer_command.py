"""`python -m core answer`: two files in, who is helped and which model to use out."""

from __future__ import annotations

import json

import pytest

from core.__main__ import main
from core.basics.workspace import Workspace
from core.runs.answer.make_answer import COLD, EVERYBODY, MORE, steps_of
from core.runs.jobs.demo import SAMPLE
from core.store.run_folder import list_runs

FILES = ("--source", SAMPLE / "books.csv", "--target", SAMPLE / "films.csv")


@pytest.fixture(scope="module")
def answered(tmp_path_factory) -> tuple[Workspace, list[str]]:
    """A workspace in which the sample was answered, and what was asked."""
    workspace = Workspace(tmp_path_factory.mktemp("answer") / "here")
    words = [str(word) for word in ("answer", *FILES, "--workspace", workspace.root)]
    assert main([*words, "--json"]) == 0
    return workspace, words


def test_the_answer_names_groups_models_and_what_to_use(answered, capsys):
    _, words = answered
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["answer"][0].startswith(
        "History in books helps most for people with nothing yet in films: 9"
    )
    groups = {group["group"]: group for group in found["groups"]}
    assert groups["0"]["answer"] == "helps"
    assert groups["0"]["lift"]["low"] > 0.15
    assert groups["20+"]["answer"] == "open"
    assert found["names"] == {"source": "books", "target": "films"}
    assert {file["file"] for file in found["files"]} == {"books.csv", "films.csv"}
    assert found["best"] == found["runs"]["Joint EASE"]
    assert not found["skipped"]


def test_a_second_answer_trains_nothing_again(answered, capsys):
    workspace, words = answered
    before = [run.id for run in list_runs(workspace)]
    assert main(words) == 0
    assert [run.id for run in list_runs(workspace)] == before
    said = capsys.readouterr().out
    assert "It also helps people with" in said
    assert "Use EASE for everybody." in said


def test_more_minutes_try_more_models_and_few_people_are_never_hidden(answered):
    workspace, _ = answered
    (pair,) = [folder for folder in workspace.pairs.iterdir() if not folder.suffix]
    assert steps_of(pair, 1) == [*EVERYBODY, *COLD]
    assert set(steps_of(pair, 5)) - set(steps_of(pair, 1)) == {m for m in MORE if m.minutes == 5}
    record = json.loads((pair / "pair.json").read_text())
    record["after"]["shared"] = 49
    few = pair.with_name("few")
    few.mkdir()
    (few / "pair.json").write_text(json.dumps(record))
    assert {step.split for step in steps_of(few, 30)} == {"random"}


def test_a_given_split_is_refused_in_two_sentences(answered, capsys, tmp_path):
    words = ["answer", "--splits", str(tmp_path), "--workspace", str(tmp_path / "w")]
    assert main(words) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("An answer makes its own splits")


def test_what_no_time_is_left_for_is_said_and_the_rest_stays(answered, capsys, monkeypatch):
    _, words = answered
    clock = iter(range(0, 10**9, 1_000))
    monkeypatch.setattr("core.runs.answer.make_answer.time.monotonic", lambda: next(clock))
    assert main([*words, "--minutes", "5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["skipped"]["Train EDLAE"] == "There was no time left for it."
    assert set(found["runs"]) == {step.label for step in (*EVERYBODY, *COLD)}
