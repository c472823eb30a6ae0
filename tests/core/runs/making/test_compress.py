"""A compressed run is a run of its own, really smaller, with the original's figures beside it."""

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import TEST, VALID
from core.basics.errors import RunError, SettingsError
from core.basics.formatting import number
from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.evaluation.evaluate import evaluate
from core.runs.making.blend import BlendPlan, blend_runs
from core.runs.making.compress import CompressPlan, compress_job, compress_run
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.bundle import export_run, import_run
from core.store.run_folder import delete_run, read_run
from tests.core.runs.derived_worlds import Bench, bench
from tests.core.runs.making.test_make_run_ratings import rated_tables, written

MODELS = {"cmf_als": {"factors": 16}, "ease": {"regularization": 5.0}, "item_knn": {}}


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Bench:
    return bench(tmp_path_factory.mktemp("small") / "here", MODELS)


def small(world: Bench, model: str, kind: str = "int8", keep: float = 0.1, anyway: bool = False):
    payload = CompressPlan(world.runs[model].id, kind, keep, anyway=anyway).to_dict()
    return read_run(world.workspace.runs / compress_job(world.workspace, payload, silent)["run"])


def bytes_of(run) -> int:
    return (run.folder / "model.safetensors").stat().st_size


@pytest.mark.parametrize(("model", "kind"), [("cmf_als", "int8"), ("ease", "pruned")])
def test_the_kept_file_is_smaller_and_the_figures_stand_beside_the_originals(world, model, kind):
    original, made = world.runs[model], small(world, model, kind)
    assert bytes_of(made) < 0.6 * bytes_of(original)
    assert bytes_of(made.twin) < bytes_of(original.twin)
    found = made.record.compression
    assert found["bytes"]["after"] < found["bytes"]["before"]
    for part in (VALID, TEST):
        quality = found["quality"][part]
        means = [run.metrics(part)["ndcg@10"].mean() for run in (original, made)]
        assert [quality["before"], quality["after"]] == pytest.approx(means)
        assert quality["difference"]["mean"] == pytest.approx(means[1] - means[0])
    assert 0.3 < found["agreement@10"] <= 1
    assert found["score_cpu_seconds"]["users"] == len(world.split.users(TEST))
    assert made.label.startswith(original.label)
    assert made.card is original.card
    assert made.complete
    delete_run(world.workspace, made)


def test_the_figures_are_those_of_what_is_kept_not_of_the_original(world):
    made = small(world, "cmf_als", "pruned", keep=0.1, anyway=True)
    again = evaluate(read_run(made.folder).model(world.split).score, world.split, TEST)
    pd.testing.assert_frame_equal(made.metrics(TEST)[["auc"]], again.per_user[["auc"]])
    assert not made.metrics(TEST)["auc"].equals(world.runs["cmf_als"].metrics(TEST)["auc"])
    delete_run(world.workspace, made)


def test_lists_of_an_int8_run_are_nearly_the_originals(world):
    made = small(world, "cmf_als")
    users = world.split.users(TEST)
    scores = [
        run.model(world.split).score(users).own_scores() for run in (world.runs["cmf_als"], made)
    ]
    assert np.abs(scores[0] - scores[1]).max() < 0.1 * np.abs(scores[0]).max()
    assert made.record.compression["agreement@10"] > 0.85
    delete_run(world.workspace, made)


def test_a_compressed_run_moves_as_one_file(world, tmp_path):
    made = small(world, "cmf_als")
    folder = world.workspace.splits / world.split.info.split_hash
    moved = import_run(Workspace(tmp_path / "there"), export_run(made, folder, tmp_path / "r.zip"))
    users = world.split.users(TEST)
    np.testing.assert_array_equal(
        moved.model(world.split).score(users).own_scores(),
        made.model(world.split).score(users).own_scores(),
    )
    delete_run(world.workspace, made)


def test_a_blend_can_be_compressed_and_a_compressed_run_blended(world):
    packed = small(world, "cmf_als")
    plan = BlendPlan((packed.id, world.runs["ease"].id), "sum", 0.5)
    blend = read_run(blend_runs(plan, world.workspace))
    made = read_run(compress_run(CompressPlan(blend.id), world.workspace))
    assert bytes_of(made) < 0.6 * bytes_of(blend)
    assert made.card.title == "Blend"
    assert made.record.members == blend.record.members
    for run in (packed, blend, made):
        delete_run(world.workspace, run)


def test_what_is_compressed_already_is_refused(world):
    made = small(world, "cmf_als")
    with pytest.raises(RunError, match="compressed already"):
        compress_run(CompressPlan(made.id, "pruned"), world.workspace)
    delete_run(world.workspace, made)


def test_a_plan_that_loses_much_of_the_quality_is_refused_until_it_is_asked_for_twice(world):
    """LightGCN pruned to 10 % was kept without a word at .060 in place of .238 (movielens)."""
    with pytest.raises(RunError, match=r"in place of \.\d{3}: \d\d % worse, 10 % may") as refused:
        small(world, "cmf_als", "pruned", keep=0.02)
    assert "anyway" in str(refused.value)
    made = small(world, "cmf_als", "pruned", keep=0.02, anyway=True)
    quality = made.record.compression["quality"][VALID]
    assert quality["after"] < 0.9 * quality["before"]
    said = (
        f"nDCG@10 {number(quality['after'])} on validation in place of {number(quality['before'])}"
    )
    assert said in str(refused.value)
    delete_run(world.workspace, made)


def test_a_run_without_tables_is_refused(world):
    with pytest.raises(RunError, match="no table of factors, layers or weights"):
        small(world, "item_knn")


@pytest.mark.parametrize(("kind", "keep"), [("zip", 0.1), ("pruned", 0.9), ("pruned", 0.0)])
def test_a_plan_that_makes_no_sense_is_refused(kind, keep):
    with pytest.raises(SettingsError):
        CompressPlan("run", kind, keep)


def test_a_run_of_ratings_is_compared_by_its_error_and_keeps_the_biases_beside_it(tmp_path):
    here = Workspace(tmp_path)
    plan = RunPlan(written(here, rated_tables()), "cmf_rating", {"factors": 8})
    run = read_run(train_run(plan, here))
    made = read_run(compress_run(CompressPlan(run.id), here))
    found = made.record.compression
    assert found["metric"] == "rmse"
    assert found["quality"][TEST]["before"] == run.record.test["rmse"]["mean"]
    assert abs(found["quality"][TEST]["difference"]["mean"]) < 0.05
    assert bytes_of(made) < bytes_of(run)
    assert made.bias.metrics(TEST).equals(run.bias.metrics(TEST))
    assert made.predictions(TEST).shape == run.predictions(TEST).shape
    other = read_run(train_run(RunPlan(plan.split, "ease"), here))
    with pytest.raises(RunError, match="predicts ratings"):
        blend_runs(BlendPlan((run.id, other.id)), here)
