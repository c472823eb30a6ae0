"""The Train page makes runs from runs: two blended, some routed, one compressed, and what came."""

import os
import signal
import time
from dataclasses import replace

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.basics.workspace import Workspace
from core.data.snapshot import read_snapshot
from core.jobs.supervisor import Lock
from core.jobs.table import DONE, list_jobs
from core.runs.making.blend import BlendPlan, blend_runs
from core.runs.making.compress import CompressPlan, compress_run
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.runs.making.route import route_runs
from core.store.run_folder import Run, list_runs, read_run
from core.ui.train.derived import (
    against_table,
    compression_table,
    mebibytes,
    stacking_table,
    student_words,
    weight_words,
)
from core.ui.widgets import table_key
from tests.pages.stories import entered, open_page, planted_split, well, words


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Workspace, dict[str, Run]]:
    here = Workspace(tmp_path_factory.mktemp("derived") / "workspace")
    one, other = planted_split(here, seed=3), planted_split(here, seed=4)
    runs = {
        name: read_run(train_run(RunPlan(split, name.split(":")[0], label=name), here))
        for name, split in (("ease", one), ("item_knn", one), ("ease:elsewhere", other))
    }
    return here, runs


@pytest.fixture
def workspace(trained, monkeypatch):
    here = entered(trained[0], monkeypatch)
    yield here
    if pid := Lock(here).holder():
        os.kill(pid, signal.SIGKILL)


def ticked(workspace: Workspace, *ids: str) -> AppTest:
    """The Train page with these runs ticked in its table."""
    app = open_page("train")
    for choice in app.segmented_control:  # the runs of one pair, or of all
        if str(choice.key).startswith("runs_of_"):
            choice.set_value(choice.options[-1])
    shown = [run.id for run in list_runs(workspace)]
    selection = {"rows": [shown.index(id) for id in ids], "columns": [], "cells": []}
    app.session_state[table_key("runs_table", shown)] = {"selection": selection}
    return well(app.run())


def keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button}


def read_known(workspace: Workspace, run: Run) -> pd.Series:
    """Target items of every user number in training."""
    return pd.Series(read_snapshot(workspace.splits / run.record.split_hash).train.target_history)


def wait_for(happened) -> None:
    deadline = time.monotonic() + 90
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_two_ticked_runs_are_blended_by_a_job_and_the_blend_tells_what_it_is_worth(
    workspace, trained
):
    runs = trained[1]
    app = ticked(workspace, runs["ease"].id, runs["item_knn"].id)
    app.toggle(key="blend_auto").set_value(False).run()
    app.slider(key="blend_weight").set_value(0.7).run()
    well(app.button(key="run_blend").click().run())
    wait_for(lambda: [job.status for job in list_jobs(workspace, kind="blend")] == [DONE])
    (blend,) = (run for run in list_runs(workspace) if run.record.model == "blend")
    assert blend.record.settings == {"kind": "sum", "weight": 0.7}
    app = ticked(workspace, blend.id)
    assert "ease .70 and item_knn .30 (given)" in words(app).replace("\\", "")
    table = app.dataframe[1].value
    assert list(table["Less"]) == ["ease", "ease: its twin", "item_knn", "item_knn: its twin"]


def test_ticked_runs_are_routed_by_a_job_and_the_run_tells_whom_each_group_asks(workspace, trained):
    ease, knn = trained[1]["ease"], trained[1]["item_knn"]
    app = ticked(workspace, ease.id, knn.id)
    assert "Validation has fewer than 10 users with 10 or more interactions" in words(app)
    app.toggle(key="route_auto").set_value(False).run()
    app.selectbox(key="route_0").set_value(knn.id).run()
    well(app.button(key="run_route").click().run())
    wait_for(lambda: [job.status for job in list_jobs(workspace, kind="route")] == [DONE])
    (made,) = (run for run in list_runs(workspace) if run.record.model == "route")
    app = ticked(workspace, made.id)
    table = app.dataframe[1].value
    assert list(table["Known in films"]) == ["0", "1–4", "5–9", "10–19", "20+"]
    assert (table["Asks"][0], table["Why"][0]) == ("item_knn", "chosen by hand")
    better = [run.metrics("valid").set_index("user_id")["ndcg@10"] for run in (ease, knn)]
    some = read_known(workspace, ease)[better[0].index].between(1, 4).to_numpy()
    first = "item_knn" if better[1][some].mean() > better[0][some].mean() else "ease"
    best = table["Asks"][1] == first
    assert table["Why"][1] == ("best on validation" if best else "as good on validation")
    assert table["Why"][4] == "as 5–9"
    assert (table["1. ease"][4], table["Validation"][4]) == ("–", "0 users")
    by_hand = ease.metrics("valid").set_index("user_id")["ndcg@10"].iloc[-48:].mean()
    assert table["1. ease"][0].startswith(f"{by_hand:.3f}".removeprefix("0"))
    assert list(app.dataframe[2].value["Less"])[:2] == ["ease", "ease: its twin"]


def test_three_runs_are_routed_where_only_two_are_blended(workspace, trained):
    runs = trained[1]
    app = ticked(workspace, *(runs[name].id for name in ("ease", "item_knn", "ease:elsewhere")))
    assert not keys(app) & {"run_blend", "run_route"}
    assert "Train them on one split to route between" in words(app)


def test_a_ticked_run_is_compressed_by_a_job(workspace, trained):
    app = ticked(workspace, trained[1]["ease"].id)
    assert len(app.radio(key="compress_kind").options) == 2  # it has no encoder for a student
    app.radio(key="compress_kind").set_value("pruned").run()
    app.slider(key="compress_keep").set_value(20).run()
    well(app.button(key="run_compress").click().run())
    (job,) = list_jobs(workspace, kind="compress")
    assert job.payload["keep"] == 0.2
    wait_for(lambda: list_jobs(workspace, kind="compress")[0].status == DONE)
    made = next(run for run in list_runs(workspace) if run.record.compression)
    for id in (made.id, trained[1]["ease"].id):  # shown from either side
        app = ticked(workspace, id)
        assert "Compressed, beside the original" in words(app)
        assert list(app.dataframe[1].value["Weights"]) == ["the original", "pruned to 20 %"]
    app = ticked(workspace, made.id)
    assert "compressed already" in words(app)
    assert "run_compress" not in keys(app)


def test_runs_of_two_splits_are_not_blended_and_it_says_why(workspace, trained):
    runs = trained[1]
    app = ticked(workspace, runs["ease"].id, runs["ease:elsewhere"].id)
    assert "run_blend" not in keys(app)
    assert "stand on different splits" in words(app)


@pytest.fixture(scope="module")
def packed(trained) -> str:
    """Id of a stacking of two runs, compressed."""
    here, runs = trained
    plan = BlendPlan((runs["ease"].id, runs["item_knn"].id), "stacking")
    return compress_run(CompressPlan(blend_runs(plan, here).name, "int8"), here).name


@pytest.mark.parametrize("page", ["fusion", "metrics", "recommendations", "embeddings"])
def test_every_page_opens_on_a_compressed_blend(workspace, packed, page):
    assert "Blend" in words(well(open_page(page, run=packed)))


@pytest.fixture(scope="module")
def routed(trained) -> str:
    """Id of a run that asks a compressed one for people without films."""
    here, runs = trained
    small, knn = compress_run(CompressPlan(runs["ease"].id), here).name, runs["item_knn"].id
    return route_runs(here, [small, knn], {"none": small, "1+": knn}).name


@pytest.mark.parametrize("page", ["fusion", "metrics", "recommendations", "embeddings", "report"])
def test_every_page_opens_on_a_routed_run(workspace, routed, page):
    assert "Routed" in words(well(open_page(page, run=routed)))


def test_tables_hold_what_the_records_say(trained):
    here, runs = trained
    ids = runs["ease"].id, runs["item_knn"].id
    record = read_run(blend_runs(BlendPlan(ids, "stacking"), here)).record
    assert "learned on validation" in weight_words(record)
    assert list(stacking_table(record)["Member"]) == ["ease", "item_knn"]
    assert against_table(record)["nDCG@10 on test"].str.contains("95 %").all()
    made = read_run(compress_run(CompressPlan(ids[0]), here))
    table = compression_table([made])
    assert list(table["Size"]) == [
        mebibytes(made.record.compression["bytes"][when]) for when in ("before", "after")
    ]


@pytest.mark.parametrize(
    "nonsense",
    [None, 3, "x", [], {}, {"quality": 3}, {"bytes": {"after": "x"}}, {"encoder": {"cosine": 0.5}}],
)
def test_a_record_from_elsewhere_that_holds_nonsense_breaks_no_table(trained, nonsense):
    record = replace(
        trained[1]["ease"].record, compression=nonsense, against=[nonsense], members=nonsense
    )
    strange = Run(trained[1]["ease"].folder, record)
    assert len(compression_table([strange])) == 2
    assert len(against_table(record)) == 1
    assert isinstance(student_words([strange]), str)
    assert weight_words(record)
