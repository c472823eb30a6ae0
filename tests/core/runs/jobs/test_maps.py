"""A map is made once for what it shows, kept whole, and says where its vectors come from."""

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, USER
from core.basics.errors import DataError, RunError
from core.basics.progress import Cancelled, silent
from core.basics.workspace import Workspace
from core.data.snapshot import SplitTables, read_snapshot, write_snapshot
from core.embedding.umap_map import ABOUT, map_name, read_map
from core.runs.jobs.maps import map_job, map_payload, map_points
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import delete_run, read_run


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    here = Workspace(tmp_path_factory.mktemp("workspace"))
    rng = np.random.default_rng(0)

    def rows(letter: str, per_user: int) -> pd.DataFrame:
        items = [rng.permutation(30)[:per_user] for _ in range(50)]
        pairs = [(f"u{user}", f"{letter}{item}") for user in range(50) for item in items[user]]
        return pd.DataFrame(pairs, columns=[USER, ITEM])

    tables = SplitTables(rows("b", 6), rows("f", 5), rows("f", 1), rows("f", 1), None, None)
    write_snapshot(
        here.splits,
        tables,
        source_name="books",
        target_name="films",
        kind="given files",
        seed=0,
        settings={},
        dataset_hash="0" * 16,
    )
    return here


def trained(workspace, model, **settings):
    split = next(workspace.splits.iterdir()).name
    return read_run(train_run(RunPlan(split, model, settings), workspace))


@pytest.fixture(scope="module")
def ease(workspace):
    return trained(workspace, "ease", regularization=5.0)


def test_a_map_is_kept_with_what_it_shows_and_how_far_to_trust_it(workspace, ease):
    answer = map_job(workspace, map_payload(ease.id, "both"), silent)
    kept = read_map(workspace.maps / answer["map"])
    assert kept.info.shown == kept.info.of == len(kept.rows) == len(kept.places)
    assert 0.4 < kept.info.trustworthiness <= 1
    assert set(kept.info.versions) == {"crosswalk", "umap-learn"}
    assert np.isfinite(kept.places).all()


def test_a_model_without_vectors_is_mapped_from_the_interactions_and_says_so(workspace, ease):
    split = read_snapshot(workspace.splits / ease.record.split_hash)
    made = map_points(ease, split, ease.model(split), "items")
    assert made.from_interactions
    assert ease.id not in made.made_from
    assert made.points.is_item.all()


def test_a_model_with_vectors_is_mapped_from_them(workspace):
    run = trained(workspace, "cmf_als", factors=4, epochs=2)
    split = read_snapshot(workspace.splits / run.record.split_hash)
    made = map_points(run, split, run.model(split), "both")
    assert (made.made_from, made.from_interactions) == (run.id, False)
    assert made.points.vectors.shape[1] == 4


def test_a_map_that_is_there_is_not_made_again(workspace, ease):
    payload = map_payload(ease.id, "items", seed=3)
    answer = map_job(workspace, payload, silent)
    stamp = (workspace.maps / answer["map"] / ABOUT).stat().st_mtime_ns
    assert map_job(workspace, payload, silent) == answer
    assert (workspace.maps / answer["map"] / ABOUT).stat().st_mtime_ns == stamp


@pytest.mark.parametrize("file", [ABOUT, "map.parquet"])
def test_a_damaged_map_is_drawn_again(workspace, ease, file):
    """It told a person to delete a folder in the workspace by hand."""
    folder = workspace.maps / map_job(workspace, map_payload(ease.id, "both"), silent)["map"]
    (folder / file).write_bytes(b"{")
    assert read_map(folder) is None
    map_job(workspace, map_payload(ease.id, "both"), silent)
    assert read_map(folder) is not None


def test_a_cancelled_map_leaves_nothing(workspace, ease):
    def cancel(progress):
        raise Cancelled

    before = set(workspace.maps.iterdir()) if workspace.maps.exists() else set()
    with pytest.raises(Cancelled):
        map_job(workspace, map_payload(ease.id, "users", seed=9), cancel)
    assert (set(workspace.maps.iterdir()) if workspace.maps.exists() else set()) == before


def test_a_map_of_a_run_deleted_meanwhile_is_not_kept(workspace):
    run, there = trained(workspace, "ease"), set(workspace.maps.iterdir())

    def delete(progress):
        delete_run(workspace, run)

    with pytest.raises(DataError, match=f"The run {run.id} was deleted meanwhile"):
        map_job(workspace, map_payload(run.id, "users"), delete)
    assert set(workspace.maps.iterdir()) == there
    assert not run.folder.exists()


def test_the_name_of_a_map_changes_with_seed_kind_and_origin():
    names = {
        map_name(run, what, seed) for run in "ab" for what in ("items", "users") for seed in (0, 1)
    }
    assert len(names) == 8


def test_a_missing_run_or_an_unknown_kind_is_refused(workspace):
    with pytest.raises(RunError, match="no run"):
        map_job(workspace, map_payload("gone", "items"), silent)
    with pytest.raises(DataError, match="no map of"):
        map_job(workspace, map_payload("gone", "cats"), silent)
