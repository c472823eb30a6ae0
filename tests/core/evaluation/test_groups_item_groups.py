import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.evaluation.groups import (
    EXPOSURE,
    FOUND,
    GROUP,
    ITEMS,
    RATE,
    category_rows,
    extremes,
    head_tail_rows,
    item_rows,
    parity,
    wanted_share,
)
from core.evaluation.lists import judge
from tests.core.evaluation.list_worlds import small_lists, small_world


def test_rates_are_of_what_was_possible_and_of_what_was_to_be_found():
    world = small_world()
    rows = head_tail_rows(judge(small_lists(), world), world, 3).set_index(GROUP)
    assert rows[ITEMS].tolist() == [1, 5]  # a fifth of six items
    # item 0 stands in 1 of 11 places; two of four users may still get it, one of whom wants it
    assert rows[EXPOSURE].tolist() == pytest.approx([1 / 11, 10 / 11])
    assert rows[RATE].tolist() == pytest.approx([1 / 2, 10 / 16])
    assert rows[FOUND].tolist() == pytest.approx([0, 3 / 4])


def test_parity_is_the_spread_of_both_rates():
    world = small_world()
    rsp, reo = parity(head_tail_rows(judge(small_lists(), world), world, 3))
    assert rsp == pytest.approx((1 / 16) / (9 / 16))
    assert reo == pytest.approx(1)


def test_an_item_of_two_categories_counts_in_both():
    world = small_world()
    names, members = world.categories.names, world.categories.members
    judged = judge(small_lists(), world)
    rows = item_rows(judged, world, 3, members, names).set_index(GROUP)
    assert rows[ITEMS].to_dict() == {"comedy": 1, "drama": 2, "war": 3}
    assert rows[EXPOSURE].to_dict() == pytest.approx(
        {"comedy": 2 / 11, "drama": 3 / 11, "war": 6 / 11}
    )


def test_most_and_least_shown_are_against_the_share_of_the_catalogue():
    world = small_world()
    rows = item_rows(
        judge(small_lists(), world), world, 3, world.categories.members, world.categories.names
    )
    most, least = extremes(rows)
    assert (most[GROUP], least[GROUP]) == ("comedy", "drama")  # 2/11 of 1/6, 3/11 of 2/6
    assert wanted_share(rows, "drama") == pytest.approx(2 / 6)


def test_categories_of_few_items_and_of_all_are_left_out():
    world = small_world()
    assert category_rows(judge(small_lists(), world), world, 3).empty
    assert category_rows(judge(small_lists(), small_world(False)), small_world(False), 3).empty
    nobody = item_rows(judge(small_lists(), world), world, 3, csr_matrix((6, 0)), [])
    assert np.isnan(parity(nobody)).all()
