import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from core.metrics.further import inverse_propensity, kept_share, weighted_hits, weighted_recall


def test_an_item_of_average_popularity_is_worth_one_and_a_popular_one_less():
    assert inverse_propensity(np.array([10.0, 5.0, 1.0, 0.0])) == pytest.approx([0.4, 0.8, 4, 4])


def test_the_hits_of_recpack_are_the_same_up_to_the_number_of_items():
    """IPSHitRateK: hits times 1 / p, p an item's share of all interactions."""
    popularity = np.array([6.0, 3.0, 1.0])
    lists, hits = np.array([[0, 2], [1, -1]]), np.array([[True, True], [True, False]])
    theirs = [1 / 0.6 + 1 / 0.1, 1 / 0.3]
    got = weighted_hits(hits, lists, np.array([2, 1]), inverse_propensity(popularity))
    assert got * 3 == pytest.approx(theirs)


def test_weights_are_what_drawing_down_to_the_border_keeps_on_average():
    counts = np.array([1, 1, 2, 2, 3, 12, 0])
    low, high = pd.Series([1, 1, 2, 2, 3, 12]).quantile([0.25, 0.75])  # as RecTools does
    border = int(high + 1.5 * (high - low))
    assert kept_share(counts) == pytest.approx([1, 1, 1, 1, 1, border / 12, 1])
    assert (kept_share(np.zeros(3, int)) == 1).all()


def test_debiased_recall_is_the_recall_of_weighted_items():
    relevant = csr_matrix(np.array([[1, 1, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=float))
    lists, weights = np.array([[0, 2], [1, -1], [1, 2]]), np.array([0.25, 1, 1, 1])
    hits = np.array([[True, False], [True, False], [False, False]])
    got = weighted_recall(hits, lists, relevant, weights)
    assert got == pytest.approx([0.25 / 2.25, 1, np.nan], nan_ok=True)
