"""Rating errors of held-out ratings, their lifts, and the plane over alpha and beta, by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from core.basics.columns import TEST, USER
from core.basics.errors import RunError
from core.basics.types import DomainScores
from core.evaluation.lift import by_segment, lift, lift_rows, summarise
from core.evaluation.ratings import (
    RATINGS,
    Bounds,
    errors_per_user,
    intervals,
    predict_held_out,
    weighted_guesses,
    with_errors,
)
from core.evaluation.segments import TARGET_HISTORY
from core.evaluation.side_by_side import leader
from core.evaluation.verdict import Comparison, verdict
from core.evaluation.weightings import rating_plane
from tests.core.evaluation.evaluation_worlds import segments, split_of

SPLIT = split_of(  # three users, three items; users 0 and 1 are tested
    source=[[1, 0], [1, 1], [0, 1]],
    train=[[5, 0, 0], [1, 0, 0], [0, 3, 4]],
    valid=np.zeros((3, 3)),
    test=[[0, 2, 4], [0, 5, 0], [0, 0, 0]],
)
BOUNDS = Bounds.of(SPLIT.train.target)


def score(users):
    """Base 3 plus a point for every step of the item; user 1 has no source."""
    shape = len(users), 3
    source = np.full(shape, 1.0, np.float32) * (users != 1)[:, None]
    target = np.full(shape, -0.5, np.float32)
    base = np.array([[2.0, 3.0, 4.0]], dtype=np.float32)
    return DomainScores(source, target, base, None, users != 1, np.ones(len(users), bool))


PREDICTIONS = predict_held_out(score, SPLIT, TEST)


def errors_of(frame_users, rmse, counts):
    return pd.DataFrame(
        {USER: np.array(frame_users, np.int32), "rmse": rmse, "mae": rmse, RATINGS: counts}
    )


def test_every_held_out_rating_is_predicted_with_both_parts_apart():
    assert list(PREDICTIONS["rating"]) == [2, 4, 5]
    assert list(PREDICTIONS["own"]) == [3.5, 4.5, 2.5]
    assert list(PREDICTIONS["source"]) == [1, 1, 0]


def test_errors_of_users_are_those_of_predictions_clipped_to_the_training_range():
    assert Bounds(1.0, 5.0) == BOUNDS
    found = errors_per_user(PREDICTIONS, np.array([7.0, 4.0, -2.0]), BOUNDS).set_index(USER)
    assert found.loc[0, "rmse"] == pytest.approx(np.sqrt(9 / 2))  # 5 and 4 for 2 and 4
    assert found.loc[0, "mae"] == 1.5
    assert found.loc[1, "mae"] == 4.0
    assert list(found[RATINGS]) == [2, 1]


def test_a_part_that_stands_alone_counts_in_full_whatever_the_weights():
    assert list(weighted_guesses(PREDICTIONS, 0.5, 0.0)) == [3.5, 4.5, 2.5]
    assert list(weighted_guesses(PREDICTIONS, 1.0, 1.0)) == list(PREDICTIONS["own"])


def test_the_plane_is_the_pooled_error_at_every_pair_of_weights():
    steps = np.array([0.0, 0.5, 1.0])
    plane = rating_plane(PREDICTIONS, BOUNDS, steps).rmse
    for row, beta in enumerate(steps):
        for column, alpha in enumerate(steps):
            errors = errors_per_user(
                PREDICTIONS, weighted_guesses(PREDICTIONS, alpha, beta), BOUNDS
            )
            assert plane[row, column] == pytest.approx(intervals(errors, ["rmse"])[0].mean)
    assert plane[2, 0] != plane[0, 2]


def test_a_domain_without_ratings_is_refused():
    with pytest.raises(RunError, match="have no ratings"):
        Bounds.of(csr_matrix((2, 2)))


def test_users_without_a_held_out_rating_keep_their_other_metrics():
    ranked = pd.DataFrame({USER: np.array([0, 1, 2], np.int32), "ndcg@10": [0.1, 0.2, 0.3]})
    joined = with_errors(ranked, errors_of([0, 1], [1.0, 3.0], [3, 1]))
    assert list(joined[RATINGS]) == [3, 1, 0]
    said = summarise(joined)
    assert set(said) == {"ndcg@10", "rmse", "mae"}
    assert said["rmse"]["mean"] == pytest.approx(np.sqrt(12 / 4))
    assert said["mae"]["mean"] == pytest.approx(6 / 4)
    assert (said["rmse"]["users"], said["rmse"]["skipped"]) == (2, 1)
    assert said["ndcg@10"]["mean"] == pytest.approx(0.2)


def test_a_lift_in_error_is_pooled_and_helps_whoever_errs_less():
    ours, theirs = (errors_of([0, 1, 2], rmse, [8, 1, 1]) for rmse in ([1, 3, 2], [2, 2, 2]))
    said = lift(ours, theirs)["rmse"]
    assert said["mean"] == pytest.approx(np.sqrt((8 + 9 + 4) / 10) - 2)
    assert (said["helped"], said["harmed"]) == (1, 1)
    ours, theirs = (
        errors_of(range(30), np.repeat(rmse, 10), [1] * 30) for rmse in ([1, 3, 2], [2, 2, 2])
    )
    bins = ["0"] * 10 + ["20+"] * 20
    rows = lift_rows(ours, theirs, segments(bins), TARGET_HISTORY, "rmse")
    assert list(rows["mean"])[1] == -1.0
    assert list(rows["helped"]) == [10, 10, 0]
    within = by_segment(ours, segments(bins), theirs)
    cold = next(row for row in within if (row["segment"], row["metric"]) == ("0", "rmse"))
    assert (cold["mean"], cold["lift"]["mean"]) == (1.0, -1.0)


def test_the_run_with_the_smaller_error_leads_and_history_that_lowers_errors_helps():
    generator, users = np.random.default_rng(0), range(120)
    twin = 1 + 0.1 * generator.random(120)
    run = twin - 0.2 + 0.05 * generator.random(120)
    frames = {"run": errors_of(users, run, [5] * 120), "twin": errors_of(users, twin, [5] * 120)}
    assert leader(frames, "rmse") == "run"
    several = segments(["1–4"] * 60 + ["20+"] * 60)
    said = verdict(
        Comparison(frames["run"], frames["twin"], None, several, "books", "films", "biases"), "rmse"
    )
    assert said.startswith("History in books helps predicted ratings in films (−.1")
    alone = Comparison(frames["twin"], None, frames["run"], several, "books", "films", "biases")
    assert verdict(alone, "rmse").startswith("This run falls behind biases (+.1")


def test_the_lowest_point_is_found_and_the_models_own_weights_are_kept_where_it_is_no_better():
    generator = np.random.default_rng(1)
    source, target = generator.normal(0, 1, (2, 400))
    frame = PREDICTIONS.iloc[:1].loc[np.zeros(400, dtype=int)].reset_index(drop=True)
    frame = frame.assign(**{USER: np.repeat(np.arange(100, dtype=np.int32), 4)})
    frame = frame.assign(base=3.0, source=source, target=target, has_source=True, has_target=True)
    noise, wide = generator.normal(0, 0.1, 400), Bounds(-9.0, 9.0)
    half = rating_plane(frame.assign(rating=3 + 0.5 * source + target + noise), wide)
    assert half.lowest == pytest.approx((0.5, 1.0), abs=0.051)
    assert not half.near[-1, -1]
    equal = rating_plane(frame.assign(rating=3 + 0.99 * source + target + noise), wide)
    assert equal.chosen == (1.0, 1.0)
    assert equal.near[-1, -1]
    assert (half.users, half.rmse.shape) == (100, (21, 21))


def test_there_is_no_plane_without_held_out_ratings():
    assert rating_plane(PREDICTIONS.iloc[:0], BOUNDS) is None
