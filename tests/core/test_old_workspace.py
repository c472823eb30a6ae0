"""A workspace made by version 0.1.0 of November 2026 opens, and comes out the same when made again.

`tests/old_workspace/workspace.tar.gz` holds three imported files, two pairs, their splits, seven
runs of six kinds, a training that was killed after its first checkpoint, and a split that waits to
be made. `told.json` says what they are called, and what that version answered.
"""

import json
import os
import signal
import tarfile
import time
from pathlib import Path

import pandas as pd
import pytest

from core.basics.workspace import Workspace
from core.data.build_pair import build_pair
from core.data.checks.check import read_checks
from core.data.database import in_memory
from core.data.pair_folder import PairSettings, inputs_of, read_pair_info
from core.data.snapshot import read_snapshot
from core.data.splitting import SplitSettings, split_pair
from core.jobs.supervisor import Lock, ensure_supervisor
from core.jobs.table import DONE, KILLED, QUEUED, read_job, resume
from core.runs.explain.recommend import recommend_user
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import list_runs, read_run

FOLDER = Path(__file__).resolve().parents[1] / "old_workspace"
TOLD = json.loads((FOLDER / "told.json").read_text())


@pytest.fixture
def workspace(tmp_path):
    with tarfile.open(FOLDER / "workspace.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    here = Workspace(tmp_path / "workspace")
    yield here
    while pid := Lock(here).holder():
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


@pytest.mark.parametrize(("pair", "threshold"), [("pair", 3.0), ("rated_pair", 0.0)])
def test_a_pair_made_again_has_the_same_hash_and_rows(workspace, tmp_path, pair, threshold):
    old = workspace.pairs / TOLD[pair]
    inputs = inputs_of(workspace, read_pair_info(old))
    settings = PairSettings.of({"rating_threshold": threshold})
    connection = in_memory(workspace.root, tmp_path)
    new = build_pair(connection, inputs, settings, tmp_path / "again")
    assert new.name == old.name
    for file in ("source.parquet", "target.parquet", "items_target.parquet"):
        pd.testing.assert_frame_equal(pd.read_parquet(new / file), pd.read_parquet(old / file))
    assert (read_checks(workspace.pairs / TOLD["pair"]) or []) != []


@pytest.mark.parametrize(("pair", "split"), [("pair", "split"), ("rated_pair", "rated_split")])
def test_a_split_made_again_has_the_same_hash_and_rows(workspace, tmp_path, pair, split):
    settings = SplitSettings()
    new = split_pair(workspace.pairs / TOLD[pair], settings, 2022, tmp_path / "again")
    assert new.name == TOLD[split]
    old, again = read_snapshot(workspace.splits / TOLD[split]), read_snapshot(new)
    assert len(old.train.users) == TOLD["users"]
    for ours, theirs in ((again.train.source, old.train.source), (again.test, old.test)):
        assert (ours != theirs).nnz == 0


@pytest.mark.parametrize("kind", TOLD["runs"])
def test_a_run_says_what_it_said(workspace, kind):
    run = read_run(workspace.runs / TOLD["runs"][kind])
    assert run.id in [found.id for found in list_runs(workspace)]
    assert run.record.test["ndcg@10"]["mean"] == TOLD["ndcg"][kind]
    if kind in TOLD["lists"]:
        answer = recommend_user(workspace, run, "u03", 5, 1.0, 1.0)
        assert [row["item"] for row in answer["items"]] == TOLD["lists"][kind]


def test_a_run_trained_again_comes_to_the_same_figure(workspace):
    plan = RunPlan(TOLD["split"], "ease", {"regularization": 10.0})
    run = read_run(train_run(plan, workspace, lambda *_: None))
    assert run.record.test["ndcg@10"]["mean"] == pytest.approx(TOLD["ndcg"]["ease"], abs=1e-9)


def test_jobs_that_were_left_go_on(workspace):
    assert read_job(workspace, TOLD["killed"]).status == KILLED
    assert read_job(workspace, TOLD["queued"]).status == QUEUED
    resumed = resume(workspace, TOLD["killed"])
    ensure_supervisor(workspace)
    deadline = time.monotonic() + 90
    while any(read_job(workspace, job).is_active for job in (resumed, TOLD["queued"])):
        assert time.monotonic() < deadline, "the jobs did not end"
        time.sleep(0.05)
    assert read_job(workspace, resumed).status == DONE
    assert (workspace.splits / read_job(workspace, TOLD["queued"]).result["split"]).is_dir()
