"""A blend of two runs is a run of its own: whole, compared, movable, and free of its members."""

import numpy as np
import pytest

from core.basics.columns import TEST, VALID
from core.basics.errors import RunError, SettingsError
from core.basics.progress import Cancelled, silent
from core.basics.workspace import Workspace
from core.fusion.combine import Z_SCORE, Fusion
from core.runs.explain.one_user import reasons, user_list
from core.runs.explain.recommend import fused_figures, recommend_user
from core.runs.jobs.maps import map_points
from core.runs.making.blend import GRID, BlendPlan, best_weight, blend_job, blend_runs
from core.runs.making.compress import CompressPlan, compress_run
from core.store.bundle import export_run, import_run
from core.store.run_folder import delete_run, list_runs, read_run
from tests.core.runs.derived_worlds import Bench, bench

MODELS = {"ease": {"regularization": 5.0}, "item_knn": {}, "popularity": {}, "ridge": {}}


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Bench:
    return bench(tmp_path_factory.mktemp("blends") / "here", MODELS)


def blended(world: Bench, first: str, second: str, kind: str = "sum", weight: float | str = "auto"):
    ids = world.runs[first].id, world.runs[second].id
    plan = BlendPlan(ids, kind, weight)
    return read_run(
        world.workspace.runs / blend_job(world.workspace, plan.to_dict(), silent)["run"]
    )


@pytest.fixture(scope="module")
def blend(world):
    return blended(world, "ease", "item_knn")


def test_a_blend_stands_among_the_runs_with_twin_popularity_and_all_figures(world, blend):
    assert blend.id in [run.id for run in list_runs(world.workspace)]
    assert blend.card.title == "Blend"
    assert blend.complete
    assert blend.twin.card.name == "blend"
    assert blend.popularity.metrics(TEST).equals(world.runs["ease"].popularity.metrics(TEST))
    for part in (VALID, TEST):
        assert list(blend.metrics(part)["user_id"]) == list(world.split.users(part))
        assert len(blend.candidates(part).users) == len(world.split.users(part))
    assert blend.record.lift["ndcg@10"]["low"] is not None
    assert blend.record.lift_over_popularity["ndcg@10"]["low"] > 0
    assert any(row.get("lift") for row in blend.record.segments)


def test_the_weight_is_found_on_validation_and_what_was_tried_is_told(blend):
    how = blend.record.blend
    tried = {entry["weight"]: entry["valid"] for entry in how["tried"]}
    assert set(tried) == set(GRID)
    chosen = blend.record.settings["weight"]
    assert tried[chosen] == pytest.approx(blend.record.valid["ndcg@10"]["mean"], abs=1e-9)
    assert "validation" in how["chosen"]


def test_the_weight_nearest_to_equal_shares_wins_within_one_standard_error():
    plain = np.full(100, 0.4)
    luck = np.where(np.arange(100) % 2, 0.22, -0.2)  # .01 better, give or take .021
    assert best_weight({0.1: plain + luck, 0.5: plain, 0.9: plain - 0.2}) == 0.5
    assert best_weight({0.1: plain + luck, 0.5: plain - 0.1, 0.9: plain - 0.2}) == 0.1


def test_differences_to_each_member_and_its_twin_are_paired(world, blend):
    against = {entry["name"]: entry for entry in blend.record.against}
    ease = world.runs["ease"]
    assert len(against) == 4
    by_hand = blend.metrics(TEST)["ndcg@10"].mean() - ease.twin.metrics(TEST)["ndcg@10"].mean()
    told = against[f"{ease.label}: its twin"][TEST]
    assert told["mean"] == pytest.approx(by_hand)
    assert told["low"] < told["mean"] < told["high"]


def test_the_twin_blends_the_twins_and_says_nothing_from_the_source(world, blend):
    scores = blend.twin.model(world.split).score(world.split.users(TEST))
    assert not scores.has_source.any()
    assert not scores.source.any()
    assert blend.twin.record.members[0]["settings"] == world.runs["ease"].twin.record.settings


def test_a_member_that_never_sees_the_source_stands_for_itself_in_the_twin(world):
    made = blended(world, "ease", "popularity", weight=0.8)
    assert made.twin is not None
    assert made.record.settings["weight"] == 0.8
    delete_run(world.workspace, made)


def test_without_a_twin_of_every_member_there_is_none_and_none_is_missed(world):
    made = blended(world, "ease", "ridge", kind="product")
    assert made.twin is None
    assert made.complete
    assert made.record.lift is None
    delete_run(world.workspace, made)


def test_stacking_learns_six_weights_and_ranks_by_them(world):
    made = blended(world, "ease", "item_knn", kind="stacking")
    table = np.array(made.record.blend["coefficients"])
    assert table.shape == (2, 3)
    assert (table >= 0).all()
    assert table.sum() > 0
    assert made.record.blend["parameters"] == 6
    floor = world.runs["popularity"].record.valid["ndcg@10"]["mean"]
    assert made.record.valid["ndcg@10"]["mean"] > floor
    delete_run(world.workspace, made)


def test_a_blend_outlives_its_members_and_moves_as_one_file(tmp_path):
    here = bench(tmp_path / "here", {"ease": {}, "edlae": {}})
    made = blended(here, "ease", "edlae", weight=0.5)
    users = here.split.users(TEST)
    before = made.model(here.split).score(users)
    for run in here.runs.values():
        delete_run(here.workspace, run)
    after = read_run(made.folder).model(here.split).score(users)
    np.testing.assert_array_equal(after.own_scores(), before.own_scores())

    bundle = export_run(
        made, here.workspace.splits / here.split.info.split_hash, tmp_path / "b.zip"
    )
    moved = import_run(Workspace(tmp_path / "elsewhere"), bundle)
    assert moved.record == made.record
    np.testing.assert_array_equal(
        moved.model(here.split).score(users).own_scores(), before.own_scores()
    )


def test_a_blend_can_be_blended_again(world, blend):
    both = BlendPlan((blend.id, world.runs["ridge"].id), "sum", 0.6)
    made = read_run(blend_runs(both, world.workspace))
    scores = made.model(world.split).score(world.split.users(TEST))
    assert np.isfinite(scores.own_scores()).all()
    delete_run(world.workspace, made)


def test_lists_reasons_figures_and_a_map_work_on_a_blend(world, blend):
    model, user = blend.model(world.split), int(world.split.users(TEST)[1])
    fusion = Fusion(1.0, 0.5, scale=Z_SCORE)
    listed = user_list(model, world.split, TEST, user, fusion, 10)
    why = reasons(model, world.split.train, listed, 0, fusion)
    assert np.isfinite(why.source_amounts).all()
    name = str(world.split.train.users.ids[user])
    assert len(recommend_user(world.workspace, blend, name, 5, 1.0, 1.0)["items"]) == 5
    assert fused_figures(blend, world.split, fusion, 10)[TEST]["ndcg@10"]["mean"] > 0
    assert map_points(blend, world.split, model, "items").from_interactions


def test_runs_of_other_splits_are_refused_with_both_hashes(world, tmp_path):
    other = bench(tmp_path, {"ease": {}}, seed=1).runs["ease"]
    other.folder.rename(world.workspace.runs / other.id)
    with pytest.raises(RunError) as refusal:
        blend_runs(BlendPlan((world.runs["ease"].id, other.id)), world.workspace)
    assert other.record.dataset_hash in refusal.value.what
    assert world.runs["ease"].record.dataset_hash in refusal.value.what
    delete_run(world.workspace, read_run(world.workspace.runs / other.id))


@pytest.mark.parametrize(
    ("kind", "weight", "message"),
    [("average", "auto", "average"), ("sum", 1.5, "outside"), ("sum", "heavy", "heavy")],
)
def test_a_plan_that_makes_no_sense_is_refused(kind, weight, message):
    with pytest.raises(SettingsError, match=message):
        BlendPlan(("one", "other"), kind, weight)


def test_a_run_is_not_blended_with_itself():
    with pytest.raises(RunError, match="two different runs"):
        BlendPlan(("one", "one"))


def test_a_cancelled_blend_leaves_nothing(world):
    def cancel(progress):
        raise Cancelled

    before = sorted(world.workspace.runs.iterdir())
    ids = world.runs["ease"].id, world.runs["item_knn"].id
    with pytest.raises(Cancelled):
        blend_runs(BlendPlan(ids), world.workspace, cancel)
    assert sorted(world.workspace.runs.iterdir()) == before


def test_without_validation_users_a_weight_must_be_given(tmp_path):
    here = bench(tmp_path, {"ease": {}, "item_knn": {}}, valid=False)
    for kind in ("sum", "stacking"):
        with pytest.raises(RunError, match="no validation users"):
            blended(here, "ease", "item_knn", kind)
    made = blended(here, "ease", "item_knn", weight=0.5)
    assert made.record.against[0][VALID]["mean"] is None
    small = read_run(compress_run(CompressPlan(made.id), here.workspace))
    assert small.record.compression["quality"][VALID]["after"] is None
