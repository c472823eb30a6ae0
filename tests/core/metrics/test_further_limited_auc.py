import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.metrics.further import limited_auc, partial_auc, top_relevant_auc

# R: to find, o: another; user 0 has four to find, three of them in the list
HITS = np.array([[1, 0, 1, 0, 0, 1], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0]], dtype=bool)
SHOWN = np.array([[1] * 6, [1, 1, 1, 1, 0, 0], [1] * 6], dtype=bool)
WANTED = np.array([4, 1, 0])
MANY = np.array([99, 99, 99])  # items that may be recommended


def test_limited_auc_is_the_auc_of_scores_that_are_equal_below_the_list():
    rng = np.random.default_rng(0)
    for _ in range(30):
        n, k, n_kept = 20, int(rng.integers(1, 9)), 10
        relevant, ranked = rng.random(n) < 0.3, rng.permutation(n)[:n_kept]
        relevant[ranked[0]], relevant[ranked[1]] = rng.random() < 0.5, False
        relevant[np.setdiff1d(np.arange(n), ranked)[0]] = True
        scores = np.zeros(n)
        scores[ranked[:k]] = np.arange(k, 0, -1)
        got = limited_auc(
            relevant[ranked][None],
            np.ones((1, n_kept), bool),
            np.array([relevant.sum()]),
            np.array([n]),
            k,
        )
        assert got[0] == pytest.approx(roc_auc_score(relevant, scores))


def test_limited_auc_of_a_list_without_use_is_a_half_less_what_it_pushed_down():
    assert limited_auc(HITS, SHOWN, WANTED, np.array([9, 5, 9]), 4) == pytest.approx(
        [(5 + 4 + 2 * 3 / 2) / (4 * 5), 1 / 4, np.nan], nan_ok=True
    )
    everything = limited_auc(HITS, SHOWN, WANTED, np.array([4, 1, 0]), 4)
    assert np.isnan(everything).all()  # no other item to be above


def test_partial_auc_counts_the_first_k_others_below_each_hit():
    """RecTools: the sum of k minus the others above each hit, over k times what is to be found."""
    assert partial_auc(HITS, SHOWN, WANTED, MANY, 2) == pytest.approx(
        [(2 + 1 + 0) / (4 * 2), 0, np.nan], nan_ok=True
    )
    assert partial_auc(HITS, SHOWN, WANTED, MANY, 4) == pytest.approx(
        [(4 + 3 + 1) / (4 * 4), 1 / 4, np.nan], nan_ok=True
    )


def test_pap_asks_for_the_k_best_placed_hits_alone():
    assert top_relevant_auc(HITS, SHOWN, WANTED, MANY, 2) == pytest.approx(
        [(2 + 1) / (2 * 2), 0, np.nan], nan_ok=True
    )
    assert top_relevant_auc(HITS, SHOWN, WANTED, MANY, 1)[0] == 1  # the first item is to be found
    perfect = np.array([[True, True, False]])
    assert top_relevant_auc(perfect, perfect, np.array([2]), np.array([99]), 5)[0] == 1


def test_with_fewer_than_k_others_the_worst_list_gets_nothing_and_the_best_all():
    """A user of a small catalogue was given .7 for the only hit in the last of four places."""
    last, first = np.array([[0, 0, 0, 1]], dtype=bool), np.array([[1, 0, 0, 0]], dtype=bool)
    for area in (partial_auc, top_relevant_auc):
        assert area(last, np.ones_like(last), np.array([1]), np.array([4]), 10)[0] == 0
        assert area(first, np.ones_like(first), np.array([1]), np.array([4]), 10)[0] == 1
