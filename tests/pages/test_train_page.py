"""The Train page as a person uses it: real jobs in real children on a tiny pair."""

import json
import os
import shutil
import signal
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.basics.columns import ITEM, USER
from core.basics.files import write_json
from core.basics.progress import Progress, silent
from core.basics.workspace import VARIABLE, Workspace
from core.data.snapshot import SplitTables, write_snapshot
from core.jobs.supervisor import Lock, kill
from core.jobs.table import (
    CANCELLED,
    DONE,
    KILLED,
    Job,
    claim,
    end_job,
    enqueue,
    list_jobs,
    read_curve,
    read_job,
    request_cancel,
    write_progress,
)
from core.models.registry import CARDS, card_of
from core.runs.making.estimate import timing_job
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.bundle import export_run
from core.store.run_folder import list_runs
from core.ui.train.models import DRAWER
from core.ui.train.runs import CURVE, idle_columns, matching, runs_table
from core.ui.widgets import table_key

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace of its own for the app; what was started in it is ended after the test."""
    workspace = Workspace(tmp_path / "workspace")
    workspace.root.mkdir()
    monkeypatch.setenv(VARIABLE, str(workspace.root))
    st.cache_resource.clear()
    st.cache_data.clear()
    yield workspace
    for job in list_jobs(workspace, active=True, dismissed=True):
        request_cancel(workspace, job.id)
        if job.pid:
            kill(job.pid)
    while pid := Lock(workspace).holder():
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


@pytest.fixture
def pair(workspace):
    """Hash of the split of a tiny pair: 140 users, half of whose source items name their taste.

    EASE is timed on it already: else every visit would start a child that does so.
    """
    rng = np.random.default_rng(0)
    rows = {"source_train": [], "target_train": [], "target_valid": [], "target_test": []}
    for user in range(140):
        liked = rng.permutation(np.arange(user % 2, 20, 2))
        rows["source_train"] += [(f"u{user}", f"book{item}") for item in liked[:5]]
        rows["target_train"] += [(f"u{user}", f"film{item}") for item in liked[:4]]
        rows["target_valid"] += [(f"u{user}", f"film{item}") for item in liked[4:6]]
        rows["target_test"] += [(f"u{user}", f"film{item}") for item in liked[6:8]]
    frames = {name: pd.DataFrame(part, columns=[USER, ITEM]) for name, part in rows.items()}
    folder = write_snapshot(
        workspace.splits,
        SplitTables(**frames, items_source=None, items_target=None),
        source_name="books",
        target_name="films",
        kind="random",
        seed=0,
        settings={},
        dataset_hash="0" * 16,
    )
    timing_job(workspace, {"model": "ease", "split": folder.name, "device": "auto"}, silent)
    return folder.name


def opened(*drawers: str) -> AppTest:
    """The Train page, freshly opened, with these drawers open."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for drawer in drawers:
        app.session_state[drawer] = True
    return well(app.switch_page("pages/train.py").run())


def well(app: AppTest) -> AppTest:
    """The same page, which shows no error."""
    assert not app.exception
    assert [error.value for error in app.error] == []
    return app


def words(app: AppTest) -> str:
    """Everything the page says in running text."""
    return "\n".join(str(element.value) for element in (*app.markdown, *app.caption, *app.info))


def finished(workspace: Workspace, count: int) -> None:
    """Wait until that many trainings are done."""
    wait_for(lambda: sum(job.status == DONE for job in trainings(workspace)) >= count)


def trainings(workspace: Workspace) -> list[Job]:
    """Jobs that train; a page also sets short ones going that look for a GPU or time a model."""
    return list_jobs(workspace, kind="train")


def wait_for(happened) -> None:
    """Wait for something that will happen; fails where it does not."""
    deadline = time.monotonic() + 90
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def tick(app: AppTest, *names: str) -> AppTest:
    """Exactly these models ticked, the drawer with all of them closed, their settings open."""
    app.session_state[DRAWER] = True
    for box in app.run().checkbox:
        if not box.disabled:  # red: the data cannot carry the model
            box.set_value(box.key in [f"train_{name}" for name in names])
    app.run()
    app.session_state[DRAWER] = False
    for name in names:
        app.session_state[f"details_{name}"] = True
    return app.run()


def table(app: AppTest) -> pd.DataFrame:
    return app.dataframe[0].value


def test_an_empty_workspace_says_what_is_missing_and_where_it_is_made(workspace):
    app = opened()
    assert "nothing to train on" in words(app)
    assert not app.checkbox
    assert "no runs yet" in words(app)


def test_start_trains_what_is_ticked_by_then_even_if_the_page_was_not_drawn_since(workspace, pair):
    """A person unticked EASE, ticked popularity and pressed Start: EASE was trained again."""
    app = opened(DRAWER)
    app.checkbox(key="train_ease").uncheck()
    app.checkbox(key="train_popularity").check()
    well(app.button(key="train_start").click().run())
    assert [job.payload["model"] for job in trainings(workspace)] == ["popularity"]


def test_popularity_and_ease_are_trained_by_jobs_and_stand_in_the_table(workspace, pair):
    app = tick(opened(), "popularity", "ease")
    well(app.button(key="train_start").click().run())
    assert {job.title for job in trainings(workspace)} == {
        "Popularity · seed 2022",
        "EASE · seed 2022",
    }
    finished(workspace, 2)
    shown = table(well(app.run())).set_index("Name")
    ease, popularity = (shown.loc[f"{name} · seed 2022"] for name in ("EASE", "Popularity"))
    assert ease["nDCG@10"] > popularity["nDCG@10"]
    assert np.isfinite(ease["Over twin"])
    assert np.isnan(popularity["Over twin"])


def test_a_changed_setting_reaches_the_run_and_its_name(workspace, pair):
    app = tick(opened(), "ease")
    app.number_input(key="setting_ease_regularization").set_value(7.0).run()
    well(app.button(key="train_start").click().run())
    (job,) = trainings(workspace)
    assert job.payload["settings"]["regularization"] == 7.0
    assert job.title == "EASE · regularization 7 · seed 2022"


def test_starting_twice_makes_one_job(workspace, pair):
    enqueue(workspace, "sleep", {}, "training", "in the way", ("-c", "import time; time.sleep(60)"))
    app = tick(opened(), "ease")
    for _ in range(2):
        app.button(key="train_start").click().run()
    assert sum(job.kind == "train" for job in list_jobs(workspace)) == 1


def test_a_waiting_job_is_cancelled_by_its_button(workspace, pair):
    enqueue(workspace, "sleep", {}, "training", "in the way", ("-c", "import time; time.sleep(60)"))
    app = tick(opened(), "ease")
    app.button(key="train_start").click().run()
    (job,) = list_jobs(workspace, kind="train")
    well(app.button(key=f"card_cancel_{job.id}").click().run())
    assert read_job(workspace, job.id).status == CANCELLED
    assert "cancelled before it began" in words(app)


def test_a_running_job_shows_its_stage_and_curve_and_keeps_its_best_epoch_when_cancelled(
    workspace, pair
):
    command = ("-m", "tests.core.jobs.jobs_child", "patient")
    job_id = enqueue(workspace, "train", {"n": 1}, "training", "LightGCN", command)
    opened()  # opening the page is enough to set waiting work going
    wait_for(lambda: len(read_curve(workspace, job_id)) > 2)
    app = opened()
    assert "nDCG@10" in words(app)
    assert "of 600" in app.get("progress")[0].proto.text
    assert app.get("plotly_chart")
    well(app.button(key=f"card_cancel_{job_id}").click().run())
    wait_for(lambda: read_job(workspace, job_id).status == CANCELLED)
    app = well(app.run())
    assert "what was best so far is kept" in words(app)
    # Seen: the closed box had the curve in it, and the browser read Plotly for what nobody opened
    assert not app.get("plotly_chart")
    app.session_state[f"more_{job_id}"] = True
    assert well(app.run()).get("plotly_chart")


def test_a_gpu_is_offered_to_models_that_use_one_and_its_memory_counts(workspace, pair):
    small_gpu = {"name": "cuda", "title": "Little GPU", "memory": 2**20}
    devices = [{"name": "cpu", "title": "CPU", "memory": None}, small_gpu]
    write_json(workspace.root / "devices.json", {"torch": version("torch"), "devices": devices})
    app = tick(opened(), "ease")
    assert not [box for box in app.selectbox if box.key == "train_device"]
    app = tick(app, "lightgcn")
    app.selectbox(key="train_device").set_value("cuda").run()
    assert any("1 MiB are free" in error.value for error in app.error)
    assert app.button(key="train_start").disabled
    app.selectbox(key="train_device").set_value("cpu").run()
    app.button(key="train_start").click().run()
    assert [job.payload["device"] for job in list_jobs(workspace, kind="train")] == ["cpu"]


def test_a_model_that_does_not_fit_in_memory_is_refused_with_the_reason(
    workspace, pair, monkeypatch
):
    for module in ("core.ui.train.models", "core.runs.making.estimate"):
        monkeypatch.setattr(f"{module}.free_memory", lambda: 1)
    app = opened(DRAWER)
    assert app.checkbox(key="train_ease").disabled
    assert "are free" in words(app)
    assert app.button(key="train_start").disabled


def test_before_a_costly_model_ease_is_proposed_and_its_button_trains_it(workspace, pair):
    """Mult-VAE took two minutes where EASE takes three seconds, and nobody was told before."""
    slow = {"settings": {}, "parts": [{"first": 3.0, "step": 3.0}], "evaluate": 1.0}
    write_json(workspace.timings / f"mult_vae-{pair}-auto.json", slow)
    app = tick(opened(), "mult_vae")
    app.number_input(key="train_seed").set_value(7).run()
    told = [info.value for info in app.info if "often as good" in info.value]
    assert len(told) == 1
    assert told[0].startswith(
        "Cross-domain Mult-VAE takes about 2 min, at most 10 min on this pair; EASE takes "
    )
    enqueue(workspace, "sleep", {}, "training", "in the way", ("-c", "import time; time.sleep(60)"))
    well(app.button(key="train_cheaper").click().run())
    (job,) = trainings(workspace)
    assert (job.payload["model"], job.payload["split"], job.payload["seed"]) == ("ease", pair, 7)
    assert job.payload["settings"] == card_of("ease").settings().to_dict()
    assert job.title == "EASE · seed 7"
    assert not [button for button in app.button if button.key == "train_cheaper"]
    assert [box.key for box in app.checkbox if box.value and "train_" in str(box.key)] == [
        "train_mult_vae"
    ]  # what was chosen is still chosen


def test_a_cheap_model_starts_without_a_proposal(workspace, pair):
    app = tick(opened(), "item_knn")
    assert not [info for info in app.info if "often as good" in info.value]
    assert not [button for button in app.button if button.key == "train_cheaper"]


def test_a_killed_training_says_why_and_offers_to_resume(workspace, pair):
    job_id = enqueue(workspace, "train", {"split": pair, "model": "ease"}, "training", "EASE")
    claim(workspace, job_id, None)
    write_progress(workspace, job_id, Progress(3, 10, "training"), [])
    end_job(workspace, job_id, KILLED, "It was killed from outside (SIGKILL).", "Resume it.")
    app = opened()
    assert "killed from outside" in words(app)
    well(app.button(key=f"resume_{job_id}").click().run())
    (again,) = trainings(workspace)
    assert (again.resumed, again.attempts) == (True, 2)


def test_runs_are_searched_renamed_compared_moved_and_deleted(workspace, pair, tmp_path):
    for model in ("popularity", "ease"):
        train_run(RunPlan(pair, model), workspace)
    app = opened("load_box")
    app.text_input(key="runs_search").set_value("ease").run()
    assert list(table(well(app))["Name"]) == ["EASE · seed 2022"]

    choose(app, [0])
    run = next(run for run in list_runs(workspace) if run.record.model == "ease")
    app.text_input(key=f"rename_{run.id}").set_value("the good one")
    well(app.button(key="run_rename").click().run())
    assert "the good one" in [run.label for run in list_runs(workspace)]

    app.text_input(key="runs_search").set_value("").run()
    choose(app, [0, 1])
    beside = app.dataframe[1].value
    assert {"nDCG@10", "Recall@10"} <= set(beside["On test users"])

    bundle = export_run(run, workspace.splits / pair, tmp_path / "run.zip").read_bytes()
    well(app.button(key="run_delete").click().run())
    assert list_runs(workspace) == []

    app.file_uploader(key="run_file").set_value(("../../run.zip", bundle, "application/zip")).run()
    well(app.button(key="run_load").click().run())
    assert [run.record.model for run in list_runs(workspace)] == ["ease"]


def test_on_a_full_disk_a_name_and_a_run_file_are_refused_and_all_stays_as_it_was(
    workspace, pair, tmp_path, monkeypatch
):
    """Seen: loading a run file answered with a traceback."""
    train_run(RunPlan(pair, "popularity"), workspace)
    (run,) = list_runs(workspace)
    bundle = export_run(run, workspace.splits / pair, tmp_path / "run.zip").read_bytes()
    app = opened("load_box")
    choose(app, [0])
    app.text_input(key=f"rename_{run.id}").set_value("the good one")
    app.file_uploader(key="run_file").set_value(("run.zip", bundle, "application/zip")).run()

    def full(*args, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.basics.files._sync", full)
    monkeypatch.setattr("core.ui.train.runs.shutil.copyfileobj", full)
    for button in ("run_rename", "run_load"):
        app.button(key=button).click().run()
        assert not app.exception
        (error,) = app.error
        assert error.value.startswith("The disk is full, so this could not be done\\. Free some ")
    assert [kept.label for kept in list_runs(workspace)] == [run.label]
    assert list(workspace.uploads.iterdir()) == []
    assert not list(workspace.root.rglob("*.part"))


def test_columns_of_the_runs_that_tell_nothing_are_left_out(workspace, pair):
    for seed in (1, 2):
        train_run(RunPlan(pair, "popularity", seed=seed), workspace)
    alike = runs_table(list_runs(workspace), [pair])
    assert {"Split", "Pair", "Model", "Over twin", "RMSE", "Note"} <= {*idle_columns(alike)}
    named = alike.assign(Name=["the good one", alike["Name"][1]], Split=["random", "temporal"])
    assert not {"Split", "Model"} & {*idle_columns(named)}
    assert "nDCG@10" not in idle_columns(alike)
    assert CURVE in idle_columns(alike)
    assert CURVE not in idle_columns(alike.assign(**{CURVE: [[0.1, 0.2], []]}))


def test_a_tick_never_slips_to_a_run_that_came_later(workspace, pair):
    train_run(RunPlan(pair, "popularity"), workspace)
    app = opened()
    choose(app, [0])
    assert app.button(key="run_delete")
    train_run(RunPlan(pair, "ease"), workspace)
    assert not [button for button in app.run().button if button.key == "run_delete"]


def test_a_run_without_its_data_says_what_is_missing(workspace, pair):
    train_run(RunPlan(pair, "popularity"), workspace)
    (workspace.splits / pair).rename(workspace.root / "elsewhere")
    app = opened()
    choose(app, [0])
    assert any("books → films" in warning.value for warning in app.warning)
    assert list(table(app)["Note"]) == ["its data is not here"]


def test_a_damaged_run_is_left_out_and_named_with_what_to_do(workspace, pair):
    kept, damaged = (
        train_run(RunPlan(pair, "popularity", seed=seed), workspace) for seed in (1, 2)
    )
    record = json.loads((damaged / "run.json").read_text())
    write_json(damaged / "run.json", record | {"label": "", "curve": "![x](y)"})
    app = well(opened())
    (warning,) = [one.value for one in app.warning if "left out" in one.value]
    said = warning.replace("\\", "")
    assert said.startswith(f"{damaged.name} is left out. The record of {damaged.name} is damaged")
    assert "(label, curve)" in said
    assert said.endswith("Delete its folder and train it again.")
    assert len(table(app)) == 1
    (damaged / "run.json").write_text("no record")
    st.cache_resource.clear()
    (warning,) = [one.value for one in well(opened()).warning if "left out" in one.value]
    assert "cannot be read" in warning
    assert kept.name not in warning


def test_a_file_that_is_no_run_is_refused_in_two_sentences(workspace):
    app = opened("load_box")
    app.file_uploader(key="run_file").set_value(("run.zip", b"nothing", "application/zip")).run()
    app.button(key="run_load").click().run()
    (error,) = app.error
    assert "no run that can be loaded" in error.value
    assert list(workspace.uploads.iterdir()) == []


def choose(app: AppTest, rows: list[int]) -> None:
    """Tick rows of the runs table, as a person does in the browser."""
    selection = {"rows": rows, "columns": [], "cells": []}
    runs = list_runs(Workspace(Path(os.environ[VARIABLE])))
    shown = matching(runs_table(runs, []), app.text_input(key="runs_search").value)
    key = table_key("runs_table", [runs[row].id for row in shown])
    app.session_state[key] = {"selection": selection}
    app.run()


def test_a_preset_fills_the_forms_and_leaves_what_a_person_changed(workspace, pair):
    app = tick(opened(), "lightgcn", "cmf_als")
    app.number_input(key="setting_lightgcn_epochs").set_value(7).run()
    well(app.segmented_control(key="train_preset").set_value("thorough").run())
    shown = {box.key: box.value for box in app.number_input}
    assert shown["setting_lightgcn_epochs"] == 7
    assert shown["setting_lightgcn_factors"] == 128
    assert shown["setting_cmf_als_factors"] == 128
    well(app.segmented_control(key="train_preset").set_value("balanced").run())
    shown = {box.key: box.value for box in app.number_input}
    assert (shown["setting_lightgcn_epochs"], shown["setting_lightgcn_factors"]) == (7, 64)


def test_a_link_brings_the_ticked_models_and_the_preset(workspace, pair):
    """Copied or loaded again, the page ticked EASE and stood on balanced."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["models"], app.query_params["preset"] = "ridge,cmf_als", "fast"
    app = well(app.switch_page("pages/train.py").run())
    ticked = {box.key for box in app.checkbox if box.value}
    assert ticked == {"train_ridge", "train_cmf_als"}
    assert app.segmented_control(key="train_preset").value == "fast"
    app.button(key="train_start").click().run()
    plans = [job.payload for job in list_jobs(workspace, kind="train")]
    iterations = {plan["model"]: plan["settings"].get("epochs") for plan in plans}
    assert iterations == {"ridge": None, "cmf_als": 5}
    app.checkbox(key="train_ridge").uncheck().run()
    assert app.query_params["models"] == "cmf_als"


def test_a_preset_reaches_models_that_are_ticked_later(workspace, pair):
    app = tick(opened(), "ease")
    app.segmented_control(key="train_preset").set_value("fast").run()
    app = tick(app, "cmf_als")
    app.button(key="train_start").click().run()
    (job,) = list_jobs(workspace, kind="train")
    assert (job.payload["settings"]["factors"], job.payload["settings"]["epochs"]) == (32, 5)


def test_how_long_a_model_takes_is_measured_only_when_a_person_asks(workspace, pair):
    """Seen: a job "Timing EASE" that nobody had asked for began with the tick of a box."""
    shutil.rmtree(workspace.timings)
    app = tick(opened(), "ease")
    assert "EASE and its twin: not timed yet" in words(app)
    assert not list_jobs(workspace, kind="timing")
    app.button(key="train_measure").click().run()
    (job,) = list_jobs(workspace, kind="timing")
    assert job.title == "Measuring how long EASE takes"
    wait_for(lambda: any(j.status == DONE for j in list_jobs(workspace, kind="timing")))
    assert "from its first steps, timed here" in words(app.run())
    assert not [button for button in app.button if button.key == "train_measure"]
    app.button(key="train_start").click().run()
    wait_for(lambda: any(j.status == DONE for j in list_jobs(workspace, kind="train")))
    assert "as last time" in words(app.run())
    app.number_input(key="setting_ease_regularization").set_value(7.0).run()
    assert "from a run with other settings" in words(app)


def test_three_models_are_proposed_with_why_and_all_others_wait_in_a_drawer(workspace, pair):
    app = opened()
    proposed = {box.key: box.label for box in app.checkbox if str(box.key).startswith("train_")}
    assert list(proposed) == ["train_ease", "train_ridge", "train_edlae"]
    assert "strong, exact, fast · about 1 s" in proposed["train_ease"]
    assert "for people without films" in proposed["train_ridge"]
    app.session_state[DRAWER] = True
    app.run()
    assert {box.key for box in app.checkbox} >= {f"train_{name}" for name in CARDS}
    app.text_input(key="train_search_models").set_value("graph").run()
    assert app.checkbox(key="train_lightgcn")
    assert not [box for box in app.checkbox if box.key == "train_two_tower"]
    app.text_input(key="train_search_models").set_value("no such words").run()
    assert "No other model says so" in words(app)


def test_a_model_ticked_in_the_drawer_stays_ticked_in_sight_once_it_is_closed(workspace, pair):
    app = opened(DRAWER)
    app.checkbox(key="train_item_knn").check().run()
    app.session_state[DRAWER] = False
    app.run()
    assert app.checkbox(key="train_item_knn").value
    assert not [box for box in app.checkbox if box.key == "train_lightgcn"]
    assert app.button(key="train_start").label == "Start 2 runs"


def test_what_a_closed_form_says_reaches_the_run(workspace, pair):
    app = tick(opened(), "ease")
    app.number_input(key="setting_ease_regularization").set_value(7.0).run()
    app.session_state["details_ease"] = False
    app.run()
    assert not [box for box in app.number_input if "setting" in str(box.key)]
    well(app.button(key="train_start").click().run())
    (job,) = trainings(workspace)
    assert job.payload["settings"]["regularization"] == 7.0


def test_the_log_of_an_ended_job_is_read_only_once_it_is_opened(workspace, pair):
    """Seen: closed drawers were drawn, and with them Plotly and a highlighter of 6 MB."""
    ids = [enqueue(workspace, "train", {"split": pair, "n": n}, "training", f"{n}") for n in (1, 2)]
    for job_id in ids:
        claim(workspace, job_id, None)
        end_job(workspace, job_id, DONE)
    app = opened()
    assert not app.code
    assert "**2**" in words(app)
    assert "**1**" not in words(app)  # what ended before the last waits in a drawer
    app.session_state["earlier_jobs"] = True
    app.session_state[f"more_{ids[0]}"] = True
    assert len(app.run().code) == 1
    assert "**1**" in words(app)


def test_a_run_deleted_in_another_tab_takes_no_name_and_does_not_come_back(workspace, pair):
    """Seen: tab B deleted the run tab A had open; "Save name" in A made a folder without a run."""
    run_id = train_run(RunPlan(pair, "item_knn"), workspace).name
    tab_a, tab_b = opened(), opened()
    for tab in (tab_a, tab_b):
        choose(tab, [0])
    well(tab_b.button(key="run_delete").click().run())
    tab_a.text_input(key=f"rename_{run_id}").set_value("mine")
    tab_a.button(key="run_rename").click().run()
    (error,) = tab_a.error
    assert error.value.replace("\\", "") == (
        "ItemKNN · seed 2022 was deleted while it was looked at, so nothing was kept. "
        "Choose another run, or train this one again."
    )
    assert not tab_a.exception
    assert list(workspace.runs.iterdir()) == []
