from math import log2

import numpy as np
import pytest

from core.metrics.lists import coverage, novelty


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
