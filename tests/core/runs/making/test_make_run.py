"""A run is trained, evaluated beside its twin and popularity, and kept whole or not at all."""

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, TEST, USER, VALID
from core.basics.errors import DataError, RunError, SettingsError
from core.basics.progress import Cancelled
from core.basics.workspace import Workspace
from core.data.snapshot import SplitTables, read_snapshot, write_snapshot
from core.models.registry import card_of
from core.runs.making.make_run import train_job, train_run
from core.runs.making.plan import RunPlan
from core.store.bundle import export_run, import_run
from core.store.run_folder import delete_run, list_runs, read_run, rename_run


def taste_tables(seed: int = 0, users: int = 60) -> SplitTables:
    """Even users like even items in both domains; a fifth of the users are cold in the target."""
    rng = np.random.default_rng(seed)
    parts = {"source_train": [], "target_train": [], "target_valid": [], "target_test": []}
    for user in range(users):
        liked = rng.permutation(np.arange(user % 2, 24, 2))
        parts["source_train"] += [(f"u{user}", f"book{item}") for item in liked[:6]]
        liked = rng.permutation(liked)
        parts["target_valid"] += [(f"u{user}", f"film{item}") for item in liked[:2]]
        parts["target_test"] += [(f"u{user}", f"film{item}") for item in liked[2:4]]
        if user % 5:
            parts["target_train"] += [(f"u{user}", f"film{item}") for item in liked[4:10]]
    frames = {name: pd.DataFrame(rows, columns=[USER, ITEM]) for name, rows in parts.items()}
    return SplitTables(**frames, items_source=None, items_target=None)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    here = Workspace(tmp_path_factory.mktemp("workspace"))
    write_snapshot(
        here.splits,
        taste_tables(),
        source_name="books",
        target_name="films",
        kind="given files",
        seed=0,
        settings={},
        dataset_hash="0" * 16,
    )
    return here


@pytest.fixture(scope="module")
def plan(workspace) -> RunPlan:
    return RunPlan(next(workspace.splits.iterdir()).name, "ease", {"regularization": 5.0})


@pytest.fixture(scope="module")
def run(workspace, plan):
    return read_run(train_run(plan, workspace))


def test_a_run_keeps_its_twin_and_popularity_with_the_same_users(run):
    users = run.metrics(TEST)[USER]
    for other in (run.twin, run.popularity):
        pd.testing.assert_series_equal(other.metrics(TEST)[USER], users)


def test_planted_taste_lifts_the_run_over_its_twin_for_cold_users(run):
    cold = next(
        row
        for row in run.record.segments
        if (row["by"], row["segment"], row["metric"]) == ("target_history", "0", "ndcg@10")
    )
    assert cold["users"] == 12
    assert cold["lift"]["low"] > 0
    assert cold["lift_over_popularity"]["low"] > 0


def test_a_twin_without_evidence_ranks_by_popularity_and_says_for_how_many(run):
    assert run.record.counts[TEST]["by_popularity"] == 0
    assert run.twin.record.counts[TEST]["by_popularity"] == 12


def test_the_kept_model_scores_as_the_trained_one(run, workspace, plan):
    split = read_snapshot(workspace.splits / plan.split)
    again = read_run(train_run(plan, workspace))
    users = split.users(TEST)
    np.testing.assert_array_equal(
        run.model(split).score(users).own_scores(), again.model(split).score(users).own_scores()
    )
    delete_run(workspace, again)


def test_a_kept_twin_scores_without_any_source(run, workspace, plan):
    split = read_snapshot(workspace.splits / plan.split)
    scores = run.twin.model(split).score(split.users(TEST))
    assert not scores.has_source.any()
    assert not scores.source.any()


def test_a_run_is_not_read_with_another_split(run, tmp_path):
    folder = write_snapshot(
        tmp_path,
        taste_tables(seed=1),
        source_name="books",
        target_name="films",
        kind="given files",
        seed=0,
        settings={},
        dataset_hash="1" * 16,
    )
    with pytest.raises(RunError, match="was trained on split"):
        run.model(read_snapshot(folder))


def test_candidates_of_both_parts_are_kept(run):
    for part in (VALID, TEST):
        candidates = run.candidates(part)
        assert list(candidates.users) == list(run.metrics(part)[USER])


def test_kept_lists_are_those_the_metrics_are_of(run, workspace, plan):
    held_out = read_snapshot(workspace.splits / plan.split).held_out(TEST)
    for contender in (run, run.twin, run.popularity):
        lists, metrics = contender.lists(TEST), contender.metrics(TEST)
        assert list(lists.users) == list(metrics[USER])
        wanted = held_out[lists.users].toarray() > 0
        hits = np.take_along_axis(wanted, lists.items[:, :10].astype(int), axis=1).sum(axis=1)
        np.testing.assert_allclose(hits / 10, metrics["precision@10"])


def test_a_new_name_stays(run):
    rename_run(run, "  the   best one ")
    assert read_run(run.folder).label == "the best one"


def test_a_deleted_run_is_gone_with_its_exported_lists(workspace, plan):
    doomed = read_run(train_run(plan, workspace))
    workspace.exports.mkdir()
    lists, others = (workspace.exports / f"{name}-1.csv" for name in (doomed.id, "other"))
    lists.touch(), others.touch()
    delete_run(workspace, doomed)
    assert doomed.id not in [run.id for run in list_runs(workspace)]
    assert not doomed.folder.exists()
    assert (lists.exists(), others.exists()) == (False, True)


def test_a_run_that_lost_its_metrics_says_so(workspace, plan):
    run = read_run(train_run(plan, workspace))
    (run.folder / "metrics.parquet").unlink()
    with pytest.raises(RunError, match="metrics of"):
        run.metrics(TEST)
    delete_run(workspace, run)


def test_a_cancelled_one_shot_fit_keeps_nothing(workspace, plan):
    def cancel(progress):
        raise Cancelled

    before = sorted(workspace.runs.iterdir())
    with pytest.raises(Cancelled):
        train_run(plan, workspace, cancel)
    assert sorted(workspace.runs.iterdir()) == before


def test_a_bundle_brings_the_run_to_another_workspace(run, workspace, plan, tmp_path):
    bundle = export_run(run, workspace.splits / plan.split, tmp_path / "run.zip")
    elsewhere = Workspace(tmp_path / "elsewhere")
    moved = import_run(elsewhere, bundle)
    assert moved.record == run.record
    pd.testing.assert_frame_equal(moved.twin.metrics(TEST), run.twin.metrics(TEST))
    with pytest.raises(DataError, match="is not in this workspace"):
        read_snapshot(elsewhere.splits / moved.record.split_hash)


@pytest.mark.parametrize("name", ["../evil", "run/../../evil", "run/extra.txt", "/etc/evil"])
def test_a_bundle_with_anything_else_in_it_is_refused(tmp_path, name):
    import zipfile

    path = tmp_path / "run.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("run/run.json", "{}")
        bundle.writestr(name, "x")
    with pytest.raises(RunError, match="something else"):
        import_run(Workspace(tmp_path / "here"), path)


def test_a_file_that_is_no_bundle_is_refused(tmp_path):
    (tmp_path / "run.zip").write_bytes(b"not a zip")
    with pytest.raises(RunError, match="no run that can be loaded"):
        import_run(Workspace(tmp_path / "here"), tmp_path / "run.zip")


def test_a_bundle_without_weights_is_damaged(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "run.zip", "w") as bundle:
        bundle.writestr("run/run.json", '{"model": "ease", "settings": {}, "label": "x"}')
    with pytest.raises(RunError, match="damaged"):
        import_run(Workspace(tmp_path / "here"), tmp_path / "run.zip")


def test_a_job_refuses_a_plan_with_unknown_fields(workspace):
    with pytest.raises(RunError, match="colour"):
        train_job(workspace, {"split": "x", "model": "ease", "colour": "red"}, lambda p: None)


def test_equal_plans_share_a_key_and_a_label_does_not_count(plan):
    defaults = card_of("ease").settings().to_dict()
    assert RunPlan(plan.split, "ease").key == RunPlan(plan.split, "ease", defaults, label="x").key
    assert RunPlan(plan.split, "ease").key != plan.key


def test_a_plan_with_an_unknown_setting_is_refused_before_anything_runs():
    with pytest.raises(SettingsError, match="lambda"):
        RunPlan("0" * 16, "ease", {"lambda": 3})


@pytest.mark.parametrize(
    "change", [{"created": "today"}, {"split_hash": "../../elsewhere"}, {"label": None}]
)
def test_a_bundle_whose_record_could_break_the_pages_is_refused(
    run, workspace, plan, tmp_path, change
):
    import json
    import zipfile

    good = export_run(run, workspace.splits / plan.split, tmp_path / "good.zip")
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(tmp_path / "bad.zip", "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == f"{run.id}/run.json":
                content = json.dumps(json.loads(content) | change).encode()
            new.writestr(entry, content)
    elsewhere = Workspace(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="damaged"):
        import_run(elsewhere, tmp_path / "bad.zip")
    assert list_runs(elsewhere) == []
    assert not list(elsewhere.runs.glob("*"))


def test_a_bundle_under_a_name_no_run_can_have_is_refused(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "run.zip", "w") as bundle:
        bundle.writestr("my run (1)/run.json", "{}")
    with pytest.raises(RunError, match="something else"):
        import_run(Workspace(tmp_path / "here"), tmp_path / "run.zip")


def test_rows_that_are_in_training_and_test_are_nothing_to_find(tmp_path):
    tables = taste_tables()
    both = pd.concat([tables.target_test, tables.target_train.head(3)])
    from dataclasses import replace

    folder = write_snapshot(
        tmp_path,
        replace(tables, target_test=both),
        source_name="books",
        target_name="films",
        kind="given files",
        seed=0,
        settings={},
        dataset_hash="2" * 16,
    )
    split = read_snapshot(folder)
    assert split.test.nnz == len(tables.target_test)
    assert split.test.multiply(split.train.target).nnz == 0


def test_a_twin_is_trained_with_the_settings_found_for_it(workspace, plan):
    from dataclasses import replace

    own = replace(plan, twin_settings={"regularization": 50.0})
    run = read_run(train_run(own, workspace))
    assert run.record.settings["regularization"] == 5.0
    assert run.twin.record.settings["regularization"] == 50.0
    alone = read_run(train_run(replace(plan, settings={"regularization": 50.0}), workspace))
    pd.testing.assert_frame_equal(run.twin.metrics(TEST), alone.twin.metrics(TEST))
    for made in (run, alone):
        delete_run(workspace, made)


def test_the_twins_settings_are_part_of_the_key_only_where_they_differ(plan):
    from dataclasses import replace

    assert replace(plan, twin_settings=plan.settings).key == plan.key
    assert replace(plan, twin_settings={"regularization": 50.0}).key != plan.key
    with pytest.raises(SettingsError, match="lambda"):
        replace(plan, twin_settings={"lambda": 3})
