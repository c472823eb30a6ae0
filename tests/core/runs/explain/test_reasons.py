import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.basics.columns import SOURCE
from core.fusion.combine import Fusion
from core.runs.explain.reasons import BOTH, amounts_in_order, check_reasons
from core.runs.explain.what_if import kept_rows
from tests.core.runs.reason_worlds import amounts_of, planted_question


def check(scope=SOURCE, item=0, k=1, **changes):
    question = planted_question(**changes)
    return check_reasons(question, item, amounts_of(question, item), scope, k, steps=(1, 2, 3, 10))


def test_places_and_leads_are_those_worked_by_hand():
    """t0 has 7.2, t1 5, t2 1.5 and t3, t5 nothing; t4 is in the history and may not be listed."""
    question = planted_question()
    whole, no_first, no_two = np.ones(6, bool), np.ones(6, bool), np.ones(6, bool)
    no_first[0] = no_two[:2] = False
    places, leads = question.asked(0, np.stack([whole, no_first, no_two]))
    assert places.tolist() == [1, 2, 3]
    means = [(7.2 + 5 + 1.5) / 5, (3.2 + 4 + 1.5) / 5, (0.2 + 3 + 1.5) / 5]
    np.testing.assert_allclose(leads, np.array([7.2, 3.2, 0.2]) - means, rtol=1e-6)


def test_without_the_strongest_it_falls_further_than_without_random_ones():
    found = check()
    assert found.place == 1
    assert found.top_place[:2].tolist() == [2, 3]
    assert (found.top_lost[:3] > found.random_lost[:3]).all()
    assert (found.top_kept[:3] > found.random_kept[:3]).all()
    assert found.top_stays[:3].tolist() == [0, 0, 0]


def test_shares_of_the_lead_are_those_worked_by_hand():
    lead, left = 7.2 - 13.7 / 5, 3.2 - 8.7 / 5
    np.testing.assert_allclose(check().top_lost[0], 1 - left / lead, rtol=1e-5)
    alone = (4 - (4 + 1 + 1.5) / 5) / lead  # s0 alone beside the target history
    np.testing.assert_allclose(check().top_kept[0], alone, rtol=1e-5)


def test_a_step_that_would_take_everything_has_no_answer():
    found = check()
    assert np.isnan(found.top_place[3])
    assert np.isnan(check(source=(0,), target=()).top_lost).all()


def test_only_source_items_go_in_the_scope_of_the_source():
    """t2 is carried by the target history: it rises when the source goes, and falls with it."""
    question = planted_question()
    amounts = amounts_of(question, 2)
    source = check_reasons(question, 2, amounts, SOURCE, 3, steps=(4,))
    both = check_reasons(question, 2, amounts, BOTH, 3, steps=(5,))
    assert (source.place, source.top_place[0]) == (3, 1)
    assert both.top_place[0] == 3


def test_the_same_seed_draws_the_same_random_items():
    np.testing.assert_array_equal(check().random_lost, check().random_lost)


def test_weights_of_the_fusion_count():
    """With alpha 0 the source carries nothing, so t2 leads whatever is taken away of it."""
    assert check(item=2).place == 3
    found = check(item=2, fusion=Fusion(0.0, 1.0))
    assert found.place == 1
    assert set(found.top_place[:3]) == {1.0}


def test_nothing_left_of_both_histories_ranks_by_popularity():
    question = planted_question(target=())
    places, leads = question.asked(5, np.zeros((1, 5), bool))
    assert places.tolist() == [1]  # item 5 is the most popular
    assert leads[0] == 0


def test_amounts_stand_in_the_order_of_the_histories():
    question = planted_question()
    said = question.model.explain(question.histories.source, question.histories.target, 0)
    turned = type(said)(
        said.source_items[::-1], said.source_amounts[::-1], said.target_items, said.target_amounts
    )
    np.testing.assert_allclose(
        amounts_in_order(question.histories, turned), [4, 3, 0.1, 0.1, 0, 0], rtol=1e-6
    )


def test_rows_keep_their_values():
    row = csr_matrix(np.array([[0.0, 2.0, 0.0, 3.0]]))
    kept = kept_rows(row, np.array([[True, False], [False, False], [True, True]]))
    np.testing.assert_array_equal(kept.toarray(), [[0, 2, 0, 0], [0] * 4, [0, 2, 0, 3]])


@pytest.mark.parametrize("k", [1, 3, 50])
def test_the_list_of_a_question_is_in_order_and_holds_nothing_masked(k):
    items = planted_question().listed(k).tolist()
    assert items[:3] == [0, 1, 2][:k]
    assert 4 not in items
