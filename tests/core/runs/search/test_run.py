"""A search tries settings of a model and its twin on validation only, in real children."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import VALID
from core.basics.errors import RunError
from core.basics.progress import Cancelled, silent
from core.basics.workspace import Workspace
from core.data.snapshot import read_snapshot, write_snapshot
from core.evaluation.evaluate import evaluate
from core.jobs.supervisor import ROOT, Lock, ensure_supervisor, kill
from core.jobs.table import CANCELLED, KILLED, enqueue, list_jobs, read_job, request_cancel, resume
from core.models.registry import build
from core.runs.making.plan import RunPlan
from core.runs.search.plan import DONE, FAILED, STOPPED, SearchPlan
from core.runs.search.run import InProcess, search, train_winner
from core.runs.search.study import list_studies, measure, read_study, read_values, summary
from core.store.run_folder import RUN, TWIN, list_runs, read_run
from tests.core.runs.making.test_make_run import taste_tables

GRID = {"regularization": (3.0, 30.0), "source_weight": (0.1, 1.0)}


@pytest.fixture
def workspace(tmp_path):
    """A workspace with one planted split; what was started in it is ended after the test."""
    here = Workspace(tmp_path / "workspace")
    written(here, taste_tables())
    yield here
    while pid := Lock(here).holder():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    for job in list_jobs(here, active=True, dismissed=True):
        if job.pid:
            kill(job.pid)


def written(workspace: Workspace, tables, dataset_hash: str = "0" * 16) -> str:
    return write_snapshot(
        workspace.splits,
        tables,
        source_name="books",
        target_name="films",
        kind="given files",
        seed=0,
        settings={},
        dataset_hash=dataset_hash,
    ).name


def planned(workspace: Workspace, model: str = "ease", grid=GRID, **more) -> SearchPlan:
    return SearchPlan(next(workspace.splits.iterdir()).name, model, grid, **more)


def searched(workspace: Workspace, plan: SearchPlan, report=silent):
    split = read_snapshot(workspace.splits / plan.split)
    return search(plan, workspace, InProcess(split, workspace.searches / plan.key, silent), report)


def wait_until(happened) -> None:
    deadline = time.monotonic() + 90
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_model_and_twin_get_as_many_trials_and_their_own_settings(workspace):
    study = searched(workspace, planned(workspace))
    assert study.status == DONE
    assert [len(study.of(role)) for role in (RUN, TWIN)] == [4, 4]
    assert all("source_weight" not in trial.settings for trial in study.of(TWIN))
    train_winner(study, workspace)
    run = read_run(workspace.runs / study.run)
    assert run.record.settings.items() >= study.choices[RUN].taken.settings.items()
    assert run.twin.record.settings.items() >= study.choices[TWIN].taken.settings.items()
    assert read_study(study.folder).run == run.id


def test_a_trial_says_the_validation_mean_and_standard_error_of_its_settings(workspace):
    plan = planned(workspace)
    trial = searched(workspace, plan).of(RUN)[1]
    split = read_snapshot(workspace.splits / plan.split)
    model = build("ease", trial.settings)
    list(model.fit_epochs(split.train, plan.seed))
    found = evaluate(model.score, split, VALID, ks=(10,)).per_user["ndcg@10"]
    assert trial.mean == pytest.approx(found.mean())
    assert trial.error == pytest.approx(found.std() / len(found) ** 0.5)


def test_every_trial_knows_how_much_of_its_gap_to_the_best_is_chance(workspace):
    study = searched(workspace, planned(workspace))
    best = study.choices[RUN].best
    values = {t.number: read_values(study.folder, RUN, t.number) for t in study.of(RUN)}
    for trial in study.of(RUN):
        gap = values[best.number] - values[trial.number]
        assert trial.gap_error == pytest.approx(gap.std(ddof=1) / len(gap) ** 0.5)
        assert values[trial.number].mean() == pytest.approx(trial.mean)


def test_test_rows_change_no_trial(workspace):
    tables = taste_tables()
    others = tables.target_test.assign(item_id=tables.target_test["item_id"].to_numpy()[::-1])
    other = written(workspace, replace(tables, target_test=others), "1" * 16)
    plan = planned(workspace)
    figures = [
        [trial.mean for trial in searched(workspace, replace(plan, split=split)).trials]
        for split in {other, *(path.name for path in workspace.splits.iterdir())}
    ]
    assert len(figures) == 2
    assert figures[0] == figures[1]


def test_without_room_for_all_combinations_the_models_own_settings_come_first(workspace):
    grid = {"factors": (2, 4, 8), "regularization": (0.01, 0.1, 1.0)}
    plan = planned(workspace, "cmf_als", grid, trials=3, settings={"epochs": 2, "factors": 4})
    study = searched(workspace, plan)
    assert study.of(RUN)[0].settings == {"factors": 4, "regularization": 0.03}
    for trial in study.trials:
        assert 2 <= trial.settings["factors"] <= 8
        assert 0.01 <= trial.settings["regularization"] <= 1.0


def test_the_twin_takes_its_best_and_an_end_of_the_grid_is_said(workspace):
    """The model kept its best, the twin a simpler and worse setting: that alone was a lift."""
    study = searched(workspace, planned(workspace, grid={"regularization": (3.0, 30.0, 300.0)}))
    for role, best in ((RUN, 30.0), (TWIN, 3.0)):
        for one in study.of(role):
            mean = 0.5 if one.settings["regularization"] == best else 0.49
            study.put(replace(one, mean=mean, error=0.1, gap_error=0.1))
    assert study.choices[RUN].taken.settings == {"regularization": 300.0}  # the simplest alike
    assert study.choices[TWIN].taken.settings == {"regularization": 3.0}
    said = summary(study)
    assert said["edges"] == (
        "The best trial stands at an edge: regularization 3, the low end of 3 to 300 (twin). "
        "Search on beyond it."
    )
    assert said["winners"][TWIN]["at_edge"] == {"regularization": "low"}
    assert said["winners"][RUN]["at_edge"] == {}


def test_a_stopped_search_keeps_what_it_has_and_goes_on_when_started_again(workspace):
    calls = []

    def stop_soon(progress):
        calls.append(progress)
        if len(calls) == 3:
            raise Cancelled

    plan = planned(workspace)
    study = searched(workspace, plan, stop_soon)
    assert study.status == STOPPED
    assert study.winner is not None
    before = [trial for trial in study.trials if trial.status == DONE]
    again = searched(workspace, plan)
    assert again.status == DONE
    assert [len(again.of(role)) for role in (RUN, TWIN)] == [4, 4]
    kept = again.trials[: len(before)]
    assert [(t.number, t.mean) for t in kept] == [(t.number, t.mean) for t in before]
    tried = [tuple(trial.settings.values()) for trial in again.of(RUN)]
    assert len(set(tried)) == 4


def test_settings_of_a_trial_that_was_stopped_on_the_way_are_tried_again(workspace):
    plan = planned(workspace)
    split = read_snapshot(workspace.splits / plan.split)
    slow = InProcess(split, workspace.searches / plan.key, silent)
    slow.ended = lambda trial: None

    def stop(progress):
        raise Cancelled

    study = search(plan, workspace, slow, stop)
    assert (study.status, study.counts(), study.winner) == (STOPPED, {STOPPED: 1}, None)
    again = searched(workspace, plan)
    assert again.counts() == {DONE: 8}
    tried = [trial.settings for trial in again.of(RUN)]
    assert all(settings in tried for settings in plan.combinations_of(RUN))


def test_trials_that_cannot_be_trained_are_counted_and_said(workspace):
    grid = {"factors": (4, 512), "epochs": (1, 2)}
    plan = planned(workspace, "lightgcn", grid, settings={"learning_rate": 0.5})
    split = read_snapshot(workspace.splits / plan.split)
    broken = InProcess(split, workspace.searches / plan.key, silent)
    whole = broken.ended

    def ended(trial):
        if trial.settings["factors"] == 512:
            return replace(trial, status=FAILED, what="It diverged. Lower the learning rate.")
        return whole(trial)

    broken.ended = ended
    study = search(plan, workspace, broken)
    assert study.status == DONE
    assert "4 of 8 trials gave no figure: It diverged." in study.said_of_failures()
    assert study.choices[RUN].taken.settings["factors"] == 4


def test_a_model_of_ratings_is_searched_by_its_rmse(workspace):
    tables = rating_tables()
    plan = SearchPlan(
        written(workspace, tables, "2" * 16), "mf_rating", {"factors": (2, 4)}, {"epochs": 3}
    )
    study = searched(workspace, plan)
    assert study.status == DONE
    split = read_snapshot(workspace.splits / plan.split)
    for trial in study.of(RUN):
        found = measure(plan_of(plan, trial), RUN, split, silent)
        squared = found.values.mean()
        assert trial.mean == pytest.approx(squared**0.5) == pytest.approx(found.figures["mean"])
    assert study.choices[RUN].best.mean == min(trial.mean for trial in study.of(RUN))


def plan_of(plan: SearchPlan, trial) -> RunPlan:
    return RunPlan(plan.split, plan.model, plan.settings | trial.settings, plan.seed)


def rating_tables():
    """The planted taste with ratings of 1 to 5."""
    tables, rng = taste_tables(), np.random.default_rng(0)
    parts = ("source_train", "target_train", "target_valid", "target_test")
    frames = {name: getattr(tables, name) for name in parts}
    rated = {
        name: frame.assign(rating=rng.integers(1, 6, len(frame)).astype(float))
        for name, frame in frames.items()
    }
    return replace(tables, **rated)


def test_a_split_without_validation_users_is_refused(tmp_path):
    here = Workspace(tmp_path)
    tables = taste_tables()
    written(here, replace(tables, target_valid=pd.DataFrame(columns=tables.target_valid.columns)))
    with pytest.raises(RunError, match="no validation users"):
        searched(here, planned(here))


def test_a_search_as_a_job_trains_the_winner_and_leaves_no_rows_of_trials(workspace):
    plan = planned(workspace, grid={"regularization": (3.0, 30.0)})
    job_id = enqueue(
        workspace, "search", plan.to_dict() | {"train": True}, "training", "Search: EASE"
    )
    ensure_supervisor(workspace)
    wait_until(lambda: not read_job(workspace, job_id).is_active)
    job = read_job(workspace, job_id)
    assert (job.status, job.what) == (DONE, "")
    assert [run.id for run in list_runs(workspace)] == [job.result["run"]]
    assert [row.id for row in list_jobs(workspace)] == [job_id]
    (study,) = list_studies(workspace)
    assert study.counts() == {DONE: 4}


def test_a_killed_search_goes_on_and_a_stopped_one_ends_its_trials(workspace):
    plan = planned(workspace, grid={"regularization": tuple(range(10, 40))})
    job_id = enqueue(workspace, "search", plan.to_dict(), "training", "Search: EASE")
    ensure_supervisor(workspace)
    folder = workspace.searches / plan.key

    def measured() -> int:
        return read_study(folder).counts().get(DONE, 0) if (folder / "search.json").exists() else 0

    wait_until(lambda: measured() >= 1)
    kill(read_job(workspace, job_id).pid)
    wait_until(lambda: read_job(workspace, job_id).status == KILLED)
    before = measured()
    again = resume(workspace, job_id)
    ensure_supervisor(workspace)
    wait_until(lambda: measured() > before + 1)
    request_cancel(workspace, again)
    wait_until(lambda: not read_job(workspace, again).is_active)
    assert read_job(workspace, again).status == CANCELLED
    study = read_study(folder)
    assert (study.status, study.running) == (STOPPED, [])
    assert study.winner is not None
    assert not list_jobs(workspace, kind="trial", active=True, dismissed=True)


def test_looking_at_a_search_loads_neither_torch_nor_sklearn_nor_optuna(workspace):
    searched(workspace, planned(workspace))
    code = (
        "import sys; from pathlib import Path; from core.basics.workspace import Workspace;"
        "from core.runs.search.study import list_studies;"
        "study, = list_studies(Workspace(Path(sys.argv[1]))); assert study.winner;"
        "print([name for name in ('torch', 'sklearn', 'optuna') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(workspace.root)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr
