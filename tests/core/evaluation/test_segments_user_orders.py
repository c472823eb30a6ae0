import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from core.basics.columns import USER
from core.basics.types import IdMap
from core.data.pair import DomainPair
from core.evaluation.segments import BY_ID, COLD, HARMED, HELPED, RANDOM, TYPICAL, user_order

SOURCE = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [1, 1, 0], [0, 0, 0]], dtype=np.float32)
TARGET = np.array([[1, 0], [0, 0], [1, 1], [1, 0], [1, 1]], dtype=np.float32)


@pytest.fixture
def train():
    def ids(letter, count):
        return IdMap(np.array([f"{letter}{n}" for n in range(count)], dtype=object))

    return DomainPair(ids("u", 5), ids("s", 3), ids("t", 2), csr_matrix(SOURCE), csr_matrix(TARGET))


@pytest.fixture
def moved():
    return pd.DataFrame(
        {USER: [0, 1, 2, 3], "run": [0.5, 0.9, 0.1, 0.5], "difference": [0.1, 0.4, -0.2, 0.0]}
    )


EVALUATED = np.array([0, 1, 2, 3])


def test_the_most_helped_and_the_most_harmed_come_first(train, moved):
    assert list(user_order(HELPED, train, EVALUATED, moved)) == [1, 0]
    assert list(user_order(HARMED, train, EVALUATED, moved)) == [2]


def test_without_a_comparison_nobody_is_helped_or_harmed(train):
    assert not len(user_order(HELPED, train, EVALUATED, None))
    assert not len(user_order(HARMED, train, EVALUATED, None))
    assert len(user_order(TYPICAL, train, EVALUATED, None)) == 4


def test_cold_users_have_source_history_only(train, moved):
    assert list(user_order(COLD, train, EVALUATED, moved)) == [1]


def test_typical_users_are_near_the_middle_in_everything(train, moved):
    order = list(user_order(TYPICAL, train, EVALUATED, moved))
    assert sorted(order) == [0, 1, 2, 3]
    assert set(order[:2]) == {0, 3}


def test_random_is_the_same_order_every_time_and_by_id_is_everybody(train, moved):
    first = user_order(RANDOM, train, EVALUATED, moved)
    assert sorted(first) == [0, 1, 2, 3]
    assert list(first) == list(user_order(RANDOM, train, EVALUATED, moved))
    assert list(user_order(BY_ID, train, EVALUATED, moved)) == [0, 1, 2, 3, 4]


def test_read_only_arrays_can_be_ordered(train, moved):
    frozen = EVALUATED.copy()
    frozen.flags.writeable = False
    assert len(user_order(RANDOM, train, frozen, moved)) == 4
