import numpy as np

from core.data.knowledge import item_categories
from core.data.pair import ItemFeatures


def features(*kinds):
    nothing = np.full(len(kinds), "", dtype=object)
    return ItemFeatures(nothing, np.array(kinds, dtype=object), nothing)


def test_names_are_taken_apart_at_bars_and_counted_once():
    found = item_categories(features("war| drama ", "", "drama|drama"))
    assert found.names == ["drama", "war"]
    assert found.members.toarray().tolist() == [[1, 1], [0, 0], [1, 0]]


def test_names_are_one_whatever_their_case_and_blanks():
    found = item_categories(features("Sci  Fi|Drama", "drama | sci fi"))
    assert found.names == ["Drama", "Sci Fi"]
    assert found.keys == ["drama", "sci fi"]
    assert found.members.toarray().tolist() == [[1, 1], [1, 1]]
    assert found.only(["sci fi"]).names == ["Sci Fi"]


def test_some_of_the_categories_come_in_the_order_asked_for():
    found = item_categories(features("a|b", "b|c"))
    assert found.named(["c", "b"]).toarray().tolist() == [[0, 1], [1, 1]]


def test_no_category_at_all_is_none():
    assert item_categories(None) is None
    assert item_categories(features("", " | ")) is None
