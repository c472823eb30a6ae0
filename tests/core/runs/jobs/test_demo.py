"""The demo makes what its checklist says, once, and the planted transfer is found again."""

import json
import shutil

import pytest

from core.basics.progress import Cancelled
from core.basics.workspace import Workspace
from core.data.build_pair import FEW_SHARED
from core.data.pair_folder import list_pairs
from core.data.splitting import COLD_USERS
from core.jobs.table import list_jobs
from core.runs.answer.make_answer import stood_on
from core.runs.answer.standing import standing
from core.runs.jobs.demo import BEHIND, RUNS, SAMPLE, STEPS, demo_job, load_demo
from core.runs.report.evidence import gather
from core.runs.studies.placebo import placebo_figures
from core.store.measured import read_placebos
from core.store.run_folder import Run, list_runs


@pytest.fixture(scope="module")
def runs(demo_workspace):
    return {run.label: run for run in list_runs(demo_workspace)}


@pytest.fixture
def own_copy(demo_workspace, tmp_path):
    """A workspace a test may change."""
    return Workspace(shutil.copytree(demo_workspace.root, tmp_path / "copy"))


def ndcg(record):
    return record.test["ndcg@10"]


def test_the_demo_trains_its_runs_and_shows_joint_ease_first(runs):
    assert set(runs) == {run.label for run in RUNS}
    assert runs["Joint EASE"].twin is not None


def test_joint_ease_stands_for_the_pair_whatever_ends_later(demo_workspace):
    runs = list_runs(demo_workspace)
    found = standing(demo_workspace, runs[0].record.dataset_hash, runs)
    assert (found.run.label, found.pinned) == ("Joint EASE", False)
    assert runs[0].label != "Joint EASE"


def test_what_the_answer_stands_on_has_a_placebo_and_leaves_it_behind(demo_workspace, runs):
    """The planted taste crosses: people of the same books, not any books, are what helps."""
    run = runs["Joint EASE"]
    lifts = gather(demo_workspace, run).lifts
    figures = placebo_figures(run, "test", "ndcg@10", lifts, Run.metrics)
    assert len(figures.by_deal) == 5
    assert figures.over_twin.low > 0
    assert figures.over_placebo.low > 0
    assert max(figures.by_deal) < figures.twin.mean + 0.01
    kept = {label for label, run in runs.items() if read_placebos(run) is not None}
    best, *others = stood_on(demo_workspace, run)
    assert best.id == run.id
    assert kept == {one.label for one in (best, *others)}
    assert any(one.record.split_hash != run.record.split_hash for one in others), "cold people"


def test_the_checklist_is_gone_through_in_order(own_copy):
    stages = []
    load_demo(own_copy, lambda progress: stages.append(progress.stage))
    assert list(dict.fromkeys(stages)) == list(STEPS)


def test_a_second_demo_trains_nothing_again(own_copy):
    before = [run.id for run in list_runs(own_copy)]
    made = load_demo(own_copy)
    assert [run.id for run in list_runs(own_copy)] == before
    assert set(made.runs.values()) == set(before)


def test_the_demo_asks_for_a_map_and_lightgcn_behind_it(own_copy):
    demo_job(own_copy, {}, lambda progress: None)
    demo_job(own_copy, {}, lambda progress: None)
    asked = {job.kind: job for job in list_jobs(own_copy, active=True)}
    assert set(asked) == {"map", "train"}
    assert len(list_jobs(own_copy)) == 2
    assert asked["train"].payload["model"] == BEHIND.model
    assert asked["train"].lane == "training"
    assert asked["map"].lane == "short"


def test_a_demo_that_is_stopped_leaves_whole_things_and_goes_on_later(tmp_path):
    workspace, steps = Workspace(tmp_path / "w"), []

    def stop_at_the_second_run(progress):
        steps.append(progress.stage)
        if progress.stage == RUNS[1].title:
            raise Cancelled

    with pytest.raises(Cancelled):
        load_demo(workspace, stop_at_the_second_run)
    assert [run.label for run in list_runs(workspace)] == [RUNS[0].label]
    assert not list(workspace.root.rglob("*.part"))


def test_the_pair_keeps_what_was_planted(demo_workspace):
    (pair,) = list_pairs(demo_workspace)
    truth = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))["about"]
    assert pair.title == "books → films"
    assert pair.before.shared == truth["users"]["books and films"]
    assert pair.after.shared > 0.75 * pair.before.shared > FEW_SHARED
    assert not pair.warnings


def test_joint_ease_beats_its_twin_by_the_planted_transfer(runs):
    """Accepted bands: outside them the generator, a split, a model or a metric has changed."""
    joint = runs["Joint EASE"]
    assert 0.14 < ndcg(joint.record)["mean"] < 0.20
    assert 0.12 < ndcg(joint.twin.record)["mean"] < 0.18
    assert 0.04 < ndcg(joint.popularity.record)["mean"] < 0.08
    lift = joint.record.lift["ndcg@10"]
    assert 0.010 < lift["mean"] < 0.035
    assert lift["low"] > 0


def test_books_tell_readers_without_films_far_more_than_popularity(runs):
    ridge = runs["Ridge, cold users"]
    assert ridge.record.lift_over_popularity["ndcg@10"]["low"] > 0.1
    assert 0.3 < ndcg(ridge.record)["mean"] < 0.5
    joint = runs["Joint EASE, cold users"]
    assert ndcg(joint.record)["mean"] > 2 * ndcg(joint.popularity.record)["mean"]
    assert ndcg(joint.twin.record) == ndcg(joint.popularity.record), "a twin knows nobody here"
    assert ridge.record.split_hash == joint.record.split_hash != COLD_USERS
