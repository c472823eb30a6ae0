"""Quality over both weights where they act before a nonlinear head: not only their ratio counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, FloatArray, IntArray
from core.data.snapshot import Split
from core.fusion.combine import mask, top_k
from core.metrics.intervals import Interval, bootstrap_means
from core.metrics.ranking import per_user_metrics

STEPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])  # of alpha and of beta
MOST_USERS = 500  # every cell scores all of them anew; beyond it a seeded sample
ScoreWeighted = Callable[[csr_matrix, csr_matrix, float, float], FloatArray]


@dataclass(frozen=True)
class FeaturePlane:
    """nDCG at every pair of weights; rows are betas, columns alphas, both of `steps`."""

    steps: FloatArray
    ndcg: FloatArray  # (steps, steps); NaN where both weights are 0
    near: BoolArray  # (steps, steps) no worse than the highest beyond user sampling
    highest: tuple[float, float]  # alpha, beta
    gain: Interval  # the highest less 1 and 1, paired over users
    users: int


def feature_plane(
    score: ScoreWeighted, split: Split, part: str, k: int, seed: int = 0
) -> FeaturePlane | None:
    """The plane over users with both histories and something to find; None below two of them.

    score: (source rows, target rows, alpha, beta) -> (n, n_target_items).
    """
    train = split.train
    both = (train.source_history > 0) & (train.target_history > 0)
    users = np.array([user for user in split.users(part) if both[user]], dtype=np.int64)
    if len(users) < 2:
        return None
    if len(users) > MOST_USERS:
        users = np.sort(np.random.default_rng(seed).choice(users, MOST_USERS, replace=False))
    pairs = [(alpha, beta) for beta in STEPS for alpha in STEPS]
    cells = np.stack([_ndcg(score, split, part, users, pair, k) for pair in pairs], axis=1)
    means = cells.mean(axis=0)
    best, equal = int(np.nanargmax(means)), pairs.index((1.0, 1.0))
    deficits = bootstrap_means(cells[:, [best]] - cells)
    near = [
        known and not gap.low > 0 for gap, known in zip(deficits, ~np.isnan(means), strict=True)
    ]
    shape = len(STEPS), len(STEPS)
    return FeaturePlane(
        STEPS,
        means.reshape(shape),
        np.array(near).reshape(shape),
        pairs[best],
        bootstrap_means(cells[:, best] - cells[:, equal])[0],
        len(users),
    )


def _ndcg(
    score: ScoreWeighted,
    split: Split,
    part: str,
    users: IntArray,
    weights: tuple[float, float],
    k: int,
) -> FloatArray:
    """nDCG@k of every user at one pair of weights, (n_users,); NaN where both are 0."""
    if not any(weights):
        return np.full(len(users), np.nan)
    scores = score(split.train.source[users], split.train.target[users], *weights)
    mask(scores, split.masked(part)[users])
    nothing = np.zeros_like(scores)
    lists = top_k(scores, nothing, nothing, k)
    relevant = split.held_out(part)[users]
    wanted = np.zeros((len(users), scores.shape[1] + 1), dtype=bool)  # column -1 is the padding
    wanted[np.repeat(np.arange(len(users)), np.diff(relevant.indptr)), relevant.indices] = True
    hits = np.take_along_axis(wanted, lists.astype(np.int64) % wanted.shape[1], axis=1)
    return per_user_metrics(hits, np.diff(relevant.indptr), [k])[f"ndcg@{k}"]
