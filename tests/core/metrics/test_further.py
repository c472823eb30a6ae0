import numpy as np
import pytest
from scipy.stats import rankdata

from core.metrics.further import (
    capped_recall,
    percentile_rank,
    pooled_auc,
    r_precision,
    rank_biased_precision,
)

HITS = np.array([[1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=bool)
WANTED = np.array([3, 1, 0])


def test_capped_recall_divides_by_what_fits_in_the_list():
    assert capped_recall(HITS, WANTED, 2) == pytest.approx([1 / 2, 0, np.nan], nan_ok=True)
    assert capped_recall(HITS, WANTED, 4) == pytest.approx([2 / 3, 1, np.nan], nan_ok=True)


def test_rbp_weighs_ranks_by_patience():
    got = rank_biased_precision(HITS, WANTED, 4)
    assert got == pytest.approx([0.15 * (1 + 0.85**2), 0.15 * 0.85**3, np.nan], nan_ok=True)


def test_r_precision_reads_as_far_as_there_is_to_find():
    assert r_precision(HITS, WANTED) == pytest.approx([2 / 3, 0, np.nan], nan_ok=True)
    assert np.isnan(r_precision(HITS, np.array([5, 1, 1]))[0])  # longer than the list


def test_percentile_rank_from_auc_is_the_mean_of_mid_ranks():
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores = rng.integers(0, 6, 25).astype(float)
        relevant = rng.random(25) < 0.3
        relevant[0] = True
        ranks = rankdata(-scores)  # 1 is best, ties at their middle
        here, others = scores[relevant], scores[~relevant]
        wins = (here[:, None] > others).mean() + (here[:, None] == others).mean() / 2
        # ties among the relevant items themselves leave the mean of their ranks as it is
        got = percentile_rank(np.array([wins]), np.array([relevant.sum()]), np.array([25]))
        assert got[0] == pytest.approx(((ranks[relevant] - 1) / 25).mean())


def test_gauc_weighs_users_by_what_they_have_to_find():
    sums = np.array([[3 * 0.9, 3], [1 * 0.5, 1]])
    assert pooled_auc(sums.sum(axis=0)) == pytest.approx((2.7 + 0.5) / 4)
