"""Sentences about reasons follow from the numbers by rule."""

import numpy as np
import pytest

from core.metrics.intervals import Interval
from core.runs.explain.reasons import Counterfactual, Faithfulness, Removal, Scope
from core.runs.explain.what_if import Moves
from core.ui.recommendations.checks import removal_words, score_words, smallest_words, stays_words
from core.ui.recommendations.what_if import moved_words


def removal(top, random, counts=(1, 2, 3, 5)):
    blank = np.full(len(counts), np.nan)
    places = [np.array(values, dtype=float) for values in (top, random)]
    return Removal(2, np.array(counts), *places, *[blank] * 6)


@pytest.mark.parametrize(
    ("top", "random", "said"),
    [
        (
            [9, 20, 41, 60],
            [2, 2, 3, 3],
            "These reasons hold: without the strongest 3 items it "
            "falls from rank 2 to 41, without 3 random ones it falls from rank 2 to 3.",
        ),
        ([2, 2, 2, 2], [2, 2, 2, 2], "Neither moves it: without the strongest 5 items it stays"),
        (
            [1, 1, 1, 7],
            [1, 1, 1, 1],
            "hold: without the strongest 5 items it falls from rank 2 to 7",
        ),
        ([2, 2, 2, 2], [2, 2, 2, 9], "do not hold:** without the strongest 5 items it stays"),
        ([1, 1, 1, 1], [2, 2, 5, 9], "do not hold:** without the strongest 3 items it rises from"),
        (
            [9, np.nan, np.nan, np.nan],
            [2, np.nan, np.nan, np.nan],
            "without the strongest item it "
            "falls from rank 2 to 9, without a random one it stays at rank 2.",
        ),
        ([np.nan] * 4, [np.nan] * 4, "nothing to choose from"),
    ],
)
def test_reasons_hold_only_where_random_items_matter_less(top, random, said):
    assert said in removal_words(removal(top, random), "books")


def test_what_would_drop_it_is_said_with_what_is_left_without_everything():
    two = Counterfactual(10, np.array([3, 4]), 2, 14, 50)
    assert smallest_words(two, "books", 20) == "Without 2 items of 20 it falls to rank 14:"
    stays = Counterfactual(10, None, 2, None, 6)
    assert "even without all 20 items it stays in the list, at rank 6" in smallest_words(
        stays, "books", 20
    )
    many = Counterfactual(10, None, 2, None, 300)
    assert "without all 20 it falls to rank 300" in smallest_words(many, "books", 20)
    assert "no history in books" in smallest_words(
        Counterfactual(10, None, 2, None, None), "books", 0
    )


def scope(mean, low, high, users=98):
    one = Interval(mean, low, high, users, 2)
    return Scope(users, 2, one, one, {})


def test_a_score_whose_interval_meets_zero_is_no_more_than_chance():
    assert "carry it more than random ones" in score_words(scope(0.1, 0.05, 0.15), "books")
    assert "no more than random ones" in score_words(scope(0.1, -0.05, 0.15), "books")
    assert "less than random ones" in score_words(scope(-0.1, -0.15, -0.05), "books")


def test_what_stays_in_the_list_is_said_of_the_longest_step():
    steps = {
        name: [Interval(9.0, 9, 9, 98, 2), Interval(share, 0, 1, 40, 60)]
        for name, share in (("top_stays", 0.19), ("random_stays", 0.83))
    }
    one = Interval(0.1, 0.0, 0.2, 98, 2)
    found = Faithfulness(10, 0, (1, 5), {})
    said = stays_words(found, Scope(98, 2, one, one, steps))
    assert "Without the 5 strongest, 19 % of the recommendations stay in the top 10" in said
    assert "5 random ones, 83 % (40 users with more items than that)" in said


def test_a_score_of_nine_users_is_no_figure():
    said = score_words(scope(0.1, 0.05, 0.15, users=9), "books")
    assert "too few to say" in said
    assert ".1" not in said


def test_moves_are_counted_in_words():
    nothing = np.array([], dtype=int)
    assert moved_words(Moves(nothing, nothing, nothing, 0, 0)) == "The list is the same."
    left = np.array([4])
    assert moved_words(Moves(nothing, left, left, 1, 3)) == "**1 item enters, 1 leaves, 3 move.**"
    assert moved_words(Moves(nothing, nothing, nothing, 0, 3)) == "**3 items move.**"
