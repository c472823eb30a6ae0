"""Tests of paired differences against what can be worked by hand."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import ttest_rel

from core.metrics.intervals import (
    bootstrap_difference,
    bootstrap_means,
    effect_size,
    holm,
    sign_flip_p,
    student_interval,
)


def test_a_few_users_are_tested_with_every_choice_of_signs():
    values = np.array([3.0, 1.0, 0.5, 0.0])
    sums = [abs(a * 3 + b * 1 + c * 0.5) for a, b, c in product([1, -1], repeat=3)]
    assert sign_flip_p(values) == np.mean(np.array(sums) >= 4.5)  # 2 of 8


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
    values = np.zeros(25)
    values[[3, 9]] = 0.4, 0.6  # two of 25 users moved
    narrow = bootstrap_means(values)[0]
    wide = bootstrap_difference(values, np.zeros(25))[0]
    student = student_interval(values)
    assert wide.low == pytest.approx(min(narrow.low, student.low))
    assert wide.high == pytest.approx(max(narrow.high, student.high))
    assert wide.low < 0 <= narrow.low


def test_an_interval_over_three_seeds_is_students():
    over = student_interval(np.array([0.010, 0.012, 0.014]))
    half = 4.302653 * 0.002 / np.sqrt(3)
    assert (over.mean, over.low, over.high) == pytest.approx((0.012, 0.012 - half, 0.012 + half))
    assert np.isnan(student_interval(np.array([0.01])).low)
