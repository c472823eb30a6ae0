"""A training by epochs, killed with -9 in the middle, goes on and comes to the same end."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from core.basics.columns import TEST
from core.basics.files import read_json, write_json
from core.basics.workspace import Workspace
from core.data.snapshot import read_snapshot, write_snapshot
from core.jobs.supervisor import Lock, ensure_supervisor, kill
from core.jobs.table import (
    CANCELLED,
    DONE,
    KILLED,
    Job,
    enqueue,
    list_jobs,
    read_curve,
    read_job,
    request_cancel,
    resume,
)
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import Run, list_runs, read_run
from tests.core.runs.making.test_make_run import taste_tables

EPOCHS = 9  # so few are kept to, and patience decides nothing
MARK = 123.0  # a loss no epoch has
SETTINGS = {"patience": 100, "factors": 8, "negatives": 8, "batch_size": 48}


@pytest.fixture
def workspace(tmp_path: Path):
    here = Workspace(tmp_path / "workspace")
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
    yield here
    while pid := Lock(here).holder():
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    for job in list_jobs(here, active=True, dismissed=True):
        if job.pid:
            kill(job.pid)


def plan_of(workspace: Workspace, **settings) -> RunPlan:
    split = next(workspace.splits.iterdir()).name
    return RunPlan(split, "lightgcn", SETTINGS | {"epochs": EPOCHS} | settings)


def start(workspace: Workspace, **settings) -> str:
    plan = plan_of(workspace, **settings)
    job_id = enqueue(workspace, "train", plan.to_dict(), "training", "LightGCN")
    ensure_supervisor(workspace)
    return job_id


def wait_for(happened) -> None:
    deadline = time.monotonic() + 90
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def ended(workspace: Workspace, job_id: str) -> Job:
    wait_for(lambda: not read_job(workspace, job_id).is_active)
    return read_job(workspace, job_id)


def checkpoint(workspace: Workspace) -> Path:
    return workspace.checkpoints / plan_of(workspace).key / "run" / "fit.json"


def scores(run: Run, workspace: Workspace) -> np.ndarray:
    split = read_snapshot(workspace.splits / run.record.split_hash)
    return run.model(split).score(split.users(TEST)).own_scores()


def test_killed_in_the_middle_and_resumed_it_ends_as_if_nothing_had_happened(workspace):
    first = start(workspace)
    wait_for(checkpoint(workspace).exists)
    os.kill(read_job(workspace, first).pid, signal.SIGKILL)
    assert ended(workspace, first).status == KILLED
    assert list_runs(workspace) == []
    reached = read_json(checkpoint(workspace))
    first_loss, reached["curve"][0]["loss"] = reached["curve"][0]["loss"], MARK
    write_json(checkpoint(workspace), reached)

    again = resume(workspace, first)
    ensure_supervisor(workspace)
    job = ended(workspace, again)
    assert job.status == DONE, job.what

    run = read_run(workspace.runs / job.result["run"])
    curve = run.record.curve
    assert [point["epoch"] for point in curve] == list(range(1, EPOCHS + 1))
    assert curve[0]["loss"] == MARK  # epoch 1 was not trained again
    curve[0]["loss"] = first_loss
    assert not checkpoint(workspace).parent.parent.exists()
    epochs = [point.epoch for point in read_curve(workspace, again) if not point.twin]
    assert epochs == list(range(1, EPOCHS + 1))

    untouched = read_run(train_run(plan_of(workspace), workspace))
    assert curve == untouched.record.curve
    np.testing.assert_array_equal(scores(run, workspace), scores(untouched, workspace))


def test_cancelled_in_the_middle_it_keeps_its_best_epoch_and_can_be_used(workspace):
    job_id = start(workspace, epochs=1000, batch_size=8, layers=6)  # slow: to be caught
    wait_for(lambda: len(read_curve(workspace, job_id)) > 3)
    request_cancel(workspace, job_id)
    job = ended(workspace, job_id)
    assert (job.status, job.what) == (CANCELLED, "It was cancelled; what was best so far is kept.")
    run = read_run(workspace.runs / job.result["run"])
    curve = run.record.curve
    assert run.record.cancelled
    assert len(curve) < 1000
    assert run.record.best_epoch == max(curve, key=lambda point: point["valid"])["epoch"]
    assert np.isfinite(scores(run, workspace)).all()
