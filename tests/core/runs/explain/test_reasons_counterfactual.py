from itertools import combinations

import numpy as np

from core.runs.explain.reasons import smallest_set
from tests.core.runs.reason_worlds import amounts_of, planted_question


def found(item=0, k=1, **changes):
    question = planted_question(**changes)
    return question, smallest_set(question, item, amounts_of(question, item), k)


def test_one_item_is_enough_where_one_carries_it():
    _, answer = found(k=1)
    assert answer.entries.tolist() == [0]
    assert (answer.place, answer.place_without) == (1, 2)


def test_two_items_are_needed_to_leave_a_longer_list():
    _, answer = found(k=2)
    assert answer.entries.tolist() == [0, 1]
    assert answer.place_without == 3


def test_no_smaller_set_exists_among_all_of_them():
    question, answer = found(k=2)
    for size in range(1, len(answer.entries)):
        for some in combinations(range(5), size):
            kept = np.ones((1, question.entries), bool)
            kept[0, list(some)] = False
            assert question.asked(0, kept)[0][0] <= 2


def test_what_the_target_carries_stays_even_without_the_whole_source():
    _, answer = found(item=2, k=3)
    assert answer.entries is None
    assert answer.place_without_all == 1


def test_the_answer_is_asked_of_the_model_and_not_estimated():
    question, answer = found(k=2)
    kept = np.ones((1, question.entries), bool)
    kept[0, answer.entries] = False
    assert question.asked(0, kept)[0][0] == answer.place_without > 2


def test_without_source_history_there_is_nothing_to_remove():
    _, answer = found(item=2, k=3, source=())
    assert answer.entries is None
    assert answer.place_without_all is None


def test_what_is_not_in_the_list_is_not_dropped_from_it():
    _, answer = found(item=5, k=1)
    assert answer.entries is None
    assert answer.place > 1


def test_an_item_taken_first_that_need_not_be_gone_is_put_back():
    """s0 carries t0 a little; s1 and s2 together hold back t2, which then passes t0 alone."""
    weights = np.zeros((11, 6), dtype=np.float32)
    weights[0, 0] = 2.0
    weights[[1, 2], 2] = -6.1
    weights[9, :3] = [8.0, 5.0, 10.3]  # t4, in the target history
    _, answer = found(k=1, source=(0, 1, 2), weights=weights)
    assert answer.entries.tolist() == [1, 2]
