"""What lists add to the taste of their users, category by category."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from core.basics.types import Lists, Masked
from core.data.pair import DomainPair
from core.evaluation.groups import IN_HISTORY, IN_LISTS, disparity_rows
from core.evaluation.lists import ListWorld, judge
from tests.core.evaluation.list_worlds import features
from tests.worlds import pair_of

TAKEN = np.tile([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]], (12, 1))  # every third has nothing


def world_and_lists() -> tuple[ListWorld, Lists]:
    """36 users of four items: drama, drama, war, war; everybody gets the last drama and war."""
    pair = pair_of(np.ones((36, 1)), TAKEN)
    pair = DomainPair(
        pair.users,
        pair.source_items,
        pair.target_items,
        pair.source,
        pair.target,
        None,
        features(["drama", "drama", "war", "war"]),
    )
    wanted = csr_matrix((np.ones(36), (np.arange(36), np.full(36, 3))), shape=(36, 4))
    return ListWorld(pair, wanted, Masked(pair.target, None)), Lists(
        np.arange(36), np.tile([3, 1], (36, 1))
    )


def test_shares_of_histories_and_lists_stand_over_that_of_the_catalogue():
    world, lists = world_and_lists()
    rows = disparity_rows(judge(lists, world), world, 2, ["drama", "war"]).set_index("segment")
    assert rows[IN_HISTORY].tolist() == pytest.approx([3 / 4 / (1 / 2), 1 / 4 / (1 / 2)])
    assert rows[IN_LISTS].tolist() == pytest.approx([1, 1])
    assert rows["mean"].tolist() == pytest.approx([1 / (3 / 2) - 1, 1 / (1 / 2) - 1])
    assert (rows["low"] < rows["mean"]).all() & (rows["mean"] < rows["high"]).all()
    assert (rows["users"] == 24).all()  # the others took nothing


def test_a_group_counts_alone_and_few_users_are_too_few():
    world, lists = world_and_lists()
    first = np.arange(36) % 3 == 0  # took dramas alone
    rows = disparity_rows(judge(lists, world), world, 2, ["drama", "war"], first)
    assert rows["mean"].tolist() == pytest.approx([-1 / 2, np.nan], nan_ok=True)
    few = disparity_rows(judge(lists, world), world, 2, ["drama"], np.arange(36) < 12)
    assert isinstance(few, pd.DataFrame)
    assert few.empty  # eight of them took anything
