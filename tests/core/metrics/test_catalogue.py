from math import log2

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from core.metrics.card import membership
from core.metrics.catalogue import coverage, novelty, personalisation


def test_coverage_counts_each_item_once_and_no_padding():
    lists = np.array([[0, 1, 2], [2, 1, -1]])
    assert coverage(lists, n_items=6) == pytest.approx(3 / 6)


def test_coverage_of_no_catalogue_is_nan():
    assert np.isnan(coverage(np.empty((0, 3), dtype=int), n_items=0))


def test_novelty_is_the_mean_of_bits_with_one_added_to_both_counts():
    popularity = np.array([7, 0, 3])
    lists = np.array([[0, 1], [2, -1], [-1, -1]])
    got = novelty(lists, popularity, n_users=7)
    assert got[0] == pytest.approx((-log2(8 / 8) - log2(1 / 8)) / 2)
    assert got[1] == pytest.approx(-log2(4 / 8))
    assert np.isnan(got[2])


def test_personalisation_is_exact_over_all_pairs_of_users_with_a_list():
    rng = np.random.default_rng(0)
    lists = np.array([rng.permutation(30)[:6] for _ in range(40)])
    lists[0, 3:], lists[1] = -1, -1
    members = membership(lists, 30)
    similar = cosine_similarity(members.toarray()[[0, *range(2, 40)]])
    above = similar[np.triu_indices(39, k=1)]
    assert personalisation(members) == pytest.approx(1 - above.mean())
    assert personalisation(membership(np.tile([3, 4], (5, 1)), 9)) == pytest.approx(0)
    assert np.isnan(personalisation(membership(np.array([[1, 2]]), 9)))
