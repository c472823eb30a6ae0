"""Quality over the weights alpha and beta: over their ratio, over the plane, and the front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import (
    CHOSEN,
    HIGH,
    LOW,
    MEAN,
    NEAR,
    PLACE,
    RATING,
    SEGMENT,
    SHARE,
    USER,
    USERS,
)
from core.basics.types import BoolArray, Candidates, FloatArray, IntArray
from core.data.snapshot import Split
from core.evaluation.ratings import Bounds, weighted_guesses
from core.fusion.candidates import pick_users
from core.fusion.combine import Fusion, mask, top_k
from core.fusion.fused import (
    FEWEST,
    SHARES,
    BestRatio,
    FusedLists,
    Prepared,
    bands,
    best_ratio,
    fused_top_k,
    held_out,
    prepared_top_k,
    weights_of,
    within_noise,
)
from core.metrics.catalogue import coverage, novelty
from core.metrics.intervals import LEVEL, Interval, bootstrap_means, resampled_means
from core.metrics.ranking import per_user_metrics

GAIN, GAIN_LOW, GAIN_HIGH = "gain", "gain_low", "gain_high"


@dataclass(frozen=True)
class RatioPicture:
    """What the Fusion page draws for one kind, scale and k."""

    curve: pd.DataFrame  # one row per share: SHARE, MEAN, LOW, HIGH, NEAR (no worse than the best)
    # one row per segment and share: SEGMENT, PLACE among all segments of the kind, SHARE, MEAN
    lines: pd.DataFrame
    # one row per segment: SEGMENT, PLACE, USERS, CHOSEN, LOW, HIGH, MEAN at CHOSEN, and what that
    # gains over 1 : 1: GAIN with GAIN_LOW and GAIN_HIGH
    best: pd.DataFrame
    overall: BestRatio | None
    users: int


def ratio_picture(curve: FloatArray, segment: np.ndarray, names: tuple[str, ...]) -> RatioPicture:
    """curve: (n_users, shares) as `ratio_curve` gives it; segment: (n_users,) name of each user's.

    Segments with fewer than FEWEST users are left out: their best ratio would be chance.
    """
    lines, best = [], []
    for place, name in enumerate(names):
        within = curve[segment == name]
        found = best_ratio(within) if len(within) >= FEWEST else None
        if found is not None:
            means = within.mean(axis=0)
            lines.append(pd.DataFrame({SEGMENT: name, PLACE: place, SHARE: SHARES, MEAN: means}))
            best_row = {
                CHOSEN: found.share,
                LOW: found.low,
                HIGH: found.high,
                MEAN: float(means[np.flatnonzero(found.share == SHARES)[0]]),
                GAIN: found.gain.mean,
                GAIN_LOW: found.gain.low,
                GAIN_HIGH: found.gain.high,
            }
            best.append({SEGMENT: name, PLACE: place, USERS: len(within)} | best_row)
    columns = [SEGMENT, PLACE, USERS, CHOSEN, LOW, HIGH, MEAN, GAIN, GAIN_LOW, GAIN_HIGH]
    intervals = bands(curve)
    curve_frame = pd.DataFrame(
        {
            SHARE: SHARES,
            MEAN: [interval.mean for interval in intervals],
            LOW: [interval.low for interval in intervals],
            HIGH: [interval.high for interval in intervals],
            NEAR: within_noise(curve),
        }
    )
    return RatioPicture(
        curve=curve_frame,
        lines=pd.concat(lines) if lines else pd.DataFrame(columns=[SEGMENT, PLACE, SHARE, MEAN]),
        best=pd.DataFrame(best, columns=columns),
        overall=best_ratio(curve),
        users=len(curve),
    )


# Metrics of fused lists: what every user's list is worth at one weighting.

GROUP = 5_000  # users whose padded candidates are held at once


def fused_per_user(
    candidates: Candidates, relevant: csr_matrix, fusion: Fusion, k: int
) -> pd.DataFrame:
    """USER and every ranking metric at k, a row per user of the candidates.

    relevant: (all users, n_items) what is held out. NaN for a user with nothing to find. Goes
    through the users in groups, so that many of them take bounded memory.
    """
    everybody = np.arange(len(candidates.users))
    groups = [everybody[start : start + GROUP] for start in range(0, len(everybody), GROUP)]
    frames = [
        _measured(fused_top_k(pick_users(candidates, rows), fusion, k), relevant, k)
        for rows in groups or [everybody]
    ]
    return pd.concat(frames, ignore_index=True)


def prepared_per_user(
    prepared: Prepared, relevant: csr_matrix, alpha: float, beta: float
) -> tuple[FusedLists, pd.DataFrame]:
    """The lists at one weighting and the same frame, at the k that was prepared for."""
    lists = prepared_top_k(prepared, alpha, beta, prepared.k)
    return lists, _measured(lists, relevant, prepared.k)


def _measured(lists: FusedLists, relevant: csr_matrix, k: int) -> pd.DataFrame:
    hits = held_out(lists.users, lists.items, relevant)
    n_relevant = np.diff(relevant.indptr)[lists.users]
    columns = per_user_metrics(hits, n_relevant, [k])
    return pd.DataFrame({USER: lists.users} | columns)


# Quality over both weights where they act before a nonlinear head: not only their ratio counts.

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


# Rating error over both weights: here not only their ratio counts, so it is a plane.

RATING_STEPS = np.round(np.linspace(0, 1, 21), 2)  # of alpha and of beta
MOST_RATING_USERS = 5_000  # beyond it a seeded sample


@dataclass(frozen=True)
class RatingPlane:
    """RMSE at every pair of weights; rows are betas, columns alphas, both of `steps`."""

    steps: FloatArray
    rmse: FloatArray  # (steps, steps)
    near: BoolArray  # (steps, steps) no worse than the lowest beyond user sampling
    lowest: tuple[float, float]  # alpha, beta where the error is lowest
    chosen: tuple[float, float]  # nearest to 1 and 1 within one standard error of the lowest
    users: int

    @property
    def is_flat(self) -> bool:
        """Whether no weights change any error: no user has evidence from both domains."""
        return bool(np.ptp(self.rmse) == 0)


def rating_plane(
    predictions: pd.DataFrame, bounds: Bounds, steps: FloatArray = RATING_STEPS
) -> RatingPlane | None:
    """The plane over all held-out ratings of the predictions; None where there are none.

    The standard error is that of the paired difference to the lowest, over resampled users
    (Breiman et al. 1984, sec. 3.4.3): among equally good weights the model's own are kept.
    """
    sums = _squared_errors(_sampled(predictions), bounds, steps)  # (users, cells + 1)
    if not len(sums):
        return None
    shape = len(steps), len(steps)
    rmse = _pooled(sums.mean(axis=0))
    lowest = int(np.argmin(rmse))
    gaps = _pooled(resampled_means(sums))
    gaps = gaps - gaps[:, [lowest]]  # (samples, cells)
    near = np.percentile(gaps, (100 - LEVEL) / 2, axis=0) <= 0
    beta, alpha = (axis.ravel() for axis in np.meshgrid(steps, steps, indexing="ij"))
    close = np.flatnonzero(rmse - rmse[lowest] <= gaps.std(axis=0))
    chosen = close[np.argmin(np.hypot(1 - alpha[close], 1 - beta[close]))]
    first, second = ((float(alpha[cell]), float(beta[cell])) for cell in (lowest, chosen))
    table, close_by = rmse.reshape(shape), near.reshape(shape)
    return RatingPlane(steps, table, close_by, lowest=first, chosen=second, users=len(sums))


def _sampled(predictions: pd.DataFrame) -> pd.DataFrame:
    users = predictions[USER].unique()
    if len(users) <= MOST_RATING_USERS:
        return predictions
    drawn = np.random.default_rng(0).choice(users, MOST_RATING_USERS, replace=False)
    return predictions[predictions[USER].isin(drawn)]


def _squared_errors(predictions: pd.DataFrame, bounds: Bounds, steps: FloatArray) -> FloatArray:
    """Summed squared errors of every user at every pair of weights, and their ratings."""
    given = predictions[RATING].to_numpy(np.float64)
    users, owners = np.unique(predictions[USER].to_numpy(), return_inverse=True)
    columns = [
        np.bincount(owners, (bounds.clipped(guesses) - given) ** 2, minlength=len(users))
        for beta in steps
        for guesses in (weighted_guesses(predictions, alpha, beta) for alpha in steps)
    ]
    return np.column_stack([*columns, np.bincount(owners, minlength=len(users))])


def _pooled(sums: FloatArray) -> FloatArray:
    """Roots of mean squared errors from (..., cells + 1) sums, (..., cells)."""
    return np.sqrt(sums[..., :-1] / sums[..., -1:])


# What every ratio gives in several metrics, and which ratios no other beats in both of two.

NAMES = ("ndcg", "recall", "hit_rate", "novelty", "coverage")  # all better when higher


def ratio_metrics(
    prepared: Prepared,
    relevant: csr_matrix,
    popularity: FloatArray,
    n_known: int,
    n_rankable: int,
) -> pd.DataFrame:
    """One row per share of source evidence: SHARE and NAMES, means over users at the prepared k.

    popularity: (n_items,) users who have each item in training, of n_known. n_rankable: items that
    may be recommended to anybody.
    """
    rows = []
    for share in SHARES:
        lists, found = prepared_per_user(prepared, relevant, *weights_of(share))
        means = {name: found[f"{name}@{prepared.k}"].mean() for name in NAMES[:3]}
        means["novelty"] = np.nanmean(novelty(lists.items, popularity, n_known))
        means["coverage"] = coverage(lists.items, n_rankable)
        rows.append({SHARE: share} | means)
    return pd.DataFrame(rows)


def on_front(across: FloatArray, up: FloatArray) -> BoolArray:
    """Which points no other is at least as good as in both and better in one, (n,): Pareto."""
    as_good = (across[None, :] >= across[:, None]) & (up[None, :] >= up[:, None])
    better = (across[None, :] > across[:, None]) | (up[None, :] > up[:, None])
    return np.asarray(~(as_good & better).any(axis=1))
