import numpy as np
import pytest

from core.metrics.fairness import UNFAIRNESS, shared_items, unfairness

ITEMS = np.array([0, 0, 0, 1, 1, 2])
INSIDE = np.array([1, 1, 0, 1, 0, 1], dtype=bool)  # item 2 is of one group alone
GIVEN = np.array([4.0, 2, 3, 5, 1, 4])
PREDICTED = np.array([5.0, 3, 2, 3, 2, 4])


def told(predicted=PREDICTED, inside=INSIDE):
    return dict(zip(UNFAIRNESS, unfairness(predicted, GIVEN, ITEMS, inside), strict=True))


def test_unfairness_is_worked_out_from_each_items_mean_error_in_either_group():
    found = told()
    # item 0: the group is off by +1 on average, the others by -1; item 1: by -2 and by +1
    assert found["value_unfairness"] == pytest.approx((2 + 3) / 2)
    assert found["absolute_unfairness"] == pytest.approx((0 + 1) / 2)
    assert found["under_unfairness"] == pytest.approx((1 + 2) / 2)
    assert found["over_unfairness"] == pytest.approx((1 + 1) / 2)
    assert found["non_parity"] == pytest.approx(abs((5 + 3 + 3 + 4) / 4 - (2 + 2) / 2))
    assert shared_items(ITEMS, INSIDE) == 2


def test_errors_alike_in_both_groups_are_fair_whatever_their_size():
    found = told(GIVEN + 1)
    assert [found[name] for name in UNFAIRNESS[:4]] == pytest.approx([0] * 4)


def test_the_groups_may_change_places():
    assert unfairness(PREDICTED, GIVEN, ITEMS, ~INSIDE) == pytest.approx(list(told().values()))


def test_nothing_is_said_where_no_item_was_rated_by_both():
    assert np.isnan(unfairness(PREDICTED, GIVEN, ITEMS, np.ones(6, bool))).all()
