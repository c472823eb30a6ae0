"""What a cancel leaves behind, wherever in a training it is heard."""

import pandas as pd
import pytest

from core.basics.columns import TEST
from core.basics.errors import RunError
from core.basics.progress import Cancelled
from core.basics.workspace import Workspace
from core.data.snapshot import read_snapshot, write_snapshot
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import read_run
from tests.core.runs.making.test_make_run import taste_tables


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    here = Workspace(tmp_path_factory.mktemp("workspace"))
    write_snapshot(
        here.splits,
        taste_tables(),
        source_name="books",
        target_name="films",
        kind="given files",
        seed=0,
        settings={},
        dataset_hash="0" * 16,
    )
    return here


def plan(workspace, model="cmf_als", **settings) -> RunPlan:
    if model == "cmf_als":  # no more factors than users
        settings = {"factors": 16} | settings
    return RunPlan(next(workspace.splits.iterdir()).name, model, settings)


def cancel_at(stage: str, done: int = 0):
    """A report that cancels every time from the moment this stage is reached."""
    reached = []

    def report(progress):
        if progress.stage == stage and progress.done >= done:
            reached.append(progress)
        if reached:
            raise Cancelled

    return report


def test_a_model_trained_by_epochs_keeps_its_best_epoch_and_can_be_read(workspace):
    run = read_run(train_run(plan(workspace), workspace, cancel_at("training", 3)))
    assert run.record.cancelled
    assert len(run.record.curve) == 3
    best = max(run.record.curve, key=lambda point: point["valid"])
    assert run.record.best_epoch == best["epoch"]
    split = read_snapshot(workspace.splits / run.record.split_hash)
    assert run.model(split).score(split.users(TEST)).own_scores().shape[1] == 24


def test_a_cancelled_run_has_no_twin_and_no_lift_but_popularity_beside_it(workspace):
    run = read_run(train_run(plan(workspace), workspace, cancel_at("training", 3)))
    assert (run.twin, run.record.lift) == (None, None)
    pd.testing.assert_series_equal(
        run.popularity.metrics(TEST)["user_id"], run.metrics(TEST)["user_id"]
    )


def test_a_cancel_while_evaluating_keeps_the_fit(workspace):
    run = read_run(train_run(plan(workspace), workspace, cancel_at("evaluating on valid and test")))
    assert run.record.cancelled
    assert run.twin is None


def test_a_twin_that_was_cancelled_half_way_is_not_compared_with(workspace):
    run = read_run(train_run(plan(workspace), workspace, cancel_at("twin: training", 2)))
    assert not run.record.cancelled
    assert (run.twin, run.record.lift) == (None, None)


def test_a_cancel_at_the_very_end_comes_too_late(workspace):
    run = read_run(train_run(plan(workspace), workspace, cancel_at("keeping")))
    assert run.twin is not None


def test_a_model_solved_at_once_keeps_nothing(workspace):
    with pytest.raises(Cancelled):
        train_run(plan(workspace, "ease"), workspace, cancel_at("training"))


def test_a_run_that_does_not_fit_in_memory_is_refused_before_it_starts(workspace, monkeypatch):
    monkeypatch.setattr("core.runs.making.make_run.free_memory", lambda: 1000)
    with pytest.raises(RunError, match="cannot be trained here"):
        train_run(plan(workspace, "ease"), workspace)
