from math import log2

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import rel_entr

from core.metrics.mix import category_mix, even_rows, miscalibration, rank_biased_overlap

CATEGORIES = csr_matrix(np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]], dtype=float))


def test_a_mix_is_the_mean_of_its_items_even_shares():
    shares = even_rows(CATEGORIES)
    mix = category_mix(csr_matrix([[1, 1, 0, 1], [0, 0, 0, 1]]), shares).toarray()
    assert mix[0] == pytest.approx([3 / 4, 1 / 4, 0])  # the item without categories is left out
    assert mix[1] == pytest.approx([0, 0, 0])


def test_miscalibration_is_the_divergence_scipy_gives_in_bits():
    rng = np.random.default_rng(0)
    wanted, got = (rng.dirichlet(np.ones(6), 20) for _ in range(2))
    smoothed = 0.99 * got + 0.01 * wanted
    expected = rel_entr(wanted, smoothed).sum(axis=1) / np.log(2)
    assert miscalibration(csr_matrix(wanted), csr_matrix(got)) == pytest.approx(expected)


def test_a_list_without_the_wanted_category_is_bounded_by_the_smoothing():
    wanted, got = csr_matrix([[1.0, 0.0]]), csr_matrix([[0.0, 1.0]])
    assert miscalibration(wanted, got)[0] == pytest.approx(log2(100))


def test_the_same_mix_is_zero_and_no_mix_has_no_answer():
    mix = csr_matrix([[0.5, 0.5], [0.0, 0.0], [1.0, 0.0]])
    got = csr_matrix([[0.5, 0.5], [1.0, 0.0], [0.0, 0.0]])
    assert miscalibration(mix, got) == pytest.approx([0, np.nan, np.nan], nan_ok=True)


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
