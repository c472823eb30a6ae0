"""Which run stands for a pair: by merit on validation, kept, and changed by a person alone."""

from __future__ import annotations

import time

import pytest

from core.basics.files import write_json
from core.basics.workspace import Workspace
from core.data.snapshot import read_info
from core.runs.answer.standing import choose, choose_best, standing
from core.store.run_folder import RECORD, Run, list_runs
from tests.pages.stories import planted_split
from tests.records import run_on_disk

BOOKS = f"{1:016d}"  # hash of the pair of `planted_split(…, seed=1)`


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def _run(workspace: Workspace, name: str, ndcg: float, **said) -> Run:
    return run_on_disk(workspace, name, ndcg, **{"dataset_hash": BOOKS} | said)


def _stands(workspace: Workspace) -> str:
    found = standing(workspace, BOOKS, list_runs(workspace))
    assert found is not None
    return found.run.id


def test_the_best_on_validation_stands_and_not_the_last(workspace):
    _run(workspace, "best", 0.30)
    _run(workspace, "last", 0.25)
    assert _stands(workspace) == "best"


def test_what_is_near_is_near_the_best_and_not_the_last(workspace):
    _run(workspace, "early", 0.24)
    _run(workspace, "best", 0.30)
    _run(workspace, "last", 0.25)
    assert _stands(workspace) == "best"


def test_within_one_standard_error_the_one_with_parts_stands_then_the_older(workspace):
    _run(workspace, "lightgcn", 0.305, model="lightgcn")
    _run(workspace, "ease", 0.299)
    _run(workspace, "edlae", 0.304, model="edlae")
    assert _stands(workspace) == "ease"  # edlae is younger, lightgcn has no parts


def test_beyond_one_standard_error_the_better_stands(workspace):
    _run(workspace, "ease", 0.28)
    _run(workspace, "edlae", 0.30, model="edlae")
    assert _stands(workspace) == "edlae"


def test_a_run_with_a_twin_answers_and_one_without_does_not(workspace):
    _run(workspace, "popularity", 0.50, twin=False, model="popularity")
    _run(workspace, "ease", 0.30)
    assert _stands(workspace) == "ease"


def test_a_split_of_cold_users_alone_is_not_what_a_pair_opens_on(workspace):
    everybody = planted_split(workspace, seed=1)
    info = read_info(workspace.splits / everybody)
    cold = workspace.splits / ("c" * 16)
    cold.mkdir()
    told = vars(info) | {"kind": "cold-start users", "split_hash": "c" * 16}
    write_json(cold / "split.json", told)
    _run(workspace, "cold", 0.90, split_hash="c" * 16)
    _run(workspace, "all", 0.30, split_hash=everybody)
    assert _stands(workspace) == "all"


def test_no_other_pair_is_asked(workspace):
    _run(workspace, "other", 0.9, dataset_hash="f" * 16)
    assert standing(workspace, BOOKS, list_runs(workspace)) is None


def test_what_was_chosen_stays_and_a_better_one_is_named_beside_it(workspace):
    _run(workspace, "first", 0.25)
    assert choose_best(workspace, BOOKS).id == "first"
    _run(workspace, "later", 0.40, created=time.time() + 5)
    found = standing(workspace, BOOKS, list_runs(workspace))
    assert (found.run.id, found.better.id, found.pinned) == ("first", "later", False)
    assert choose_best(workspace, BOOKS).id == "first"  # nobody said otherwise


def test_a_later_run_within_noise_is_not_named(workspace):
    _run(workspace, "first", 0.25)
    choose_best(workspace, BOOKS)
    _run(workspace, "later", 0.255, created=time.time() + 5)
    assert standing(workspace, BOOKS, list_runs(workspace)).better is None


def test_a_pin_of_a_person_stays_and_says_so(workspace):
    _run(workspace, "best", 0.40)
    choose(workspace, _run(workspace, "mine", 0.20), pinned=True)
    found = standing(workspace, BOOKS, list_runs(workspace))
    assert (found.run.id, found.pinned, found.better) == ("mine", True, None)


@pytest.mark.parametrize("bent", ["{", "[]", '{"run": "mine"}', '{"run": 3, "at": "x"}'])
def test_a_damaged_choice_is_as_good_as_none(workspace, bent):
    choose(workspace, _run(workspace, "mine", 0.20), pinned=True)
    _run(workspace, "best", 0.40)
    (workspace.choices / f"{BOOKS}.json").write_text(bent)
    assert _stands(workspace) == "best"


def test_once_the_chosen_run_is_deleted_the_best_stands(workspace):
    choose(workspace, _run(workspace, "mine", 0.20), pinned=True)
    _run(workspace, "best", 0.40)
    (workspace.runs / "mine" / RECORD).unlink()
    assert _stands(workspace) == "best"
