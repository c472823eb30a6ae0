"""`@metric` makes a card of a function and lists it; nothing of these tests stays in the list."""

import numpy as np
import pytest

from core.basics.types import Masked
from core.metrics import card as cards
from core.metrics.card import Judged, Seen, metric
from tests.core.evaluation.list_worlds import small_world

WORDS = ("Title", "formula", "help", "source", "further")


@pytest.fixture(autouse=True)
def listed(monkeypatch):
    """What was decorated in the test."""
    monkeypatch.setattr(cards, "CARDS", [])
    return cards.CARDS


def seen(**options):
    world = small_world(**options)
    judged = Judged(*(np.ones((2, 3), dtype=int),) * 2, np.ones((2, 3), bool), *(np.ones(2),) * 2)
    return Seen(judged, world, 2)


def test_a_function_is_listed_by_its_own_name_and_stays_callable(listed):
    @metric(*WORDS)
    def _twice(value):
        return 2 * value

    assert [(card.name, card.title, card.group) for card in listed] == [
        ("twice", "Title", "further")
    ]
    assert _twice(3) == 6


def test_cards_of_one_function_stand_as_they_are_read(listed):
    @metric(*WORDS, name="first")
    @metric(*WORDS, name="second")
    @metric(*WORDS, name="third")
    def nothing():
        pass

    assert [card.name for card in listed] == ["first", "second", "third"]


def test_two_metrics_of_one_name_are_refused():
    def nothing():
        pass

    metric(*WORDS)(nothing)
    with pytest.raises(ValueError, match="Two metrics are called nothing"):
        metric(*WORDS)(nothing)


def test_the_value_is_what_the_function_makes_of_what_it_asks_for(listed):
    @metric(*WORDS, of=lambda seen: (seen.hits, seen.k))
    def hits_per_place(hits, k):
        return hits.sum(axis=1) / k

    assert listed[0].value(seen()).tolist() == [1, 1]
    assert listed[0].column(10) == "hits_per_place@10"


def test_a_metric_that_is_made_elsewhere_says_so(listed):
    metric(*WORDS, at_k=False)(len)
    assert listed[0].column(10) == "len"
    with pytest.raises(ValueError, match="not made from lists"):
        listed[0].value(seen())


def test_what_is_there_is_told_by_the_split_and_by_the_run():
    assert seen().there == {"categories", "shared categories", "popularity"}
    assert seen(categories=False).there == {"popularity"}
    lists = seen()
    known = Seen(lists.judged, lists.world, 2, np.array([0.5, np.nan]), object())
    assert known.there - lists.there == {"scores", "parts"}
    nothing = Seen(lists.judged, lists.world, 2, np.full(2, np.nan))
    assert nothing.there == lists.there


def test_on_new_items_nothing_is_said_by_popularity():
    world = small_world()
    new = Masked(world.masked.rows, np.arange(6) < 4)
    assert "popularity" not in type(world)(world.train, world.relevant, new).there
