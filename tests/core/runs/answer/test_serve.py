"""One run to serve: each group asks its model, all of them trained on the split of everybody."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from core.basics.columns import TEST
from core.basics.errors import RunError
from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.data.snapshot import read_snapshot
from core.runs.answer.groups import answer_of
from core.runs.answer.next_steps import SERVE, next_steps
from core.runs.answer.serve import plans_of, serve_job
from core.store.run_folder import delete_run, list_runs, read_run


@pytest.fixture
def copy(demo_workspace, tmp_path) -> Workspace:
    return Workspace(shutil.copytree(demo_workspace.root, tmp_path / "copy"))


def test_people_without_history_get_the_bridge_and_all_others_the_standing_run(copy):
    runs = {run.label: run for run in list_runs(copy)}
    pair = runs["Joint EASE"].record.dataset_hash
    delete_run(copy, runs["Joint EASE, cold users"])  # the ridge alone answers for them
    answer = answer_of(copy, list_runs(copy), runs["Joint EASE"])
    assert {plan.model for plan in plans_of(answer).values()} == {"ridge", "ease"}
    assert SERVE in {step.act for step in next_steps(answer, list_runs(copy), [], 800)}
    made = read_run(copy.runs / serve_job(copy, {"pair": pair}, silent)["run"])
    asked = {group["segment"]: group["run"] for group in made.record.route["groups"]}
    assert asked["0"].startswith("ridge-")
    assert {asked[name] for name in ("1–4", "5–9", "10–19", "20+")} == {runs["Joint EASE"].id}
    split = read_snapshot(copy.splits / made.record.split_hash)
    users = np.concatenate([split.train.cold_users[:20], split.test.indptr.nonzero()[0][:20]])
    ridge = read_run(copy.runs / asked["0"]).model(split).score(split.train.cold_users[:20])
    ours = made.model(split).score(users)
    np.testing.assert_allclose(ours.source[:20], ridge.source, rtol=1e-6)
    assert made.metrics(TEST)["ndcg@10"].equals(runs["Joint EASE"].metrics(TEST)["ndcg@10"])
    assert SERVE not in {step.act for step in next_steps(answer, list_runs(copy), [], 800)}


def test_where_one_model_is_best_for_all_there_is_nothing_to_put_together(copy):
    runs = {run.label: run for run in list_runs(copy)}
    delete_run(copy, runs["Ridge, cold users"])
    with pytest.raises(RunError, match="One model is best for everybody"):
        serve_job(copy, {"pair": runs["Joint EASE"].record.dataset_hash}, silent)
