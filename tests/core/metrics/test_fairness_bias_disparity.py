import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.metrics.fairness import bias, disparity, taken_sums

MEMBERS = csr_matrix(np.array([[1, 0], [1, 1], [0, 1], [0, 0]], dtype=float))  # of four items
TAKEN = csr_matrix(np.array([[1, 1, 0, 0], [1, 0, 0, 1]], dtype=float))
LISTED = csr_matrix(np.array([[0, 0, 1, 1], [0, 1, 1, 0]], dtype=float))


def test_an_item_of_two_categories_counts_in_both_and_once_in_all():
    assert taken_sums(TAKEN, MEMBERS).tolist() == [[2, 1, 2], [1, 0, 2]]


def test_bias_is_the_preference_over_the_share_of_the_catalogue():
    sums = taken_sums(TAKEN, MEMBERS).sum(axis=0)
    # three of four taken are in the first category, which has half of the items
    assert bias(sums, np.array([2 / 4, 2 / 4])) == pytest.approx([3 / 4 / (1 / 2), 1 / 4 / (1 / 2)])


def test_disparity_is_what_lists_add_to_the_preference():
    sums = np.column_stack([taken_sums(TAKEN, MEMBERS), taken_sums(LISTED, MEMBERS)]).sum(axis=0)
    # first: 3/4 of histories, 1/4 of lists; second: 1/4 of histories, 3/4 of lists
    assert disparity(sums) == pytest.approx([(1 / 4 - 3 / 4) / (3 / 4), (3 / 4 - 1 / 4) / (1 / 4)])
    nothing = np.array([0.0, 2, 2, 1, 1, 2])
    assert disparity(nothing) == pytest.approx([np.nan, (1 / 2 - 1) / 1], nan_ok=True)
