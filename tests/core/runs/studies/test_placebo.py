"""Placebos: the run's model again, with the source's histories dealt to other people."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import TEST, USER, VALID
from core.basics.errors import RunError
from core.basics.files import read_json, write_json
from core.basics.progress import Cancelled, silent
from core.basics.workspace import Workspace
from core.data.pair import deal
from core.evaluation.segments import TARGET_HISTORY, user_segments
from core.models.registry import CARDS, card_of
from core.runs.making.blend import BlendPlan, blend_runs
from core.runs.making.compress import CompressPlan, compress_run
from core.runs.making.route import route_runs
from core.runs.making.train_again import retrain
from core.runs.studies import placebo as study
from core.runs.studies.placebo import (
    check_reads_source,
    is_dealable,
    make_placebos,
    placebo_answer,
    placebo_frame,
    placebo_job,
    placebo_payload,
    seconds_foretold,
)
from core.store.bundle import export_run, import_run
from core.store.measured import placebo_metrics, read_placebos
from core.store.run_folder import Run, read_run
from tests.core.runs.derived_worlds import bench


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    models = {
        "ease": {"regularization": 5.0},
        "cmf_als": {"factors": 4},
        "ridge": {"regularization": 5.0},
        "popularity": {},
    }
    made = bench(tmp_path_factory.mktemp("placebo") / "workspace", models)
    placebo_job(made.workspace, placebo_payload(made.runs["ease"]), silent)
    placebo_job(made.workspace, placebo_payload(made.runs["cmf_als"], 2), silent)
    placebo_job(made.workspace, placebo_payload(made.runs["ridge"], 2), silent)
    return made


@pytest.mark.parametrize(("name", "deals"), [("ease", 5), ("cmf_als", 2), ("ridge", 2)])
def test_each_placebo_is_the_runs_own_model_on_the_dealt_pair(world, name, deals):
    run, split = world.runs[name], world.split
    info = read_placebos(run)
    assert len(set(info.deals)) == deals
    again = retrain(run, split, run.train_of(split).dealt(info.deals[1]), run.record.seed, silent)
    for part in (VALID, TEST):
        frames = placebo_metrics(run, part)
        assert len(frames) == deals
        pd.testing.assert_frame_equal(frames[1], again[part], check_dtype=False, atol=1e-6)
        assert list(frames[0][USER]) == list(run.metrics(part)[USER])
    assert not np.allclose(placebo_metrics(run, TEST)[0]["ndcg@10"], again[TEST]["ndcg@10"])


def test_where_taste_crosses_cold_people_lose_what_they_had_of_it(world):
    cold = user_segments(world.split.train)[TARGET_HISTORY].astype(str).to_numpy() == "0"
    for name in ("ease", "ridge"):
        run = world.runs[name]
        ours, theirs = run.metrics(TEST), placebo_frame(run, TEST)
        chosen = cold[ours[USER].to_numpy()]
        assert ours["ndcg@10"][chosen].mean() > 2 * theirs["ndcg@10"][chosen].mean()


def test_the_answer_has_the_placebo_as_a_record_has_its_twin(world):
    said = placebo_answer(world.runs["ease"])
    json.dumps(said, allow_nan=False)
    figures = said["placebo"]
    assert figures[TEST]["ndcg@10"]["mean"] == pytest.approx(np.mean(figures["by_deal"]))
    lift = said["lift_over_placebo"]["ndcg@10"]
    own = world.runs["ease"].record.figures(TEST)["ndcg@10"]["mean"]
    assert lift["mean"] == pytest.approx(own - figures[TEST]["ndcg@10"]["mean"])
    assert placebo_answer(world.runs["popularity"]) == {"placebo": None, "lift_over_placebo": None}


def test_runs_without_a_source_to_deal_are_refused_in_two_sentences(world):
    with pytest.raises(RunError, match="does not read who has which history"):
        make_placebos(world.runs["popularity"], world.split)
    with pytest.raises(RunError, match=r"CLFM.* does not read who"):
        check_reads_source(CARDS["clfm"])
    small = compress_run(CompressPlan(world.runs["ease"].id, "int8"), world.workspace, silent)
    with pytest.raises(RunError, match="cannot be trained again"):
        placebo_job(world.workspace, {"run_id": small.name, "deals": 1}, silent)
    assert [is_dealable(world.runs[name]) for name in ("ease", "popularity")] == [True, False]


def test_a_routed_run_and_a_blend_are_dealt_through_their_members_by_the_same_deals(world):
    """Of a routed run group by group; a member that never sees the source stays as it is."""
    ease, ridge, popularity = (world.runs[name] for name in ("ease", "ridge", "popularity"))
    folder = world.workspace.runs
    ids = (ease.id, ridge.id)
    routed = read_run(route_runs(world.workspace, ids, {"none": ridge.id, "1+": ease.id}))
    placebo_job(world.workspace, placebo_payload(routed, 2), silent)
    assert read_placebos(routed).deals == read_placebos(ridge).deals
    cold = world.split.train.target_history == 0
    for deal_at in (0, 1):
        theirs = [placebo_metrics(run, TEST)[deal_at] for run in (ease, ridge)]
        chosen = cold[theirs[0][USER].to_numpy()]
        wanted = np.where(chosen, theirs[1]["ndcg@10"], theirs[0]["ndcg@10"])
        np.testing.assert_allclose(placebo_metrics(routed, TEST)[deal_at]["ndcg@10"], wanted)

    one, all_of_it = BlendPlan((ease.id, popularity.id), "sum", 1.0), "ndcg@10"
    blend = read_run(blend_runs(one, world.workspace))
    make_placebos(blend, world.split, 1)
    found = placebo_metrics(blend, TEST)[0][all_of_it]  # the first counts all, so it is EASE's
    np.testing.assert_allclose(found, placebo_metrics(ease, TEST)[0][all_of_it], atol=1e-9)
    assert seconds_foretold(blend) > seconds_foretold(ease)

    lost = Run(folder / blend.id, replace(blend.record, members=[{"run": "gone-1"}] * 2))
    with pytest.raises(RunError, match="was made of is gone"):
        make_placebos(lost, world.split)


def test_a_cancelled_job_keeps_what_was_there(world):
    run, before = world.runs["ease"], read_placebos(world.runs["ease"])

    def stop(progress):
        if progress.done == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        make_placebos(run, world.split, 3, stop)
    assert read_placebos(run) == before


def test_placebos_travel_with_the_run_and_equal_payloads_are_one_job(world, tmp_path):
    run = world.runs["ease"]
    bundle = export_run(run, world.workspace.splits / run.record.split_hash, tmp_path / "run.zip")
    other = import_run(Workspace(tmp_path / "other"), bundle)
    assert read_placebos(other) == read_placebos(run)
    assert placebo_payload(run) == placebo_payload(run, 5)
    bent = Workspace(tmp_path / "bent")
    record = other.folder / "placebo" / "placebo.json"
    write_json(record, read_json(record) | {"deals": ["first"]})
    with pytest.raises(RunError, match=r"placebo/placebo\.json"):
        import_run(bent, export_run(other, tmp_path / "nowhere", tmp_path / "bent.zip"))


def test_where_memory_is_short_every_deal_is_fitted_by_itself(world, monkeypatch):
    monkeypatch.setattr(study, "free_memory", lambda: 1)
    run = world.runs["ease"]
    together = placebo_metrics(run, TEST)[0]
    make_placebos(run, world.split, 1)
    np.testing.assert_allclose(placebo_metrics(run, TEST)[0], together, atol=1e-6)
    make_placebos(run, world.split)


def test_places_in_time_are_worked_out_with_the_new_owner(world):
    split, run = world.split, SimpleNamespace(card=card_of("sasrec"))
    dealt = study._dealt(run, split, split.timed, deal(split.timed, 3))
    for user in range(len(split.train.users)):
        places = np.concatenate([dealt.source[user].data, dealt.target[user].data])
        assert sorted(places) == list(range(1, len(places) + 1))
