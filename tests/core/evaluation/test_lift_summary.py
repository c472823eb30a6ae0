import json

import numpy as np
import pytest

from core.evaluation.lift import by_segment, lift, summarise
from tests.core.evaluation.evaluation_worlds import frame, segments


def test_a_summary_is_plain_json_with_the_users_counted_and_skipped():
    said = summarise(frame([0.0, 1.0, np.nan]), coverage={"coverage@10": 0.5}, skipped=4)
    assert said["ndcg@10"]["mean"] == 0.5
    assert (said["ndcg@10"]["users"], said["ndcg@10"]["skipped"]) == (2, 5)
    assert said["coverage@10"]["mean"] == 0.5
    assert said["coverage@10"]["low"] is None
    json.dumps(said, allow_nan=False)


def test_an_empty_run_says_null_not_zero():
    assert summarise(frame([]))["ndcg@10"]["mean"] is None


def test_a_lift_pairs_users_by_number_and_counts_helped_and_harmed():
    ours, theirs = frame([0.5, 0.2, 0.3], users=[4, 1, 2]), frame([0.4, 0.3, 9.0], users=[1, 4, 7])
    said = lift(ours, theirs)["ndcg@10"]
    assert said["mean"] == pytest.approx((0.2 - 0.4 + 0.5 - 0.3) / 2)
    assert (said["users"], said["helped"], said["harmed"]) == (2, 1, 1)


def test_a_run_beside_itself_lifts_nothing_and_nobody():
    said = lift(frame([0.1, 0.9]), frame([0.1, 0.9]))["ndcg@10"]
    assert (said["mean"], said["low"], said["high"]) == (0, 0, 0)
    assert (said["helped"], said["harmed"]) == (0, 0)


def test_segments_split_the_users_and_carry_both_lifts():
    run, twin = (
        frame(np.repeat(values, 10)) for values in ([1.0, 1.0, 0.0, 0.5], [0.0, 0.5, 0.0, 0.5])
    )
    bins = ["0"] * 20 + ["1–4"] * 10 + ["20+"] * 10
    rows = by_segment(run, segments(bins), twin, twin, metrics=["ndcg@10"])
    of_target = {row["segment"]: row for row in rows if row["by"] == "target_history"}
    assert list(of_target) == ["0", "1–4", "20+"]
    assert sum(row["users"] for row in of_target.values()) == 40
    assert of_target["0"]["lift"]["mean"] == 0.75
    assert of_target["0"]["lift_over_popularity"]["helped"] == 20
    assert [row["segment"] for row in rows if row["by"] == "overlap"] == ["shared"]
    json.dumps(rows, allow_nan=False)


def test_a_segment_of_nine_users_has_no_figure():
    rows = by_segment(frame([1.0] * 9), segments(["0"] * 9), frame([0.0] * 9), metrics=["ndcg@10"])
    assert {row["users"] for row in rows} == {9}
    assert all(row["mean"] is None and "lift" not in row for row in rows)


def test_without_a_twin_segments_have_no_lift():
    rows = by_segment(frame([1.0]), segments(["0"]), metrics=["ndcg@10"])
    assert all("lift" not in row for row in rows)
