"""Evidence that is measured on request: the noise floor, other seeds, and the overlap curve."""

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from core.basics.columns import MEAN, SEGMENT, SHARE, TEST, USER, USERS
from core.basics.errors import RunError
from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.evaluation.segments import user_segments
from core.runs.making.compress import CompressPlan, compress_run
from core.runs.making.make_run import train_run
from core.runs.making.train_again import plans_of_more_seeds, retrain, same_but_seed
from core.runs.studies.noise import (
    comparison_of,
    equal_twins,
    floor_sentence,
    noise_floor,
    reseed_answer,
    reseed_job,
    reseed_payload,
    without_some,
)
from core.runs.studies.overlap import (
    COLD_USERS,
    measure_overlap,
    overlap_answer,
    overlap_job,
    overlap_rows,
    overlap_sentence,
    unlinked,
)
from core.store.bundle import export_run, import_run
from core.store.measured import (
    BY_SEED,
    BY_USERS,
    OverlapInfo,
    Reseeded,
    overlap_is_damaged,
    overlap_metrics,
    read_overlap,
    read_reseeded,
    reseeded_is_damaged,
    write_overlap,
    write_reseeded,
)
from core.store.run_folder import read_run
from tests.core.runs.derived_worlds import bench


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    models = {"ease": {"regularization": 5.0}, "cmf_als": {"factors": 4}, "popularity": {}}
    made = bench(tmp_path_factory.mktemp("noise") / "workspace", models)
    for name in ("ease", "cmf_als"):
        reseed_job(made.workspace, reseed_payload(made.runs[name].id), silent)
    overlap_job(made.workspace, {"run_id": made.runs["ease"].id, "seed": 0}, silent)
    return made


def test_a_model_with_chance_is_seeded_anew_and_one_without_learns_from_other_users(world):
    assert read_reseeded(world.runs["cmf_als"]).how == BY_SEED
    assert read_reseeded(world.runs["ease"]).how == BY_USERS
    assert len(equal_twins(world.runs["ease"], TEST)) == 3
    assert len(equal_twins(world.runs["cmf_als"], TEST)) == 4, "the twin itself is one of them"


def test_twins_on_other_users_are_no_band_for_the_lift_of_a_run(world):
    segments = user_segments(world.split.train)
    assert not comparison_of(world.runs["ease"], TEST, segments).again
    known = comparison_of(world.runs["cmf_als"], TEST, segments)
    assert known.again


def test_users_are_the_same_and_figures_are_not(world):
    twin = world.runs["ease"].twin.metrics(TEST)
    for ours, theirs in combinations(equal_twins(world.runs["ease"], TEST), 2):
        assert list(ours[USER]) == list(theirs[USER]) == list(twin[USER])
        assert not np.allclose(ours["ndcg@10"], theirs["ndcg@10"])


def test_a_run_made_worse_on_purpose_harms_more_than_chance(world):
    """Twins on users drawn with replacement harmed so many that no damage was ever shown."""
    run = world.runs["ease"]
    twin, equals = run.twin.metrics(TEST), equal_twins(run, TEST)
    metric = "ndcg@10"
    half = np.arange(len(twin)) % 2 == 0
    worse = twin.assign(**{metric: np.where(half, twin[metric] / 2, twin[metric])})
    floor = noise_floor(worse, twin, equals, metric)
    assert floor.harmed.chance.mean > 0
    assert floor_sentence(floor).endswith("of users are harmed beyond what chance does.")
    pairs = combinations(equals, 2)
    unhurt = [noise_floor(*pair, equals, metric).harmed.excess for pair in pairs]
    assert max(excess.mean for excess in unhurt) < floor.harmed.excess.low


def test_a_twin_without_some_learns_from_nine_tenths_and_changes_nothing_else(world):
    train = world.split.train
    less = without_some(train, 3)
    there = np.diff(train.target.indptr) > 0
    gone = there & (np.diff(less.target.indptr) == 0)
    assert 0.02 < gone.sum() / there.sum() < 0.25
    assert (less.target[~gone] != train.target[~gone]).nnz == 0
    assert (without_some(train, 3).source != less.source).nnz == 0


def test_the_answer_is_plain_json(world):
    said = reseed_answer(world.runs["ease"], read_reseeded(world.runs["ease"]))
    json.dumps(said, allow_nan=False)
    assert 0 <= said["harmed"]["chance"]["mean"] <= 1


def test_a_run_without_a_twin_or_a_training_has_no_noise_floor(world):
    with pytest.raises(RunError, match="no target-only twin"):
        reseed_job(world.workspace, reseed_payload(world.runs["popularity"].id), silent)
    small = compress_run(CompressPlan(world.runs["cmf_als"].id, "int8"), world.workspace, silent)
    with pytest.raises(RunError, match="cannot be trained again"):
        reseed_job(world.workspace, reseed_payload(small.name), silent)


def test_other_seeds_of_a_run_find_each_other_and_nothing_else(world):
    run = world.runs["cmf_als"]
    plans = plans_of_more_seeds(run, [run])
    assert [plan.seed for plan in plans] == [2023, 2024]
    other = read_run(train_run(plans[0], world.workspace))
    everybody = [*world.runs.values(), other]
    assert same_but_seed(run, everybody) == [other]
    assert same_but_seed(other, everybody) == [run]
    assert [plan.seed for plan in plans_of_more_seeds(run, everybody)] == [2024, 2025]
    assert len(comparison_of(run, TEST, user_segments(world.split.train), everybody).seeds) == 2


def test_an_unlinked_user_keeps_the_target_and_a_stranger_gets_the_source(world):
    train = world.split.train
    users = np.flatnonzero(train.shared)[:5]
    less = unlinked(train, users)
    assert less.source.nnz == train.source.nnz
    assert not less.source[users].nnz
    assert (less.source[-5:] != train.source[users]).nnz == 0
    assert (less.target[: len(train.users)] != train.target).nnz == 0
    assert less.shared.sum() == train.shared.sum() - 5


def test_with_everybody_linked_the_curve_ends_at_the_run_itself(world):
    run = world.runs["ease"]
    nobody = unlinked(run.train_of(world.split), np.array([], dtype=int))
    again = retrain(run, world.split, nobody, run.record.seed, silent)[TEST]
    np.testing.assert_allclose(again["ndcg@10"], run.metrics(TEST)["ndcg@10"])


def test_the_curve_goes_from_nobody_linked_to_the_run_for_all_users_and_cold_ones(world):
    """Its start was the twin, which knows no source at all: strangers' source rows teach too."""
    run = world.runs["ease"]
    frames = overlap_metrics(run, TEST)
    assert list(frames) == [0.0, 0.25, 0.5, 0.75, 1.0]
    twin = run.twin.metrics(TEST)
    rows = overlap_rows(frames, twin, user_segments(world.split.train), "ndcg@10")
    ends = rows[rows[SEGMENT] == COLD_USERS].set_index(SHARE)
    assert ends.loc[1.0, USERS] == 18
    assert ends.loc[1.0, MEAN] > ends.loc[0.0, MEAN] + 0.1  # books tell what cold users like
    assert rows.groupby(SEGMENT)[SHARE].count().eq(5).all()
    assert ends["twin"].nunique() == 1
    np.testing.assert_allclose(ends["lift"], ends[MEAN] - ends["twin"])
    nobody = unlinked(run.train_of(world.split), np.flatnonzero(world.split.train.shared))
    again = retrain(run, world.split, nobody, run.record.seed, silent)[TEST]
    np.testing.assert_allclose(again["ndcg@10"], frames[0.0]["ndcg@10"])
    assert overlap_sentence(rows, "ndcg@10").endswith(".")
    json.dumps(overlap_answer(run, world.split, read_overlap(run)), allow_nan=False)


def test_a_model_that_shares_nothing_has_no_curve(world):
    with pytest.raises(RunError, match="There is no curve"):
        measure_overlap(world.runs["popularity"], world.split, 0, silent)


def test_the_evidence_travels_with_the_run(world, tmp_path):
    run = world.runs["ease"]
    file = export_run(run, world.split.folder, tmp_path / "run.zip")
    moved = import_run(Workspace(tmp_path / "elsewhere"), file)
    assert read_reseeded(moved) == read_reseeded(run)
    assert read_overlap(moved) == read_overlap(run)


def test_a_curve_of_few_users_says_that_they_are_too_few(world):
    """With fewer than ten test users the Metrics page met a problem after the measurement."""
    frames = overlap_metrics(world.runs["ease"], TEST)
    few = {share: frame.head(5) for share, frame in frames.items()}
    rows = overlap_rows(few, frames[1.0], user_segments(world.split.train), "ndcg@10")
    assert overlap_sentence(rows, "ndcg@10") == "Fewer than 10 users are evaluated: too few to say."


def test_a_run_deleted_while_its_noise_is_measured_leaves_nothing_behind(world, tmp_path):
    """The job said done, and a folder without a run stood where the run had been."""
    gone = replace(world.runs["ease"], folder=tmp_path / "gone")
    with pytest.raises(RunError, match="was deleted while"):
        write_reseeded(gone, Reseeded(BY_SEED, [1], 0.1), {TEST: []})
    with pytest.raises(RunError, match="was deleted while"):
        write_overlap(gone, OverlapInfo(20, [5], [0.25], 0, 0.1), {})
    assert not gone.folder.exists()


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"seeds": "?"}', "metrics"])
def test_damaged_evidence_is_as_if_it_were_not_measured(world, tmp_path, damage):
    """It broke Metrics with an error nobody could mend; now it is measured again."""
    here = Workspace(tmp_path / "other")
    file = export_run(world.runs["ease"], world.split.folder, tmp_path / "run.zip")
    run = import_run(here, file)
    assert not overlap_is_damaged(run)
    assert not reseeded_is_damaged(run)
    for name in ("overlap", "reseeded"):
        file = "metrics.parquet" if damage == "metrics" else f"{name}.json"
        (run.folder / name / file).write_text(damage)
    assert read_overlap(run) is None
    assert read_reseeded(run) is None
    assert overlap_is_damaged(run)
    assert reseeded_is_damaged(run)
    assert equal_twins(run, TEST) == []
