"""Runs on files that say how often: as without, unless a model is told to learn from it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import COUNT, ITEM, TEST, USER
from core.basics.errors import RunError
from core.basics.workspace import Workspace
from core.data.build_pair import build_pair
from core.data.database import in_memory
from core.data.pair_folder import PairInputs, PairSettings
from core.data.reading.ingest import import_file
from core.data.reading.preview import guess_options
from core.data.snapshot import read_snapshot
from core.data.splitting import SplitSettings, split_pair
from core.fusion.combine import Fusion
from core.runs.explain.one_user import reasons, user_list
from core.runs.explain.what_if import what_if
from core.runs.making.blend import BlendPlan, blend_runs
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.runs.making.route import route_runs
from core.store.run_folder import RECORD, read_run

USERS, ITEMS = 150, 40


def purchases(seed: int, prefix: str) -> pd.DataFrame:
    """Users of two tastes; what is of their taste they buy more often, a few very often."""
    rng = np.random.default_rng(seed)
    own = np.arange(USERS)[:, None] % 2 == np.arange(ITEMS)[None, :] % 2
    user, item = np.nonzero(rng.random((USERS, ITEMS)) < np.where(own, 0.4, 0.15))
    often = rng.geometric(np.where(own[user, item], 0.15, 0.7))
    return pd.DataFrame(
        {
            "customer_id": [f"u{n:03}" for n in user],
            "product_id": [f"{prefix}{n}" for n in item],
            "units": often,
        },
    )


def split_of(workspace: Workspace, books: pd.DataFrame, films: pd.DataFrame):
    """The split of two files as the command line makes it, on a guess alone."""
    files = []
    for name, frame in (("books", books), ("films", films)):
        path = workspace.root / f"{name}-{len(frame.columns)}.csv"
        frame.to_csv(path, index=False)
        done = import_file(path, guess_options(path), workspace.datasets)
        files.append(done.folder / "interactions.parquet")
    connection = in_memory(workspace.root)
    pair = build_pair(connection, PairInputs(*files), PairSettings(), workspace.pairs)
    connection.close()
    return read_snapshot(split_pair(pair, SplitSettings(), 7, workspace.splits))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A workspace with a split of counts, and one of the same rows without them."""
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    frames = purchases(1, "b"), purchases(2, "f")
    counted = split_of(workspace, *frames)
    plain = split_of(workspace, *(frame.drop(columns="units") for frame in frames))
    return workspace, counted, plain


def trained(world, split, model, **settings):
    return read_run(train_run(RunPlan(split.info.split_hash, model, settings), world[0]))


def figures(run) -> list[dict]:
    return [one.record.test for one in (run, run.twin, run.popularity) if one]


def test_every_row_is_kept(world):
    _, counted, plain = world
    rows = [len(purchases(seed, "x")) for seed in (1, 2)]
    assert counted.train.source.nnz == rows[0]
    assert counted.train.target.nnz + counted.valid.nnz + counted.test.nnz >= 0.99 * rows[1]
    assert counted.info.counts == plain.info.counts
    assert counted.train.source_counts.data.max() > 10


@pytest.mark.parametrize("model", ["item_knn", "ease", "ridge"])
def test_as_ones_a_file_with_counts_gives_exactly_the_figures_of_one_without(world, model):
    """`units` had been taken for a rating: seven of ten rows were gone, and .434 became .183."""
    ours, plain = (trained(world, split, model) for split in world[1:])
    assert figures(ours) == figures(plain)


@pytest.mark.parametrize("how", ["log", "sqrt"])
@pytest.mark.parametrize("model", ["popularity", "item_knn", "ease", "edlae", "cmf_als"])
def test_told_to_learn_from_counts_a_model_lists_something_else(world, model, how):
    counted = world[1]
    ours, plain = (trained(world, counted, model, counts=one) for one in (how, "ones"))
    lists = [run.lists(TEST).items for run in (ours, plain)]
    assert not np.array_equal(*lists)
    assert ours.record.test["ndcg@10"]["users"] == plain.record.test["ndcg@10"]["users"]
    assert ours.record.settings["counts"] == how
    if model != "popularity":  # beside it stands the popularity it always had
        assert figures(ours)[-1] == figures(plain)[-1]


def test_a_kept_run_asks_weighed_histories_on_every_way(world):
    counted, fusion = world[1], Fusion()
    run = trained(world, counted, "ease", counts="log")
    model, user = run.model(counted), int(counted.users(TEST)[0])
    kept = run.lists(TEST)
    listed = user_list(model, counted, TEST, user, fusion, 10)
    assert listed.items.tolist() == kept.items[kept.users == user][0][:10].tolist()
    unedited = what_if(run, model, counted, TEST, user, [], fusion, 10).listed
    np.testing.assert_array_equal(unedited.items, listed.items)
    np.testing.assert_allclose(unedited.fused, listed.fused, rtol=1e-6)
    why = reasons(model, run.train_of(counted), listed, 0, fusion)
    assert why.rest == pytest.approx(0.0, abs=1e-4)
    assert run.twin.train_of(counted).source.shape[1] == 0


def test_a_split_without_counts_is_refused(world):
    with pytest.raises(RunError, match="no row of this split has one"):
        trained(world, world[2], "ease", counts="log")


def test_a_run_that_learned_from_counts_is_not_blended_or_routed_with_ones(world):
    workspace, counted, _ = world
    ours, other = trained(world, counted, "ease", counts="sqrt"), trained(world, counted, "ridge")
    with pytest.raises(RunError, match=r"learned from counts, and a blend reads ones\. Train it"):
        blend_runs(BlendPlan((ours.id, other.id)), workspace)
    with pytest.raises(RunError, match="learned from counts, and a routed run reads ones"):
        route_runs(workspace, [ours.id, other.id])


def test_a_run_says_what_was_left_out_and_filled_in_and_answers_by_it_when_it_is_opened(world):
    workspace, _, plain = world
    run = trained(world, plain, "ease", denoise=0.1, fill=3)
    said = {one["title"]: one["value"] for one in run.record.findings}
    assert said["Rows of the target left out"] == int(0.1 * plain.train.target.nnz)
    assert said["Rows of the source left out"] == int(0.1 * plain.train.source.nnz)
    assert said["Rows of the source filled in"] > USERS
    # The twin knows no source: its rows are judged by the target alone, so they are the run's own
    assert [one["title"] for one in run.twin.record.findings] == ["Rows of the target left out"]
    rows, of_twin = run.train_of(plain).target, run.twin.train_of(plain).target
    np.testing.assert_array_equal(rows.toarray(), of_twin.toarray())
    # What was left out is known all the same, and no list has it
    kept, known = run.lists(TEST), plain.masked(TEST).rows
    assert not any(
        known[user, items].sum() for user, items in zip(kept.users, kept.items[:, :10], strict=True)
    )
    user = int(kept.users[0])
    listed = user_list(run.model(plain), plain, TEST, user, Fusion(), 10)
    assert listed.items.tolist() == kept.items[0][:10].tolist()
    for path in plain.folder.glob("steps_*.npz"):  # a bundle brings none: it is made again
        path.unlink()
    again = user_list(run.model(plain), plain, TEST, user, Fusion(), 10)
    np.testing.assert_array_equal(again.items, listed.items)
    with pytest.raises(RunError, match="denoised or filled, and a blend reads them as they are"):
        blend_runs(BlendPlan((run.id, trained(world, plain, "ridge").id)), workspace)


def test_a_run_of_a_version_without_this_setting_still_answers(world):
    counted = world[1]
    run = trained(world, counted, "item_knn")
    users = np.arange(10)
    expected = run.model(counted).score(users).own_scores()
    for place in (run.folder, run.folder / "twin", run.folder / "popularity"):
        record = json.loads((place / RECORD).read_text())
        del record["settings"]["counts"]
        (place / RECORD).write_text(json.dumps(record))
    older = read_run(run.folder)
    np.testing.assert_array_equal(older.model(counted).score(users).own_scores(), expected)
    assert older.twin.model(counted).score(users).target.any()


def test_pair_rows_have_the_names_of_all_other_rows(world):
    rows = pd.read_parquet(next(world[0].pairs.glob("*/source.parquet")))
    assert {USER, ITEM} <= {*rows} <= {USER, ITEM, COUNT}
