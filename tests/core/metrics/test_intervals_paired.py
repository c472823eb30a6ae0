"""Tests of paired differences against what can be worked by hand."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_rel

from core.metrics.intervals import (
    bootstrap_difference,
    bootstrap_means,
    effect_size,
    holm,
    layered_interval,
    layered_p,
    sign_flip_p,
    student_p,
)


def test_a_few_users_are_tested_with_every_choice_of_signs():
    values = np.array([3.0, 1.0, 0.5, 0.0])
    sums = [abs(a * 3 + b * 1 + c * 0.5) for a, b, c in product([1, -1], repeat=3)]
    assert sign_flip_p(values) == np.mean(np.array(sums) >= 4.5)  # 2 of 8


def test_where_few_gain_much_the_far_end_lies_further_out():
    """Of 30 users of such a law Student's ends held the truth in 90 % of worlds."""
    gains = np.r_[np.zeros(24), 0.1, 0.1, 0.2, 0.3, 0.8, 1.0]
    lifted, lost = (bootstrap_difference(sign * gains, 0 * gains)[0] for sign in (1, -1))
    assert (lost.low, lost.high) == pytest.approx((-lifted.high, -lifted.low), rel=0.1)
    assert lifted.high - lifted.mean > 1.3 * (lifted.mean - lifted.low)
    even = np.r_[-np.arange(1.0, 16), np.arange(1.0, 16)] + 1
    found = bootstrap_difference(even, 0 * even)[0]
    assert found.high == pytest.approx(ttest_1samp(even, 0).confidence_interval().high)


def test_many_users_are_tested_close_to_students_t():
    generator = np.random.default_rng(0)
    base = generator.random(400)
    run = base + generator.normal(0.012, 0.1, 400)
    assert sign_flip_p(run - base) == pytest.approx(ttest_rel(run, base).pvalue, abs=0.01)


def test_under_no_difference_one_test_in_twenty_rejects():
    generator = np.random.default_rng(1)
    worlds = generator.exponential(1.0, (400, 40)) * generator.choice([-1, 0, 0, 1], (400, 40))
    rejected = np.mean([sign_flip_p(world, flips=500) < 0.05 for world in worlds])
    assert 0.02 <= rejected <= 0.08


def test_nobody_moved_is_no_evidence_and_one_user_no_test():
    assert sign_flip_p(np.zeros(30)) == 1.0
    assert np.isnan(sign_flip_p(np.array([0.3, np.nan])))


def test_effect_size_is_the_mean_in_standard_deviations():
    assert effect_size(np.array([1.0, 2.0, 3.0, np.nan])) == pytest.approx(2.0)
    assert effect_size(np.zeros(5)) == 0.0
    assert np.isnan(effect_size(np.array([1.0])))


def test_holm_multiplies_the_smallest_most_and_never_falls():
    given = np.array([0.01, np.nan, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(holm(given), [0.03, np.nan, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])).max() <= 1.0


def test_an_interval_of_a_difference_is_never_narrower_than_students():
    """Two of 25 users moved, who bring three degrees of freedom each; their gains are skewed."""
    values = np.zeros(25)
    values[[3, 9]] = 0.4, 0.6
    narrow = bootstrap_means(values)[0]
    wide = bootstrap_difference(values, np.zeros(25))[0]
    half = 2.446912 * values.std(ddof=1) / 5  # of six degrees of freedom
    assert wide.low == pytest.approx(min(narrow.low, 0.04 - half))
    assert wide.high > max(narrow.high, 0.04 + half)
    assert wide.low < 0 <= narrow.low


def test_layers_that_agree_leave_users_and_users_who_agree_leave_layers():
    of_user, of_layer = np.random.default_rng(0).normal(0.1, 1, 40), np.array([0.1, 0.12, 0.14])
    half = 2.022691 * of_user.std(ddof=1) / np.sqrt(40)
    found = layered_interval(np.repeat(of_user[:, None], 3, axis=1))
    assert (found.mean, found.high) == pytest.approx((of_user.mean(), of_user.mean() + half))
    found = layered_interval(np.tile(of_layer, (40, 1)))
    assert found.high == pytest.approx(0.12 + 4.302653 * 0.02 / np.sqrt(3))


def test_the_p_value_over_layers_is_that_of_the_interval():
    """Users alone would leave zero out; with a training in three that loses, nothing is sure."""
    values = np.random.default_rng(1).normal((0.2, 0.1, -0.05), 0.1, (50, 3))
    kept = np.vstack([values, [np.nan, 1.0, 1.0]])
    found = layered_interval(kept)
    assert (found.users, found.skipped) == (50, 1)
    assert found.low < 0
    assert 0.05 < layered_p(kept) < 0.5
    edge = values - found.low  # now the interval begins at zero
    assert layered_p(edge) == pytest.approx(0.05, abs=1e-6)
    assert layered_p(edge + 0.5) < 0.01
    assert np.isnan(layered_p(values[:1]))


def test_students_p_is_scipys():
    values = np.random.default_rng(2).normal(0.1, 0.3, 30)
    assert student_p(values) == pytest.approx(ttest_1samp(values, 0).pvalue)
    assert student_p(np.full(4, 0.2)) == 0.0
    assert student_p(np.zeros(4)) == 1.0
