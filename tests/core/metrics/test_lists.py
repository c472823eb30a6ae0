from math import log2

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics.pairwise import cosine_similarity

from core.metrics.card import membership
from core.metrics.lists import (
    categories_in,
    discounted_worth,
    outside,
    pair_distance,
    serendipity,
    unit_rows,
)


def random_lists(users=40, items=30, k=6, seed=0):
    rng = np.random.default_rng(seed)
    lists = np.array([rng.permutation(items)[:k] for _ in range(users)])
    lists[0, 3:] = -1
    lists[1] = -1
    return lists


def test_pair_distance_is_one_minus_the_mean_cosine_of_scikit_learn():
    lists = random_lists()
    vectors = np.random.default_rng(1).integers(0, 2, (30, 25)).astype(float)
    vectors[7] = 0  # nobody has it: it is in no pair
    units = unit_rows(csr_matrix(vectors))
    got = pair_distance(lists, units)
    assert pair_distance(lists, units, most=0) == pytest.approx(got, abs=1e-6, nan_ok=True)
    cosine = cosine_similarity(vectors)
    for row, items in enumerate(lists):
        known = [item for item in items if item >= 0 and item != 7]
        pairs = [1 - cosine[i, j] for n, i in enumerate(known) for j in known[n + 1 :]]
        expected = np.mean(pairs) if pairs else np.nan
        assert got[row] == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_categories_are_counted_once_per_list():
    categories = csr_matrix(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]))
    lists = np.array([[0, 1], [1, 2], [3, -1], [-1, -1]])
    got = categories_in(membership(lists, 4), categories)
    assert got == pytest.approx([2, 2, 0, np.nan], nan_ok=True)


def test_unexpectedness_is_the_share_not_in_the_other_list():
    ours = membership(np.array([[0, 1, 2], [3, 4, -1], [-1, -1, -1]]), 6)
    popular = membership(np.array([[0, 5, 4], [3, 4, 5], [0, 1, 2]]), 6)
    assert outside(ours, popular) == pytest.approx([2 / 3, 0, np.nan], nan_ok=True)


def test_serendipity_is_what_rectools_gives_in_its_own_example():
    popularity = np.array([3, 2, 0, 0])  # of i1 to i4
    lists = np.array([[0, 1], [1, 2], [2, -1], [1, 2]])
    hits = np.array([[1, 1], [1, 1], [0, 0], [1, 0]], dtype=bool)
    wanted = np.array([2, 2, 1, 1])
    one = serendipity(hits[:, :1], lists[:, :1], wanted, popularity)
    assert one == pytest.approx([0, 0.25, 0, 0.25])
    assert serendipity(hits, lists, wanted, popularity) == pytest.approx([0, 0.5, 0, 0.125])


def test_a_hit_is_worth_its_novelty_discounted_by_rank():
    lists, worth = np.array([[2, 0, -1]]), np.array([0.5, 0.1, 0.8])
    hits, discounts = np.array([[True, True, False]]), [1, 1 / log2(3), 1 / 2]
    expected = (0.8 + 0.5 / log2(3)) / sum(discounts)
    assert discounted_worth(hits, lists, np.array([2]), worth)[0] == pytest.approx(expected)
