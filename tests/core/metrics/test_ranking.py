"""Ranking metrics: worked by hand, against plain Python, against two libraries, and properties."""

from fractions import Fraction
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.metrics.ranking import KS, ndcg, per_user_auc, per_user_metrics

NAMES = ("ndcg", "recall", "precision", "f1", "hit_rate", "mrr", "map")


def plain(hits: list[bool], n_relevant: int, k: int) -> dict[str, float]:
    """Every metric of one user, written straight from its definition."""
    top = hits[:k]
    found = sum(top)
    ideal = sum(1 / log2(rank + 1) for rank in range(1, min(k, n_relevant) + 1))
    ranks = [rank for rank, hit in enumerate(top, start=1) if hit]
    precision, recall = found / k, found / n_relevant
    return {
        "ndcg": sum(1 / log2(rank + 1) for rank in ranks) / ideal,
        "recall": recall,
        "precision": precision,
        "f1": 2 * precision * recall / (precision + recall) if found else 0.0,
        "hit_rate": 1.0 if found else 0.0,
        "mrr": 1 / ranks[0] if ranks else 0.0,
        "map": sum(sum(hits[:rank]) / rank for rank in ranks) / min(k, n_relevant),
    }


def plain_auc(scores: list[float], relevant: set[int]) -> float:
    wins = 0.0
    others = [item for item in range(len(scores)) if item not in relevant]
    for item in relevant:
        for other in others:
            wins += (scores[item] > scores[other]) + 0.5 * (scores[item] == scores[other])
    return wins / (len(relevant) * len(others))


@st.composite
def users_with_hits(draw):
    hits = draw(hnp.arrays(bool, (draw(st.integers(1, 6)), 50)))
    more = draw(hnp.arrays(np.int64, len(hits), elements=st.integers(0, 30)))
    return hits, hits.sum(axis=1) + more


def test_numbers_worked_by_hand_for_hits_at_ranks_one_and_three_of_four_to_find():
    hits = np.array([[True, False, True, False, False]])
    values = per_user_metrics(hits, np.array([4]), ks=[5])
    at = {name: float(value[0]) for name, value in values.items()}
    ideal = 1 + 1 / log2(3) + 1 / log2(4) + 1 / log2(5)
    assert at["ndcg@5"] == pytest.approx((1 + 1 / 2) / ideal)
    assert at["recall@5"] == float(Fraction(2, 4))
    assert at["precision@5"] == float(Fraction(2, 5))
    assert at["f1@5"] == pytest.approx(float(Fraction(4, 9)))  # 2 * 2/5 * 2/4 / (2/5 + 2/4)
    assert at["hit_rate@5"] == 1.0
    assert at["mrr@5"] == 1.0
    assert at["map@5"] == pytest.approx(float((1 + Fraction(2, 3)) / 4))


@given(users_with_hits())
def test_every_metric_equals_its_definition_in_plain_python(world):
    hits, n_relevant = world
    values = per_user_metrics(hits, n_relevant)
    for user in np.flatnonzero(n_relevant):
        for k in KS:
            expected = plain(hits[user].tolist(), int(n_relevant[user]), k)
            for name in NAMES:
                assert values[f"{name}@{k}"][user] == pytest.approx(expected[name], abs=1e-12)


@given(users_with_hits())
def test_recall_and_hit_rate_never_fall_with_k(world):
    values = per_user_metrics(*world)
    for name in ("recall", "hit_rate", "mrr"):
        steps = np.diff(np.stack([values[f"{name}@{k}"] for k in KS]), axis=0)
        assert not (steps < 0).any()


def test_a_user_with_nothing_to_find_is_nan_in_every_metric():
    values = per_user_metrics(np.zeros((1, 5), dtype=bool), np.array([0]), ks=[5])
    assert all(np.isnan(value[0]) for value in values.values())


def test_lists_shorter_than_k_are_refused():
    with pytest.raises(ValueError, match="k = 10"):
        per_user_metrics(np.zeros((1, 5), dtype=bool), np.array([1]), ks=[10])


@given(
    hnp.arrays(np.int64, 12, elements=st.integers(0, 4)),
    st.sets(st.integers(0, 11), min_size=1, max_size=11),
)
def test_auc_counts_ties_half_like_plain_python(scores, relevant):
    items = np.array(sorted(relevant))
    got = per_user_auc(scores[None, :].astype(np.float32), np.zeros(len(items), int), items)
    assert got[0] == pytest.approx(plain_auc(scores.tolist(), relevant))


def test_auc_leaves_masked_items_out_and_is_nan_without_another_item():
    scores = np.array([[3.0, -np.inf, 2.0, 1.0], [1.0, -np.inf, -np.inf, -np.inf]])
    auc = per_user_auc(scores, np.array([0, 1]), np.array([2, 0]))
    assert auc[0] == 0.5  # above one of two unmasked others
    assert np.isnan(auc[1])


def test_auc_equals_scikit_learn():
    from sklearn.metrics import roc_auc_score

    generator = np.random.default_rng(1)
    scores = generator.integers(0, 20, size=(8, 200)).astype(np.float32)
    wanted = generator.random((8, 200)) < 0.1
    rows, items = np.nonzero(wanted)
    expected = [roc_auc_score(wanted[row], scores[row]) for row in range(8)]
    np.testing.assert_allclose(per_user_auc(scores, rows, items), expected)


def test_ndcg_equals_scikit_learn_where_no_scores_tie():
    from sklearn.metrics import ndcg_score

    generator = np.random.default_rng(2)
    scores = generator.random((20, 60))
    wanted = generator.random((20, 60)) < 0.2
    order = np.argsort(-scores, axis=1)
    hits = np.take_along_axis(wanted, order, axis=1)
    ours = per_user_metrics(hits, wanted.sum(axis=1), ks=[10])["ndcg@10"]
    theirs = [ndcg_score(wanted[[row]], scores[[row]], k=10) for row in range(20)]
    np.testing.assert_allclose(ours, theirs)


def test_metrics_equal_ir_measures():
    """Its AP divides by all there is to find, ours by min(k, that): compared where they agree."""
    import ir_measures
    from ir_measures import AP, RR, P, R, Success, nDCG

    generator = np.random.default_rng(3)
    wanted = generator.random((30, 80)) < 0.08
    wanted[:, 0] = True
    order = np.argsort(generator.random((30, 80)), axis=1)
    hits = np.take_along_axis(wanted, order, axis=1)[:, :50]
    names = {nDCG @ 10: "ndcg@10", R @ 10: "recall@10", P @ 10: "precision@10", RR @ 10: "mrr@10"}
    names |= {Success @ 10: "hit_rate@10", AP @ 50: "map@50"}
    judged = [ir_measures.Qrel(str(u), str(i), 1) for u, i in zip(*np.nonzero(wanted), strict=True)]
    run = [
        ir_measures.ScoredDoc(str(user), str(item), 100.0 - rank)
        for user in range(30)
        for rank, item in enumerate(order[user, :50])
    ]
    ours = per_user_metrics(hits, wanted.sum(axis=1))
    for one in ir_measures.iter_calc(list(names), judged, run):
        assert ours[names[one.measure]][int(one.query_id)] == pytest.approx(one.value, abs=1e-9)


@given(users_with_hits(), st.sampled_from(KS))
def test_ndcg_from_ranks_equals_ndcg_from_lists(world, k):
    hits, n_relevant = world
    rows, places = np.nonzero(hits)
    ours = ndcg(places + 1, rows, n_relevant, k)
    np.testing.assert_allclose(ours, per_user_metrics(hits, n_relevant)[f"ndcg@{k}"])
