import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.fusion.candidates import find_candidates
from core.fusion.combine import Fusion, fuse_scores, top_k
from core.fusion.fused import (
    EQUAL,
    SHARES,
    best_ratio,
    peaks,
    prepare,
    ratio_curve,
    weights_of,
    within_noise,
)
from core.metrics.ranking import per_user_metrics
from tests.core.fusion.fusion_worlds import random_mask, random_scores


def test_weights_run_from_target_only_over_equal_to_source_only():
    assert weights_of(0.0) == (0.0, 1.0)
    assert weights_of(SHARES[EQUAL]) == (1.0, 1.0)
    assert weights_of(1.0) == (1.0, 0.0)
    alpha, beta = weights_of(0.2)
    assert alpha / (alpha + beta) == pytest.approx(0.2)
    assert beta == 1.0


@pytest.mark.parametrize("kind", ["weighted sum", "product", "reciprocal rank"])
def test_the_curve_equals_metrics_of_lists_ranked_in_full(kind):
    scores, masked = random_scores(20, 150, decimals=1), random_mask(20, 150, share=0.1)
    held_out = np.random.default_rng(3).random((20, 150)) < 0.05
    held_out[masked.toarray()] = False
    held_out[0] = False
    candidates = find_candidates(scores, np.arange(20), masked)
    prepared = prepare(candidates, kind, "z-score", 10)
    curve = ratio_curve(prepared, csr_matrix(held_out.astype(np.float32)), 10)
    for place in (0, 7, EQUAL, 20):
        fusion = Fusion(*weights_of(SHARES[place]), kind, "z-score")
        lists = top_k(fuse_scores(scores, masked, fusion), scores.source, scores.target, 10)
        hits = np.take_along_axis(held_out, lists, axis=1)
        expected = per_user_metrics(hits, held_out.sum(axis=1), [10])["ndcg@10"]
        np.testing.assert_allclose(curve[:, place], expected)


def planted_curve(peak, noise, n=400, seed=0):
    """Users whose nDCG falls away from the peak share, give or take."""
    generator = np.random.default_rng(seed)
    shape = 0.5 - 0.4 * (SHARES - peak) ** 2
    user = generator.normal(0, 0.1, (n, 1))
    return shape + user + generator.normal(0, noise, (n, len(SHARES)))


def test_a_clear_peak_is_found_with_an_interval_around_it():
    best = best_ratio(planted_curve(0.8, 0.01))
    assert abs(best.top - 0.8) <= 0.1
    assert best.low <= best.top <= best.high
    assert best.gain.excludes_zero


def test_the_peak_lies_between_two_shares_where_the_curve_does():
    """Ends that could only be shares of the grid held the truth in nearly every world."""
    curves = np.stack([0.5 - (SHARES - peak) ** 2 for peak in (0.33, 0.5, -0.4, 1.01)])
    np.testing.assert_allclose(peaks(curves, SHARES), [0.33, 0.5, 0.0, 1.0], atol=1e-12)
    hollow = (SHARES - 0.4) ** 2
    assert peaks(hollow[None], SHARES)[0] == 1.0
    best = best_ratio(planted_curve(0.33, 0.001))
    assert best.low <= 0.33 <= best.high < 0.35


def test_among_ratios_equal_within_one_error_the_models_own_is_kept():
    flat = np.full(len(SHARES), 0.5) + np.random.default_rng(1).normal(0, 0.1, (300, len(SHARES)))
    assert abs(best_ratio(flat).share - 0.5) < abs(best_ratio(flat).top - 0.5) + 0.01
    same = np.tile(np.random.default_rng(2).random((50, 1)), (1, len(SHARES)))
    assert best_ratio(same).share == 0.5


def test_within_noise_holds_the_best_and_drops_what_is_clearly_worse():
    near = within_noise(planted_curve(0.2, 0.01))
    assert near[4]
    assert not near[-1]


def test_no_users_have_no_best_ratio():
    assert best_ratio(np.empty((0, 21))) is None
    assert best_ratio(np.full((5, 21), np.nan)) is None
    assert not within_noise(np.full((5, 21), np.nan)).any()


def test_a_noisy_share_on_the_other_side_is_not_taken_for_a_good_one():
    """The page once named 85 % source as best where target only was, as .85 was merely noisy."""
    generator = np.random.default_rng(0)
    curve = np.tile(0.5 - 0.05 * SHARES, (200, 1)) + generator.normal(0, 0.01, (200, len(SHARES)))
    curve[:, 17] = 0.46 + generator.normal(0, 0.9, 200)  # share .85: worse, but its error is large
    best = best_ratio(curve)
    assert best.top < 0.3
    assert best.share <= 0.5
