from math import log2

import numpy as np
import pytest

from core.metrics.card import exposure
from core.metrics.catalogue import (
    average_popularity,
    delta_gap,
    entropy,
    gap_sums,
    gini,
    head_items,
    items_for_half,
    lorenz,
    tail_share,
)

LISTS = np.array([[0, 1, 2], [0, 1, -1], [0, -1, -1]])


def test_exposure_counts_places_and_no_padding():
    assert exposure(LISTS, 5).tolist() == [3, 2, 1, 0, 0]


def test_gini_is_the_hand_worked_fraction_and_one_when_one_item_has_it_all():
    counts = np.array([3, 2, 1, 0, 0])
    # rising counts 0 0 1 2 3 times -4 -2 0 2 4, over (5 - 1) * 6
    assert gini(counts) == pytest.approx(16 / 24)
    assert gini(np.array([0, 0, 0, 9])) == pytest.approx(1.0)
    assert gini(np.array([2, 2, 2])) == pytest.approx(0.0)
    assert np.isnan(gini(np.array([5])))
    assert np.isnan(gini(np.zeros(4, int)))


def test_gini_is_twice_the_area_between_the_lorenz_curve_and_the_diagonal():
    counts = np.random.default_rng(0).integers(0, 50, 400)
    x, y = lorenz(counts)
    assert gini(counts) == pytest.approx((1 - 2 * np.trapezoid(y, x)) * 400 / 399)
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)


def test_entropy_is_that_of_the_shares():
    expected = 1 / 2 * log2(2) + 1 / 3 * log2(3) + 1 / 6 * log2(6)
    assert entropy(exposure(LISTS, 5)) == pytest.approx(expected)
    assert entropy(np.full(8, 3)) == pytest.approx(3)  # eight items alike are three bits
    assert np.isnan(entropy(np.zeros(4, int)))


def test_the_head_is_the_most_popular_fifth_and_ties_go_to_the_first():
    head = head_items(np.array([5, 9, 9, 1, 1, 1, 9, 0, 0, 0]))
    assert np.flatnonzero(head).tolist() == [1, 2]
    assert tail_share(np.array([[1, 2], [1, 0], [3, -1], [-1, -1]]), head) == pytest.approx(
        [0, 1 / 2, 1, np.nan], nan_ok=True
    )


def test_average_popularity_is_over_the_items_there_are():
    popularity = np.array([4.0, 2.0, 9.0])
    assert average_popularity(LISTS, popularity) == pytest.approx([5, 3, 4])


def test_delta_gap_is_of_group_means_and_leaves_users_without_history_out():
    sums = gap_sums(np.array([6.0, 2.0, 50.0]), np.array([2.0, 2.0, np.nan]))
    assert np.isnan(sums[2]).all()
    assert delta_gap(np.nanmean(sums, axis=0)) == pytest.approx((6 + 2) / (2 + 2) - 1)


def test_half_of_all_places_go_to_so_many_items():
    assert items_for_half(np.array([1, 6, 1, 4])) == 1
    assert items_for_half(np.array([3, 3, 3, 3])) == 2
    assert items_for_half(np.zeros(3, int)) == 0
