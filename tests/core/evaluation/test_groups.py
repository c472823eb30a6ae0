import numpy as np
import pandas as pd
import pytest

from core.basics.columns import HIGH, LOW, MEAN, RUN, SEGMENT, USER, USERS
from core.evaluation.groups import delta_gap_rows, gaps, group_rows
from core.evaluation.lists import judge
from tests.core.evaluation.list_worlds import small_lists, small_world

GROUPS = pd.Series(pd.Categorical(["a"] * 30 + ["b"] * 20 + ["c"] * 9, categories=["a", "b", "c"]))


def frame(**columns):
    return pd.DataFrame({USER: np.arange(59)} | columns)


def levels(a, b, c):
    rng = np.random.default_rng(0)
    return np.repeat([a, b, c], [30, 20, 9]) + rng.normal(0, 0.02, 59)


def test_groups_under_ten_users_have_no_figure_and_take_no_part_in_the_gap():
    frames = {"run": frame(**{"ndcg@10": levels(0.3, 0.1, 0.9)})}
    rows = group_rows(frames, GROUPS, "ndcg@10").set_index(SEGMENT)
    assert rows[USERS].tolist() == [30, 20, 9]
    assert np.isnan(rows.loc["c", [MEAN, LOW, HIGH]].astype(float)).all()
    (gap,) = gaps(frames, GROUPS, "ndcg@10", rows.reset_index())
    assert (gap.best, gap.worst, gap.groups) == ("a", "b", 2)
    assert gap.gap.mean == pytest.approx(rows[MEAN]["a"] - rows[MEAN]["b"])
    assert gap.gap.excludes_zero
    assert gap.chance == 1 / 1001  # no random groups are as far apart


def test_of_an_error_the_smallest_group_is_the_best():
    errors = np.repeat([0.5, 0.8, 0.1], [30, 20, 9])
    frames = {"run": frame(rmse=errors, mae=errors, ratings=np.full(59, 4))}
    (gap,) = gaps(frames, GROUPS, "rmse", group_rows(frames, GROUPS, "rmse"))
    assert (gap.best, gap.worst) == ("a", "b")
    assert gap.gap.mean == pytest.approx(0.3)


def test_users_of_no_group_are_left_out():
    groups = GROUPS.where(GROUPS != "b")
    rows = group_rows({"run": frame(**{"ndcg@10": levels(0.3, 0.1, 0.9)})}, groups, "ndcg@10")
    assert rows[SEGMENT].tolist() == ["a", "c"]


def test_delta_gap_compares_the_lists_of_a_group_with_its_histories():
    world, lists = small_world(), small_lists()
    many = judge(lists, world).of(np.tile(np.arange(4), 5))  # every user five times
    rows = delta_gap_rows({"run": many}, world, pd.Series(["x", "x", "y", "y"]), 3)
    assert rows[RUN].tolist() == ["run", "run"]
    # lists of popularity 2/3 and 3/2 after histories of 2 and 3/2
    assert rows[MEAN][0] == pytest.approx((2 / 3 + 3 / 2) / (2 + 3 / 2) - 1)
    assert rows[USERS].tolist() == [10, 5]  # the user without history counts for neither
    assert np.isnan(rows[MEAN][1])
