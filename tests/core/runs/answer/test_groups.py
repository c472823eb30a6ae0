"""Who is helped: the model that validation chose for a group, on the split that tests it most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import TEST, USER, VALID
from core.basics.files import write_json
from core.basics.workspace import Workspace
from core.data.checks.check import Check
from core.data.snapshot import read_info
from core.evaluation.segments import ALL_USERS, BINS, TARGET_HISTORY
from core.evaluation.verdict import HARMS, HELPS, MODEL, OPEN, UNTRUSTED
from core.runs.answer.groups import _one_family, answer_of
from core.runs.answer.kept import kept_answer
from core.runs.answer.next_steps import ANSWER, CHECKS, WEIGHTS, next_steps
from core.runs.answer.words import answer_words, lift_in_short, use_words
from core.store.run_folder import Run
from tests.pages.stories import planted_split
from tests.records import run_on_disk

USERS = 300  # a third each in bins 0, 5–9 and 20+
COLD = "c" * 16


@pytest.fixture
def world(tmp_path) -> World:
    return World(Workspace(tmp_path / "workspace"))


class World:
    """Runs on two splits whose figures are planted: by run, group and part."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.split = planted_split(workspace, seed=1)
        info = vars(read_info(workspace.splits / self.split))
        (workspace.splits / COLD).mkdir()
        told = info | {"kind": "cold-start users", "split_hash": COLD}
        write_json(workspace.splits / COLD / "split.json", told)
        self.means: dict[tuple[str, str], dict[str, tuple[float, float, float]]] = {}
        self.runs: list[Run] = []

    def add(self, name: str, split: str, groups: dict[str, tuple[float, float, float]], **said):
        """groups: bin -> nDCG on validation, on test, and of the twin on test."""
        self.runs.append(run_on_disk(self.workspace, name, 0.3, split_hash=split, **said))
        self.means[name, split] = groups
        return self.runs[-1]

    def read(self, run: Run, part: str) -> pd.DataFrame:
        """Metrics of the users of the groups the run is tested on, with a little noise."""
        beside = run.record.role != "run"  # its twin, or popularity, which is no better
        name = run.folder.parent.name if beside else run.id
        place = 2 if beside else {VALID: 0, TEST: 1}[part]
        groups = self.means[name, run.record.split_hash]
        codes = self.codes()
        users = np.flatnonzero(np.isin(codes, [BINS.index(group) for group in groups]))
        mean = np.array([groups[BINS[code]][place] for code in codes[users]])
        noise = np.random.default_rng(0).normal(0, 0.02, USERS)[users]
        hits = (np.arange(len(users)) % 10 < np.round(10 * mean)).astype(float)
        return pd.DataFrame({USER: users, "ndcg@10": mean + noise, "hit_rate@10": hits})

    @staticmethod
    def codes() -> np.ndarray:
        return np.repeat([0, 2, 4], USERS // 3)

    def segments(self, split: str) -> pd.DataFrame:
        bins = pd.Categorical.from_codes(self.codes(), categories=list(BINS), ordered=True)
        return pd.DataFrame({TARGET_HISTORY: bins})

    def answer(self, first: Run | None = None):
        return answer_of(self.workspace, self.runs, first, self.read, self.segments)


def test_people_without_history_are_answered_by_the_split_that_hides_it(world):
    world.add("ease", world.split, {"5–9": (0.3, 0.3, 0.2), "20+": (0.4, 0.4, 0.4)})
    world.add("ridge", COLD, {"0": (0.5, 0.5, 0.2)})
    found = world.answer()
    assert [(group.name, group.run.id, group.answer) for group in found.groups] == [
        ("0", "ridge", HELPS),
        ("5–9", "ease", HELPS),
        ("20+", "ease", OPEN),
    ]
    assert (found.everybody.name, found.everybody.run.id) == (ALL_USERS, "ease")
    cold = found.groups[0]
    assert cold.users == 100
    assert cold.lift.mean == pytest.approx(0.3)
    assert (cold.found, cold.found_without) == (pytest.approx(0.5), pytest.approx(0.2))
    assert cold.hits.mean == pytest.approx(0.3)


def test_the_words_begin_with_the_strongest_true_result(world):
    world.add("ease", world.split, {"5–9": (0.3, 0.3, 0.2), "20+": (0.4, 0.4, 0.4)})
    world.add("ridge", COLD, {"0": (0.5, 0.5, 0.2)}, model="ridge")
    found = world.answer()
    assert answer_words(found) == [
        "History in books helps most for people with nothing yet in films: 50 of 100 find "
        "something they like among ten, without books 20.",
        "Over all 200 people together it helps (5 more of 100 find something they like), not yet "
        "told from a placebo.",
        "It also helps people with 5–9 interactions in films (10 more of 100 find something they "
        "like).",
        "No difference is shown for people with 20 or more interactions in films (nobody of 100 "
        "finds more or less).",
    ]
    everybody = replace(found.everybody, placebo=True)
    held = replace(found.groups[1], placebo=True)
    told = answer_words(replace(found, everybody=everybody, groups=[found.groups[0], held]))
    assert told[-1] == (
        "The gain of people with nothing yet in films is not yet told from a placebo."
    )
    assert use_words(found) == (
        "Use Source→target ridge for people with nothing yet in films and EASE for people with "
        "5–9 or 20+ interactions in films."
    )


def test_harm_is_said_and_never_called_help(world):
    world.add("ease", world.split, {"5–9": (0.1, 0.1, 0.3)})
    found = world.answer()
    assert [group.answer for group in found.groups] == [HARMS]
    assert answer_words(found)[0] == (
        "History in books harms people with 5–9 interactions in films (20 fewer of 100 find "
        "something they like)."
    )


def test_groups_of_several_splits_are_one_family_and_everybody_stands_alone(world):
    """A group of one split passed alone, though four others stood beside it on the page."""
    world.add("ease", world.split, {"5–9": (0.3, 0.3, 0.2), "20+": (0.4, 0.4, 0.3)})
    world.add("ridge", COLD, {"0": (0.5, 0.5, 0.2)})
    found = world.answer()
    close = [
        replace(group, p=p) for group, p in zip(found.groups, (0.001, 0.03, 0.04), strict=True)
    ]
    assert [group.answer for group in _one_family(close)] == [HELPS, OPEN, OPEN]
    alone = [replace(close[1], p=0.03)]
    assert _one_family(alone) == alone
    assert found.everybody.answer == HELPS


def test_a_failed_check_stands_before_the_answer_and_a_placebo_beside_the_groups(world):
    world.add("ease", world.split, {"5–9": (0.3, 0.3, 0.2), "20+": (0.4, 0.4, 0.4)})
    found = world.answer()
    doubted = replace(found.everybody, answer=UNTRUSTED, alarm="Ids may be re-used.")
    said = answer_words(replace(found, everybody=doubted))
    assert said[0] == "This cannot be trusted, as a check of the data failed. Ids may be re-used."
    assert said[1].startswith("The figures alone say: History in books helps people")
    model = [replace(group, answer=MODEL) for group in found.groups]
    said = answer_words(
        replace(found, groups=model, everybody=replace(found.everybody, answer=MODEL))
    )
    assert "this may be the model and not the taste" in said[0]
    assert "a gain over a source of the wrong people is not shown" in said[1]
    assert not [words for words in said if "helps" in words]


def test_where_nothing_is_shown_it_is_said_what_it_could_be(world):
    world.add("ease", world.split, {"5–9": (0.3, 0.3, 0.3)})
    (said,) = answer_words(world.answer())
    assert said.startswith("No difference is shown: with 100 people it is too close to tell")
    assert "makes no difference" not in said


def test_a_group_takes_the_model_that_is_better_on_its_own_validation_users(world):
    first = world.add("ease", world.split, {"5–9": (0.30, 0.3, 0.2), "20+": (0.4, 0.4, 0.3)})
    other = {"5–9": (0.35, 0.35, 0.2), "20+": (0.4005, 0.9, 0.3)}
    world.add("lightgcn", world.split, other, model="lightgcn")
    chosen = {group.name: group.run.id for group in world.answer(first).groups}
    assert chosen == {"5–9": "lightgcn", "20+": "ease"}, "test figures have no say"


def test_a_run_without_a_twin_answers_nothing(world):
    world.add("popularity", world.split, {"5–9": (0.9, 0.9, 0.9)}, twin=False, model="popularity")
    assert world.answer() is None


def test_a_bridge_without_a_twin_answers_for_people_without_history_alone(world):
    groups = {"0": (0.5, 0.5, 0.2), "5–9": (0.3, 0.3, 0.2)}
    world.add("ease", world.split, groups)
    better = {"0": (0.7, 0.7, 0.2), "5–9": (0.9, 0.9, 0.2)}
    world.add("ridge", world.split, better, twin=False, model="ridge")
    found = {group.name: (group.run.id, group.answer) for group in world.answer().groups}
    assert found == {"0": ("ridge", HELPS), "5–9": ("ease", HELPS)}
    assert world.answer().everybody.run.id == "ease"


def test_runs_whose_data_are_gone_are_left_out(world):
    world.add("ease", "f" * 16, {"5–9": (0.3, 0.3, 0.2)})
    assert world.answer() is None


def test_a_run_in_short_says_better_only_where_its_interval_leaves_zero_out_and_never_helps(world):
    run = world.add("ease", world.split, {"5–9": (0.3, 0.3, 0.2)})
    for low, shown in ((0.01, "better with history in books"), (-0.01, "no difference shown")):
        lift = {"ndcg@10": {"mean": 0.02, "low": low, "high": 0.03}}
        said = lift_in_short(Run(run.folder, replace(run.record, lift=lift)))
        assert said.endswith(f"nDCG@10 over its twin: {shown}.")


def test_what_next_asks_for_cold_users_where_nobody_is(world):
    world.add("ease", world.split, {"5–9": (0.3, 0.3, 0.3)})
    steps = next_steps(world.answer(), world.runs, [], shared=200)
    assert [(step.act, step.minutes) for step in steps] == [(ANSWER, 1)]
    assert steps[0].why.startswith("Nobody tested here is without films. Hide all films of a fifth")
    assert next_steps(world.answer(), world.runs, [], shared=20)[0].minutes == 5


def test_what_next_names_a_failed_check_first_and_the_weights_where_it_helps(world):
    world.add("ease", world.split, {"0": (0.3, 0.4, 0.2)})
    red = Check("same_people", "red", "Same people?", "Shared ids may not be the same people.")
    acts = [step.act for step in next_steps(world.answer(), world.runs, [red], shared=200)]
    assert acts[:2] == [CHECKS, ANSWER]
    assert WEIGHTS in acts


def test_a_kept_answer_is_the_same_and_read_without_any_user(world):
    world.add("ease", world.split, {"5–9": (0.3, 0.3, 0.2), "20+": (0.4, 0.4, 0.4)})
    world.add("ridge", COLD, {"0": (0.5, 0.5, 0.2)})

    def unread(*_):
        raise AssertionError("figures of users were read")

    def kept(read, segments):
        return kept_answer(world.workspace, "p" * 16, world.runs, None, read, segments)

    found = kept(world.read, world.segments)
    assert kept(unread, unread) == found
    assert answer_words(kept(unread, unread)) == answer_words(found)
    world.add("lightgcn", world.split, {"5–9": (0.5, 0.5, 0.2)}, model="lightgcn")
    again = kept(world.read, world.segments)
    assert again.groups[1].run.id == "lightgcn"
    for bent in ("{", "[]", "{}", '{"key": 1, "groups": 3}'):
        (world.workspace.answers / f"{'p' * 16}.json").write_text(bent)
        assert kept(world.read, world.segments) == again
