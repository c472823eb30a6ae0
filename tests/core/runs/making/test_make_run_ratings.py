"""A run of a rating model: trained on ratings, measured by their errors, beside twin and biases."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, OWN, RATING, TEST, USER, VALID
from core.basics.errors import RunError
from core.basics.types import DomainScores
from core.basics.workspace import Workspace
from core.data.snapshot import SplitTables, read_snapshot, write_snapshot
from core.evaluation.ratings import Bounds
from core.evaluation.weightings import rating_plane
from core.fusion.combine import Fusion
from core.models.protocol import CrossDomainModel
from core.models.registry import card_of
from core.runs.explain.recommend import fused_figures, recommend_user
from core.runs.making.fit import Fit, Point, watcher
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.runs.making.route import route_runs
from core.store.bundle import export_run, import_run
from core.store.run_folder import read_run


def rated_tables(seed: int = 0, users: int = 60) -> SplitTables:
    """Even users give even items 4 or 5 and odd ones 0 or 1, odd users the other way round."""
    rng = np.random.default_rng(seed)
    parts = {"source_train": [], "target_train": [], "target_valid": [], "target_test": []}
    for user in range(users):

        def rated(items, domain, user=user):
            return [
                (f"u{user}", f"{domain}{item}", float(rng.integers(0, 2) + 4 * ((user + item) % 2)))
                for item in items
            ]

        parts["source_train"] += rated(rng.permutation(24)[:12], "book")
        films = rng.permutation(24)
        parts["target_valid"] += rated(films[:3], "film")
        parts["target_test"] += rated(films[3:6], "film")
        parts["target_train"] += rated(films[6:16], "film") if user % 5 else []
    columns = [USER, ITEM, RATING]
    frames = {name: pd.DataFrame(rows, columns=columns) for name, rows in parts.items()}
    return SplitTables(**frames, items_source=None, items_target=None)


def written(workspace: Workspace, tables: SplitTables, dataset: str = "0" * 16) -> str:
    return write_snapshot(
        workspace.splits,
        tables,
        source_name="books",
        target_name="films",
        kind="given files",
        seed=0,
        settings={},
        dataset_hash=dataset,
    ).name


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def run(workspace):
    plan = RunPlan(
        written(workspace, rated_tables()), "cmf_rating", {"regularization": 2.0, "factors": 4}
    )
    return read_run(train_run(plan, workspace))


@pytest.fixture(scope="module")
def split(run, workspace):
    return read_snapshot(workspace.splits / run.record.split_hash)


def test_a_rating_run_stands_beside_its_twin_and_the_biases_instead_of_popularity(run):
    assert run.popularity is None
    assert run.floor.record.model == "bias"
    for other in (run.twin, run.bias):
        pd.testing.assert_series_equal(other.metrics(TEST)[USER], run.metrics(TEST)[USER])
    assert run.record.lift["rmse"]["high"] < 0
    assert run.record.lift_over_bias["mae"]["high"] < 0
    assert run.record.lift_over_popularity is None


def test_cold_users_are_helped_by_the_source_in_the_record_too(run):
    cold = next(
        row
        for row in run.record.segments
        if (row["by"], row["segment"], row["metric"]) == ("target_history", "0", "rmse")
    )
    assert cold["users"] == 12
    assert cold["lift"]["high"] < 0
    assert cold["lift_over_bias"]["high"] < 0


def test_the_kept_predictions_give_the_errors_of_the_record(run, split):
    predictions = run.predictions(TEST)
    np.testing.assert_allclose(
        predictions[OWN], predictions[["base", "source", "target"]].sum(axis=1), atol=1e-5
    )
    bounds = Bounds.of(split.rated.train.target)
    plane = rating_plane(predictions, bounds, np.array([0.0, 1.0])).rmse
    assert plane[1, 1] == pytest.approx(run.record.test["rmse"]["mean"])
    assert plane[1, 1] < plane[0, 0]
    given = split.rated.test[predictions[USER], predictions[ITEM]]
    np.testing.assert_array_equal(np.asarray(given).ravel(), predictions[RATING])


def test_a_restored_rating_run_predicts_what_it_predicted(run, split):
    predictions = run.predictions(VALID)
    scores = run.model(split).score(predictions[USER].to_numpy())
    own = scores.own_scores()[np.arange(len(predictions)), predictions[ITEM]]
    np.testing.assert_allclose(own, predictions[OWN], atol=1e-5)
    assert run.twin.model(split).score(np.arange(3)).source.any() == np.False_


def test_lists_are_by_predicted_rating_and_their_reasons_use_the_ratings(run, split, workspace):
    answer = recommend_user(workspace, run, "u1", 5, 1.0, 1.0)
    best = answer["items"][0]
    assert best["score"] == pytest.approx(best["base"] + best["source"] + best["target"], abs=1e-4)
    amounts = [reason["amount"] for domain in best["reasons"].values() for reason in domain]
    assert max(np.abs(amounts)) > 0
    scores = run.model(split).score(split.train.users.numbers(["u1"])).own_scores()[0]
    free = np.setdiff1d(
        np.arange(24), split.masked(TEST)[split.train.users.numbers(["u1"])].rows.indices
    )
    assert best["score"] == pytest.approx(float(scores[free].max()), abs=1e-4)


def test_fused_figures_of_a_rating_run_are_errors_at_the_weights(run, split):
    alone = fused_figures(run, split, Fusion(0.0, 1.0), 10)
    whole = fused_figures(run, split, Fusion(1.0, 1.0), 10)
    assert set(whole[TEST]) == {"rmse", "mae"}
    assert whole[TEST]["rmse"]["mean"] == pytest.approx(run.record.test["rmse"]["mean"])
    assert alone[TEST]["rmse"]["mean"] > whole[TEST]["rmse"]["mean"]


def test_a_bundle_takes_predictions_and_biases_along(run, workspace, tmp_path):
    snapshot = workspace.splits / run.record.split_hash
    moved = import_run(Workspace(tmp_path), export_run(run, snapshot, tmp_path / "run.zip"))
    pd.testing.assert_frame_equal(moved.predictions(TEST), run.predictions(TEST))
    assert moved.bias.record == run.bias.record


def test_the_bias_model_alone_has_nothing_beside_it(run, workspace):
    alone = read_run(train_run(RunPlan(run.record.split_hash, "bias"), workspace))
    assert (alone.twin, alone.bias, alone.popularity) == (None, None, None)
    assert alone.record.test["rmse"]["mean"] == run.bias.record.test["rmse"]["mean"]
    assert alone.record.lift_over_bias is None


def test_a_ranking_run_on_the_same_split_still_sees_ones(workspace, run):
    other = read_run(train_run(RunPlan(run.record.split_hash, "ease"), workspace))
    assert "rmse" not in other.record.test
    assert other.bias is None
    assert other.floor.record.model == "popularity"


def test_equal_ratings_are_refused_and_nothing_is_trained(workspace):
    tables = rated_tables()
    equal = {
        name: getattr(tables, name).assign(**{RATING: 4.0})
        for name in ("source_train", "target_train", "target_valid", "target_test")
    }
    plan = RunPlan(written(workspace, replace(tables, **equal), "1" * 16), "mf_rating")
    with pytest.raises(RunError, match="its rows have no ratings that differ"):
        train_run(plan, workspace)


def test_the_best_epoch_of_a_rating_model_has_the_smallest_error():
    points = [Point(1, 1.0, 0.9), Point(2, 0.5, 0.8), Point(3, 0.4, 0.85)]
    assert Fit(points, lower_is_better=True).best == -0.8
    assert Fit(points).best == 0.9


def test_at_most_so_many_users_are_watched_and_ratings_of_zero_among_them(monkeypatch, split):
    monkeypatch.setattr("core.runs.making.fit.WATCHED_USERS", 7)
    seen = []

    class Asked(CrossDomainModel):
        def score(self, users):
            seen.extend(users)
            nothing = np.zeros((len(users), 24), np.float32)
            nobody = np.zeros(len(users), bool)
            return DomainScores(nothing, nothing, np.zeros((1, 24)), None, nobody, nobody)

    rmse = watcher(split, 0, card_of("bias").task)(Asked())
    assert len(set(seen)) == 7
    rows = split.rated.valid[np.unique(seen)]
    assert rows.nnz == 21
    assert rmse == pytest.approx(np.sqrt((rows.data.astype(float) ** 2).mean()))


def test_models_of_ratings_are_routed_by_their_errors_with_the_biases_beside(run, split, workspace):
    target_alone = read_run(train_run(RunPlan(run.record.split_hash, "mf_rating"), workspace))
    ids = [run.id, target_alone.id]
    made = read_run(route_runs(workspace, ids, {"none": run.id, "1+": target_alone.id}))
    assert made.card.task.rates
    assert made.bias is not None
    assert made.popularity is None
    assert made.record.route["metric"] == "rmse"
    history = split.rated.train.target_history
    kept, found = (
        made.predictions(TEST),
        {one.id: one.predictions(TEST) for one in (run, target_alone)},
    )
    for members_id, users in zip(ids, (history == 0, history > 0), strict=True):
        there = users[kept[USER]]
        own = found[members_id][there]
        np.testing.assert_allclose(kept[there][OWN], own[OWN], atol=1e-5)
    natural = read_run(route_runs(workspace, ids)).record.route["groups"]
    cold = {one["run"]: one["mean"] for one in natural[0]["tried"]}
    assert natural[0]["run"] == run.id
    assert cold[run.id] < cold[target_alone.id]
    with pytest.raises(RunError, match="do not do the same"):
        ranks = read_run(train_run(RunPlan(run.record.split_hash, "popularity"), workspace))
        route_runs(workspace, [run.id, ranks.id])
