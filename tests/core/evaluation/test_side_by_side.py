import numpy as np
import pandas as pd
import pytest

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, SEGMENT, USER, USERS
from core.evaluation.lift import HARMED, HELPED, lift_rows
from core.evaluation.segments import ALL_USERS, TARGET_HISTORY
from core.evaluation.side_by_side import (
    BEST,
    all_metrics,
    leader,
    moved_sentence,
    moved_users,
    repeat_in_short,
    repeat_words,
    side_by_side,
    users_in,
)
from core.metrics.intervals import Interval


def frame(values, metric="ndcg@10", users=None):
    users = np.arange(len(values)) if users is None else users
    return pd.DataFrame({USER: users, metric: np.asarray(values, dtype=float)})


NOISE = np.random.default_rng(0).random(200)


def test_the_leader_is_named_only_beyond_user_sampling():
    ahead = {"a": frame(NOISE + 0.1), "b": frame(NOISE)}
    assert leader(ahead, "ndcg@10") == "a"
    level = {"a": frame(NOISE), "b": frame(np.random.default_rng(1).permutation(NOISE))}
    assert leader(level, "ndcg@10") is None


def test_alone_nobody_leads_and_a_run_without_values_does_not_stand_in_the_way():
    assert leader({"a": frame(NOISE)}, "ndcg@10") is None
    with_empty = {"a": frame(NOISE + 0.1), "none": frame(NOISE * np.nan), "b": frame(NOISE)}
    assert leader(with_empty, "ndcg@10") == "a"


def test_side_by_side_has_a_row_per_run_and_metric_with_its_interval():
    table = side_by_side({"a": frame(NOISE + 0.1), "b": frame(NOISE)}, ["ndcg@10"])
    assert list(table[RUN]) == ["a", "b"]
    assert set(table[METRIC]) == {"ndcg@10"}
    assert (table[LOW] < table[MEAN]).all()
    assert (table[HIGH] > table[MEAN]).all()
    assert list(table[BEST]) == [True, False]
    assert table[MEAN][1] == pytest.approx(NOISE.mean())


def test_lifts_are_over_all_users_and_over_each_segment_that_has_any():
    segments = pd.DataFrame({TARGET_HISTORY: ["0"] * 20 + ["1–4"] * 20})
    run = frame(np.repeat([1.0, 1.0, 0.5, 0.0], 10))
    other = frame(np.repeat([0.0, 0.0, 0.5, 0.5], 10))
    rows = lift_rows(run, other, segments, TARGET_HISTORY, "ndcg@10").set_index(SEGMENT)
    assert list(rows.index) == [ALL_USERS, "0", "1–4"]
    assert rows.loc["0", MEAN] == 1.0
    assert rows.loc["1–4", MEAN] == -0.25
    assert rows.loc[ALL_USERS, MEAN] == pytest.approx(3 / 8)
    assert list(rows.loc[ALL_USERS, [USERS, HELPED, HARMED]]) == [40, 20, 10]


def test_users_are_paired_by_number_and_not_by_row():
    segments = pd.DataFrame({TARGET_HISTORY: ["0"] * 13})
    values, users = np.arange(12.0), np.arange(1, 13)
    run, other = frame(values, users=users), frame(values[::-1], users=users[::-1])
    rows = lift_rows(run, other, segments, TARGET_HISTORY, "ndcg@10")
    assert (rows[MEAN] == 0).all()


def test_moved_users_stand_with_their_histories_largest_difference_first():
    table = moved_users(
        frame([0.2, 0.9, np.nan]),
        frame([0.2 + 1e-15, 0.1, 0.5]),
        "ndcg@10",
        {"source_history": np.array([3, 4, 5])},
    )
    assert list(table[USER]) == [1, 0]
    assert list(table["difference"]) == [pytest.approx(0.8), 0.0]  # rounding is no difference
    assert list(table["source_history"]) == [4, 3]


def test_the_sentence_over_the_histogram_counts_who_gains_and_loses():
    table = moved_users(frame([0.4, 0.1, 0.3, 0.0]), frame([0.2, 0.2, 0.3, 0.3]), "ndcg@10", {})
    assert moved_sentence(table, "ndcg@10", "its twin") == (
        "Of 4 users 1 gain and 2 lose against its twin; half of those who moved do so by less "
        "than .200."
    )


def test_segments_name_their_users_and_every_metric_of_any_run_is_compared():
    segments = pd.DataFrame({TARGET_HISTORY: ["0", "20+", "0"]})
    assert list(users_in(segments, TARGET_HISTORY, "0")) == [0, 2]
    both = frame([1.0]).assign(auc=0.5)
    frames = {"a": frame([1.0]), "b": both}
    assert all_metrics(frames) == all_metrics({"b": both})


def test_a_metric_that_only_one_run_has_stands_beside_a_dash_and_has_no_leader():
    """RMSE vanished where a run that ranks came first."""
    ranks = frame([0.5, 0.7, 0.6])
    rates = ranks.assign(auc=[0.5, 0.6, 0.7])
    table = side_by_side({"ranks": ranks, "rates": rates}, ["ndcg@10", "auc"])
    areas = table[table[METRIC] == "auc"].set_index(RUN)
    assert np.isnan(areas.loc["ranks", MEAN])
    assert areas.loc["rates", MEAN] == pytest.approx(0.6)
    assert not areas[BEST].any()


@pytest.mark.parametrize(
    ("r", "word"),
    [(0.04, "hardly"), (0.5, "mostly"), (np.nan, "cannot")],
)
def test_whether_gains_repeat_is_said_alike_in_short_and_in_full(r, word):
    found = Interval(r, r - 0.1, r + 0.1, 100, 0)
    assert word in repeat_in_short(found)
    assert word in repeat_words(found)
