import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics.pairwise import cosine_similarity

from core.metrics.lists import (
    categories_in,
    membership,
    outside,
    pair_distance,
    personalisation,
    rank_biased_overlap,
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


def test_personalisation_is_exact_over_all_pairs_of_users_with_a_list():
    members = membership(random_lists(), 30)
    similar = cosine_similarity(members.toarray()[[0, *range(2, 40)]])
    above = similar[np.triu_indices(39, k=1)]
    assert personalisation(members) == pytest.approx(1 - above.mean())
    assert personalisation(membership(np.tile([3, 4], (5, 1)), 9)) == pytest.approx(0)
    assert np.isnan(personalisation(membership(np.array([[1, 2]]), 9)))


def test_categories_are_counted_once_per_list():
    categories = csr_matrix(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]))
    lists = np.array([[0, 1], [1, 2], [3, -1], [-1, -1]])
    got = categories_in(membership(lists, 4), categories)
    assert got == pytest.approx([2, 2, 0, np.nan], nan_ok=True)


def test_unexpectedness_is_the_share_not_in_the_other_list():
    ours = membership(np.array([[0, 1, 2], [3, 4, -1], [-1, -1, -1]]), 6)
    popular = membership(np.array([[0, 5, 4], [3, 4, 5], [0, 1, 2]]), 6)
    assert outside(ours, popular) == pytest.approx([2 / 3, 0, np.nan], nan_ok=True)


def test_rbo_is_the_hand_worked_sum():
    ours, theirs = np.array([[0, 1, 2]]), np.array([[1, 0, 3]])
    # common items by depth: 0, 2, 2, so agreement 0, 1, 2/3
    p = 0.9
    expected = 2 / 3 * p**3 + (1 - p) / p * (1 * p**2 + 2 / 3 * p**3)
    assert rank_biased_overlap(ours, theirs)[0] == pytest.approx(expected)


def test_rbo_is_one_for_equal_lists_of_any_length_and_zero_for_others():
    same = np.array([[4, 2, 7], [5, -1, -1], [-1, -1, -1]])
    assert rank_biased_overlap(same, same) == pytest.approx([1, 1, np.nan], nan_ok=True)
    assert rank_biased_overlap(same[:1], np.array([[1, 3, 8]]))[0] == pytest.approx(0)
