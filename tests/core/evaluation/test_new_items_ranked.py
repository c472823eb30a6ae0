"""On a split of new items every list, rank and share is over the new items of the part alone."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from core.basics.columns import ITEM, USER
from core.basics.types import DomainScores, Lists
from core.data.snapshot import Split
from core.evaluation.evaluate import evaluate
from core.evaluation.given_lists import given_lists, measure_lists
from core.evaluation.groups import item_rows
from core.evaluation.list_figures import catalogue_figures
from core.evaluation.lists import ListWorld, judge
from core.evaluation.new_items import (
    ORACLE,
    RANDOM,
    comparator_answer,
    comparators,
    new_items_sentence,
)
from core.fusion.combine import Fusion, fuse_scores, top_k
from core.fusion.fused import fused_top_k
from core.metrics.ranking import per_user_metrics
from tests.core.evaluation.evaluation_worlds import split_of

PARTS = ("valid", "test")
# Items 0 to 3 are trained on, 4 and 5 new in validation, 6 to 9 new in the test.
TRAIN = [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
VALID = [[1, 0], [0, 1], [0, 0]]
TEST = [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
SOURCE = [[1, 0], [1, 1], [0, 1]]
SCORES = [  # old items first, by far: nobody may be listed them
    [9, 9, 9, 9, 8, 8, 1, 4, 3, 2],
    [9, 9, 9, 9, 8, 8, 2, 2, 1, 0],
    [9, 9, 9, 9, 8, 8, 0, 0, 0, 0],
]


@pytest.fixture
def split() -> Split:
    def placed(part, start):
        whole = np.zeros((3, 10))
        whole[:, start : start + len(part[0])] = part
        return whole

    made = split_of(SOURCE, placed(TRAIN, 0), placed(VALID, 4), placed(TEST, 6))
    items = np.arange(10)
    return replace(made, new_items={"valid": (items == 4) | (items == 5), "test": items >= 6})


def scores_of(table):
    table = np.asarray(table, dtype=np.float32)

    def score(users):
        known = np.ones(len(users), dtype=bool)
        return DomainScores.ranking(table[users], np.zeros_like(table[users]), known, known)

    return score


def test_lists_hold_the_new_items_of_the_part_alone(split):
    test = evaluate(scores_of(SCORES), split, "test", ks=(5,))
    assert test.lists.tolist() == [[7, 8, 9, 6, -1], [6, 7, 8, 9, -1], [6, 7, 8, 9, -1]]
    valid = evaluate(scores_of(SCORES), split, "valid", ks=(5,))
    assert valid.users.tolist() == [0, 1]
    assert valid.lists.tolist() == [[4, 5, -1, -1, -1]] * 2


def test_auc_recall_and_coverage_are_over_rankable_items(split):
    found = evaluate(scores_of(SCORES), split, "test", ks=(1, 2))
    # user 0 wants 6 (score 1) and 8 (3), others 7 (4) and 9 (2): 1 pair of 4 in order
    # user 1 wants 7 (2), others 6 (2), 8 (1), 9 (0): 2.5 of 3; user 2 sees four equal scores
    np.testing.assert_allclose(found.per_user["auc"], [1 / 4, 2.5 / 3, 1 / 2])
    np.testing.assert_allclose(found.per_user["recall@2"], [1 / 2, 1, 0])
    assert found.coverage == {"coverage@1": 2 / 4, "coverage@2": 3 / 4}


def test_lists_of_fifty_end_where_new_items_do(split):
    found = evaluate(scores_of(SCORES), split, "test")
    assert (found.lists >= 0).sum(axis=1).tolist() == [4, 4, 4]
    np.testing.assert_allclose(found.per_user["recall@50"], 1)


def test_fusion_candidates_are_exact_against_ranking_all_that_may_be_listed(split):
    generator = np.random.default_rng(0)
    parts = generator.integers(0, 3, size=(2, 3, 10)).astype(np.float32)
    everybody = np.ones(3, dtype=bool)

    def score(users):
        return DomainScores.ranking(
            parts[0][users], parts[1][users], everybody[users], everybody[users]
        )

    candidates = evaluate(score, split, "test", depth=3).candidates
    scores, masked = score(np.arange(3)), split.masked("test")
    for alpha in (0.0, 0.3, 1.0):
        fusion = Fusion(alpha, 0.7)
        wanted = top_k(fuse_scores(scores, masked, fusion), scores.source, scores.target, 3)
        assert fused_top_k(candidates, fusion, 3).items.tolist() == wanted.tolist()
        assert (wanted >= 6).all()


def test_given_lists_are_cut_to_what_may_be_listed(split):
    frame = pd.DataFrame({USER: ["u0"] * 4 + ["u1"], ITEM: ["t3", "t5", "t8", "t0", "t7"]})
    measured = measure_lists(given_lists(frame, split), split, "test", ks=(1,))
    assert measured.rows == {"masked": 3, "not_evaluated": 0, "beyond": 0, "used": 2}
    np.testing.assert_allclose(measured.evaluation.per_user["precision@1"], [1, 1, 0])
    assert measured.evaluation.coverage == {"coverage@1": 2 / 4}


def test_the_catalogue_of_lists_is_the_new_items(split):
    world = ListWorld.of(split, "test")
    lists = Lists(np.arange(3), np.array([[7, 8], [6, 7], [6, 7]], dtype=np.int32))
    judged = judge(lists, world)
    assert judged.n_candidates.tolist() == [4, 4, 4]
    assert world.most_popular(np.arange(3), 5).tolist() == [[6, 7, 8, 9, -1]] * 3
    figures = catalogue_figures(judged, world, 2)
    assert figures["coverage@2"] == 3 / 4
    # shown 2, 3, 1 and 0 times: (-3·0 - 1·1 + 1·2 + 3·3) / (3 · 6)
    assert figures["gini@2"] == pytest.approx(10 / 18)
    members = np.zeros((10, 2))
    members[:6, 0] = members[6:, 1] = 1
    rows = item_rows(judged, world, 2, csr_matrix(members), ["old", "new"])
    assert rows["catalogue"].tolist() == [0, 1]
    assert np.isnan(rows["rate"][0])
    assert rows["rate"][1] == pytest.approx(6 / 12)


@pytest.fixture
def wider() -> Split:
    """One old item and six new ones in the test, wanted by three users 3, 1 and 0 times."""
    test = np.zeros((3, 8))
    test[0, [2, 4, 7]] = test[1, 4] = 1
    train, valid = np.zeros((2, 3, 8))
    train[:, 0] = valid[0, 1] = 1
    items = np.arange(8)
    made = split_of(SOURCE, train, valid, test)
    return replace(made, new_items={"valid": items == 1, "test": items >= 2})


def test_a_random_order_finds_what_the_mean_over_all_orders_finds(wider):
    found = comparators(wider, "test")[RANDOM]
    assert found[USER].tolist() == [0, 1]
    np.testing.assert_allclose(found["recall@5"], 5 / 6)
    np.testing.assert_allclose(found["recall@50"], 1)
    orders = np.array(list(permutations(range(2, 8))))
    hits = np.isin(orders, [2, 4, 7])
    expected = per_user_metrics(hits, np.full(len(orders), 3), (5,))["ndcg@5"].mean()
    assert found["ndcg@5"][0] == pytest.approx(expected)


def test_the_oracle_lists_what_is_chosen_most_in_the_part_first(wider):
    found = comparators(wider, "test")[ORACLE].set_index(USER)
    # item 4 twice, then 2 and 7 once each: a perfect list for user 0, the top for user 1
    np.testing.assert_allclose(found["ndcg@5"], 1)
    valid = comparators(wider, "valid")[ORACLE]
    np.testing.assert_allclose(valid["recall@50"], 1)


def test_the_sentence_says_how_far_a_run_comes(wider):
    found = comparators(wider, "test")
    users = pd.DataFrame({USER: np.arange(40, dtype=np.int32)})
    random, oracle = (users.assign(**{"recall@50": value}) for value in (0.2, 0.6))
    beside = {RANDOM: random, ORACLE: oracle}
    for value, said in (
        (0.9, "beats even the oracle"),
        (0.4, "not the oracle"),
        (0.2, "not shown to beat a random order"),
    ):
        run = users.assign(**{"recall@50": value})
        assert said in new_items_sentence(run, beside, True, "recall@50")
    assert "arbitrary" in new_items_sentence(random, beside, False, "recall@50")
    answer = comparator_answer(wider, {part: comparators(wider, part)[ORACLE] for part in PARTS})
    assert answer["test"][ORACLE]["lift"]["recall@50"]["mean"] == 0
    assert answer["test"][RANDOM]["recall@5"]["mean"] == pytest.approx(5 / 6)
    assert set(found) == set(answer["valid"])
