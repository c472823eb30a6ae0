"""Quality over the ratio of source to target evidence, and which ratio to choose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, FloatArray
from core.fusion.fused import Prepared, ranks_of, relevant_entries
from core.metrics.intervals import Interval, bootstrap_means, resampled_means
from core.metrics.ranking import ndcg

SHARES = np.round(np.linspace(0, 1, 21), 2)  # alpha / (alpha + beta); .5 is the model's own 1 : 1
EQUAL = int(np.flatnonzero(SHARES == 0.5)[0])
FEWEST = 100  # users below which a segment gets no ratio of its own


@dataclass(frozen=True)
class BestRatio:
    """The ratio to use for a group of users, and how sure that is."""

    share: float  # chosen by the one-standard-error rule
    top: float  # where the curve is highest
    low: float  # 95 % of resampled user groups peak between low and high
    high: float
    gain: Interval  # the chosen ratio minus 1 : 1, paired


def weights_of(share: float) -> tuple[float, float]:
    """alpha and beta of a share of source evidence; the larger of the two is 1."""
    larger = max(share, 1 - share)
    return share / larger, (1 - share) / larger


def ratio_curve(
    prepared: Prepared, relevant: csr_matrix, k: int, shares: FloatArray = SHARES
) -> FloatArray:
    """nDCG@k of every user at every share, (n_users, shares) float64; NaN without held-out items.

    relevant: (all users, n_items) what is held out; k is at most the one prepared for.
    """
    rows, places = np.nonzero(relevant_entries(prepared, relevant))
    n_relevant = np.diff(relevant.indptr)[prepared.users]
    values = [
        ndcg(ranks_of(prepared.fused(*weights_of(share)), rows, places), rows, n_relevant, k)
        for share in shares
    ]
    return np.stack(values, axis=1)


def bands(curve: FloatArray) -> list[Interval]:
    """Mean over users with its interval, one per share."""
    return bootstrap_means(curve)


def within_noise(curve: FloatArray) -> BoolArray:
    """Which shares are no worse than the best beyond user sampling (paired), (shares,)."""
    means = _means(curve)
    if np.isnan(means).all():
        return np.zeros(curve.shape[1], dtype=bool)
    best = int(np.nanargmax(means))
    deficits = bootstrap_means(curve[:, [best]] - curve)
    return np.array([not interval.low > 0 for interval in deficits])


def best_ratio(curve: FloatArray, shares: FloatArray = SHARES) -> BestRatio | None:
    """The share nearest to 1 : 1 that is within one standard error of the best; None without users.

    The standard error is that of the paired difference to the best share, over users (Breiman et
    al. 1984, sec. 3.4.3): among equally good ratios the model's own is kept. Only shares on the way
    from the best to 1 : 1 come into question: beyond it a noisy bad share could pass for good.
    """
    curve = curve[~np.isnan(curve).any(axis=1)]
    if len(curve) < 2:
        return None
    best = int(np.argmax(_means(curve)))
    deficit = curve[:, [best]] - curve  # (n_users, shares)
    error = deficit.std(axis=0, ddof=1) / np.sqrt(len(curve))
    distance = np.abs(shares - 0.5)
    on_the_way = (shares - 0.5) * (shares[best] - 0.5) >= 0
    on_the_way &= distance <= distance[best]
    near = np.flatnonzero(on_the_way & (deficit.mean(axis=0) <= error))
    chosen = near[np.argmin(distance[near])]
    peaks = shares[np.argmax(resampled_means(curve), axis=1)]
    low, high = np.percentile(peaks, [2.5, 97.5])
    equal = int(np.argmin(distance))
    gain = bootstrap_means(curve[:, chosen] - curve[:, equal])[0]
    return BestRatio(float(shares[chosen]), float(shares[best]), float(low), float(high), gain)


def _means(curve: FloatArray) -> FloatArray:
    there = ~np.isnan(curve)
    counts = there.sum(axis=0)
    total = np.where(there, curve, 0.0).sum(axis=0)
    return np.divide(total, counts, out=np.full(len(counts), np.nan), where=counts > 0)
