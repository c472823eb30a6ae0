"""Fused lists of all users at any weighting, quality over the ratio, and weights by activity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.sorted_sets import among
from core.basics.types import BoolArray, Candidates, DomainScores, FloatArray, IntArray, Masked
from core.fusion.combine import NO_ITEM, Fusion, blend, fuse_scores, row_weights, shaped, top_k
from core.metrics.intervals import Interval, bootstrap_means, resampled_means
from core.metrics.ranking import ndcg


@dataclass(frozen=True)
class FusedLists:
    """Lists of users at one weighting, best first; NaN where a list is shorter than k."""

    users: IntArray  # (n_users,)
    items: IntArray  # (n_users, k) int32, -1 where a list is shorter
    source: FloatArray  # (n_users, k) float32, the part as the model gave it
    target: FloatArray
    source_part: FloatArray  # (n_users, k) what it adds to fused: alpha * f(source)
    target_part: FloatArray
    base: FloatArray
    fused: FloatArray  # base + source_part + target_part


@dataclass(frozen=True)
class Prepared:
    """Candidates that can reach a top k, in padded rows, ready for any alpha and beta.

    Rows are users; entries stand by source part, target part, item number, so equal fused scores
    go by position. Where a row is shorter, base is -inf and items is -1.
    """

    users: IntArray  # (n_users,)
    items: IntArray  # (n_users, width) int32
    source: FloatArray  # (n_users, width) float32, raw
    target: FloatArray
    base: FloatArray
    source_value: FloatArray  # (n_users, width) float32: f(source) of the kind and scale
    target_value: FloatArray
    has_source: BoolArray  # (n_users,)
    has_target: BoolArray
    kind: str
    scale: str
    k: int

    def fused(self, alpha: float, beta: float) -> FloatArray:
        """Fused scores, (n_users, width) float32, -inf where a row is shorter."""
        fusion = Fusion(alpha, beta, self.kind, self.scale)
        return blend(
            self.base,
            self.source_value,
            self.target_value,
            self.has_source,
            self.has_target,
            fusion,
        )

    def row_weights(self, alpha: float, beta: float) -> tuple[FloatArray, FloatArray]:
        """alpha and beta as they act for each user, (n_users, 1) each."""
        return row_weights(self.has_source, self.has_target, Fusion(alpha, beta))


def prepare(candidates: Candidates, kind: str, scale: str, k: int) -> Prepared:
    """What stays the same while a slider moves; raises ValueError for k beyond the depth."""
    if k > candidates.depth:
        raise ValueError(f"lists of {k} need candidates of that depth, not {candidates.depth}")
    reach = candidates.dominators < k
    rows = np.repeat(np.arange(len(candidates.users)), np.diff(candidates.starts))[reach]
    sizes = np.bincount(rows, minlength=len(candidates.users))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    place = rows, np.arange(len(rows)) - starts[rows]
    shape = len(sizes), int(sizes.max(initial=1))

    def padded(name: str, filler: float) -> np.ndarray:
        values = getattr(candidates, name)
        column = np.full(shape, filler, dtype=values.dtype)
        column[place] = values[reach]
        return column

    source, target = padded("source", 0.0), padded("target", 0.0)
    source_value, target_value = (
        shaped(values, padded(f"{name}_rank", 1), getattr(candidates, f"{name}_scale"), kind, scale)
        for name, values in (("source", source), ("target", target))
    )
    return Prepared(
        candidates.users,
        padded("items", NO_ITEM),
        source,
        target,
        padded("base", -np.inf),
        source_value,
        target_value,
        candidates.has_source,
        candidates.has_target,
        kind,
        scale,
        k,
    )


def fused_top_k(candidates: Candidates, fusion: Fusion, k: int) -> FusedLists:
    """Every user's top k, equal to ranking the whole catalogue; raises ValueError for k > depth."""
    prepared = prepare(candidates, fusion.kind, fusion.scale, k)
    return prepared_top_k(prepared, fusion.alpha, fusion.beta, k)


def prepared_top_k(prepared: Prepared, alpha: float, beta: float, k: int) -> FusedLists:
    """The same from prepared candidates, for k up to theirs."""
    fused = prepared.fused(alpha, beta)
    places = _best_places(fused, min(k, fused.shape[1]))  # (n_users, up to k)
    items = _taken(prepared.items, places, k, NO_ITEM)
    there = items != NO_ITEM
    columns = (
        prepared.source,
        prepared.target,
        prepared.source_value,
        prepared.target_value,
        prepared.base,
        fused,
    )
    source, target, source_value, target_value, base, score = (
        np.where(there, _taken(values, places, k, 0.0), np.float32(np.nan)) for values in columns
    )
    of_source, of_target = prepared.row_weights(alpha, beta)
    return FusedLists(
        prepared.users,
        items,
        source,
        target,
        of_source * source_value,
        of_target * target_value,
        base,
        score,
    )


def one_user_top_k(
    scores: DomainScores, masked: Masked, fusion: Fusion, k: int
) -> tuple[IntArray, FloatArray]:
    """Item numbers and fused scores of one user's list from full scores, (up to k,) each.

    scores and masked have one row. For users who were not evaluated and have no candidates.
    """
    fused = fuse_scores(scores, masked, fusion)
    items = top_k(fused, scores.source, scores.target, k)[0]
    items = items[items != NO_ITEM]
    return items, fused[0, items]


def relevant_entries(prepared: Prepared, relevant: csr_matrix) -> BoolArray:
    """Which entries are held out for their user, (n_users, width).

    relevant: (all users, n_items), rows by user number.
    """
    return held_out(prepared.users, prepared.items, relevant)


def held_out(users: IntArray, items: IntArray, relevant: csr_matrix) -> BoolArray:
    """Which of each user's items are held out for them, (n_users, n).

    items: (n_users, n) numbers, -1 where there is none; relevant: (all users, n_items).
    """
    wanted, n_items = relevant[users], relevant.shape[1]
    rows = np.repeat(np.arange(len(users)), np.diff(wanted.indptr))
    keys = np.arange(len(users))[:, None] * n_items + items.astype(np.int64)
    return among(keys, rows * n_items + wanted.indices) & (items != NO_ITEM)


def ranks_of(fused: FloatArray, rows: IntArray, places: IntArray) -> IntArray:
    """Rank of each given entry within its row of fused scores, 1 is best, (entries,).

    Far cheaper than sorting: only held-out entries are asked for.
    """
    ranks = np.empty(len(rows), dtype=np.int64)
    step = max(1, 4_000_000 // max(1, fused.shape[1]))
    earlier = np.arange(fused.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        row, place = fused[rows[part]], places[part]
        own = row[np.arange(len(row)), place][:, None]
        before = (row > own) | ((row == own) & (earlier < place[:, None]))
        ranks[part] = 1 + before.sum(axis=1)
    return ranks


def _best_places(fused: FloatArray, k: int) -> IntArray:
    """Positions of each row's best k, best first; equal scores go by position."""
    cut = np.partition(fused, fused.shape[1] - k, axis=1)[:, -k, None]
    above, level = fused > cut, fused == cut
    room = k - above.sum(axis=1, keepdims=True)
    taken = above | (level & (level.cumsum(axis=1, dtype=np.int32) <= room))
    places = np.nonzero(taken)[1].reshape(len(fused), k)
    order = np.argsort(-np.take_along_axis(fused, places, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)


def _taken(values: np.ndarray, places: IntArray, k: int, filler: float) -> np.ndarray:
    """Values at the places, (n_users, k), filled up where a row is shorter than k."""
    taken = np.take_along_axis(values, places, axis=1)
    return np.pad(taken, ((0, 0), (0, k - taken.shape[1])), constant_values=filler)


# Quality over the ratio of source to target evidence, and which ratio to choose.

SHARES = np.round(np.linspace(0, 1, 21), 2)  # alpha / (alpha + beta); .5 is the model's own 1 : 1
EQUAL = int(np.flatnonzero(SHARES == 0.5)[0])
FEWEST = 100  # users below which a segment gets no ratio of its own


@dataclass(frozen=True)
class BestRatio:
    """The ratio to use for a group of users, and how sure that is."""

    share: float  # chosen by the one-standard-error rule
    top: float  # where the curve is highest, also between two of the shares it was measured at
    low: float  # 95 % of resampled user groups peak between low and high, see `peaks`
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
    low, high = np.percentile(peaks(resampled_means(curve), shares), [2.5, 97.5])
    top = float(peaks(_means(curve)[None], shares)[0])
    equal = int(np.argmin(distance))
    gain = bootstrap_means(curve[:, chosen] - curve[:, equal])[0]
    return BestRatio(float(shares[chosen]), top, float(low), float(high), gain)


def peaks(means: FloatArray, shares: FloatArray) -> FloatArray:
    """(n,) where each curve of means, (n, shares), is highest: by the parabola around its maximum.

    Steps of shares are coarse beside what a few hundred users tell: ends of an interval that may
    only stand on them held the best ratio in 97 to 100 % of worlds, those between them in 93 to 97
    (tests/benchmarks/coverage.py).
    """
    middle = np.clip(np.argmax(means, axis=1), 1, means.shape[1] - 2)
    rows, step = np.arange(len(means)), shares[1] - shares[0]
    before, here, after = (means[rows, middle + one] for one in (-1, 0, 1))
    bend = before - 2 * here + after
    falls = bend < 0  # elsewhere the curve is straight or hollow, and its own maximum must do
    moved = np.divide(before - after, 2 * bend, out=np.zeros(len(means)), where=falls)
    edge = shares[np.argmax(means, axis=1)]
    found = np.where(falls, shares[middle] + step * np.clip(moved, -1, 1), edge)
    return np.clip(found, shares[0], shares[-1])


def _means(curve: FloatArray) -> FloatArray:
    there = ~np.isnan(curve)
    counts = there.sum(axis=0)
    total = np.where(there, curve, 0.0).sum(axis=0)
    return np.divide(total, counts, out=np.full(len(counts), np.nan), where=counts > 0)


# Weights by activity: the more target history a user has, the more it counts.

# Target interactions at which both domains count alike; 0 is target only, infinite source only.
TURNS = np.array([0.0, 0.5, 1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 400, np.inf])
FOLDS = 5


@dataclass(frozen=True)
class Gate:
    """One parameter fitted on validation users, beside one pair of weights for everybody.

    Both are fitted on four fifths of the users and judged on the fifth they have not seen, so that
    the gate's freedom does not pass for a gain.
    """

    turn: float  # target interactions at which alpha = beta, fitted on all users; see TURNS
    share: float  # the global pair, as a share of source evidence, fitted on all users
    gated: float  # mean nDCG over all users, of whom none was fitted on
    plain: float
    difference: Interval  # gated less plain, paired


def gate_shares(history: IntArray, turn: float) -> FloatArray:
    """Share of source evidence of each user, turn / (turn + target interactions), (n_users,)."""
    if np.isinf(turn):
        return np.ones(len(history))
    total = turn + history
    return np.divide(turn, total, out=np.ones(len(history)), where=total > 0)


def fit_gate(curve: FloatArray, history: IntArray, seed: int = 0) -> Gate | None:
    """The best gate and the best global pair of some users; None for fewer than ten.

    curve: (n_users, shares) quality of every user at every share, of which a gate takes the
    nearest; history: (n_users,) target interactions in training.
    """
    known = ~np.isnan(curve).any(axis=1)
    curve, history = curve[known], history[known]
    if len(curve) < 2 * FOLDS:
        return None
    gated = gated_curve(curve, history)
    fold = np.random.default_rng(seed).permutation(len(curve)) % FOLDS
    ours, theirs = np.empty(len(curve)), np.empty(len(curve))
    for number in range(FOLDS):
        asked, learned = fold == number, fold != number
        turn, share = _best(gated[learned]), _best(curve[learned])
        ours[asked], theirs[asked] = gated[asked, turn], curve[asked, share]
    turn, share = _best(gated), _best(curve)
    return Gate(
        turn=float(TURNS[turn]),
        share=float(SHARES[share]),
        gated=float(ours.mean()),
        plain=float(theirs.mean()),
        difference=bootstrap_means(ours - theirs)[0],
    )


def gated_curve(curve: FloatArray, history: IntArray) -> FloatArray:
    """Quality of every user under every gate of TURNS, (n_users, turns)."""
    users = np.arange(len(curve))
    columns = [
        curve[users, np.abs(SHARES[None, :] - gate_shares(history, turn)[:, None]).argmin(axis=1)]
        for turn in TURNS
    ]
    return np.stack(columns, axis=1)


def _best(curve: FloatArray) -> int:
    return int(np.argmax(curve.mean(axis=0)))
