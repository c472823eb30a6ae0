"""Combine both domains' scores into one, and take the best items from it.

Every kind is base + alpha * f(source) + beta * f(target) with a rising f, so alpha = 0 leaves the
target part alone and only the ratio alpha : beta can change a ranking of users with evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.errors import SettingsError
from core.basics.types import BoolArray, DomainScores, FloatArray, IntArray, Masked

WEIGHTED_SUM, PRODUCT, RECIPROCAL_RANK = KINDS = ("weighted sum", "product", "reciprocal rank")
RAW, Z_SCORE, MIN_MAX = SCALES = ("raw", "z-score", "min-max")
SHIFT = 60  # of the reciprocal rank: Cormack, Clarke, Büttcher 2009


@dataclass(frozen=True)
class Fusion:
    """alpha weighs the source evidence, beta the target evidence, both from 0 to 1.

    Raises SettingsError for a weight out of range or an unknown kind or scale.
    """

    alpha: float = 1.0
    beta: float = 1.0
    kind: str = WEIGHTED_SUM
    scale: str = RAW  # of the parts; a reciprocal rank has none

    def __post_init__(self) -> None:
        for name in ("alpha", "beta"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError(
                    what=f"{name} is {getattr(self, name)}, outside its range.",
                    hint="Choose a value from 0 to 1.",
                )
        for name, choices in (("kind", KINDS), ("scale", SCALES)):
            if getattr(self, name) not in choices:
                raise SettingsError(
                    what=f"The {name} of a fusion cannot be {getattr(self, name)!r}.",
                    hint=f"Choose from {', '.join(choices)}.",
                )

    @property
    def share(self) -> float | None:
        """alpha / (alpha + beta), 0 target only to 1 source only; None where both are 0."""
        both = self.alpha + self.beta
        return self.alpha / both if both else None


def fuse_scores(scores: DomainScores, masked: Masked, fusion: Fusion) -> FloatArray:
    """Fused scores of every item, (rows, n_items) float32, -inf where masked.

    masked: rows as in scores. Scales and ranks are over the unmasked items.
    """
    source, target = (
        _values(part, masked, fusion.kind, fusion.scale) for part in (scores.source, scores.target)
    )
    fused = blend(scores.base, source, target, scores.has_source, scores.has_target, fusion)
    return mask(fused, masked)


def blend(
    base: FloatArray,
    source: FloatArray,
    target: FloatArray,
    has_source: BoolArray,
    has_target: BoolArray,
    fusion: Fusion,
) -> FloatArray:
    """base + alpha * source + beta * target, (rows, n) float32; the parts as `shaped` gives them.

    A user with evidence in one domain gets that part alone, whatever the weights say; a user with
    none gets base, where popularity stands.
    """
    alpha, beta = row_weights(has_source, has_target, fusion)
    fused = alpha * source
    fused += base
    fused += beta * target
    return fused


def row_weights(
    has_source: BoolArray, has_target: BoolArray, fusion: Fusion
) -> tuple[FloatArray, FloatArray]:
    """alpha and beta as they act for each user, (rows, 1) float32 each.

    Evidence from one domain alone counts in full, evidence that is not there not at all.
    """
    both = has_source & has_target
    alpha = np.where(both, fusion.alpha, has_source).astype(np.float32)
    beta = np.where(both, fusion.beta, has_target).astype(np.float32)
    return alpha[:, None], beta[:, None]


def shaped(
    values: FloatArray, ranks: IntArray, scales: FloatArray, kind: str, scale: str
) -> FloatArray:
    """f(part) of the kind and scale, float32, rising with values.

    values, ranks: (rows, n); scales: (rows, 4) as `part_scale` gives them.
    """
    if kind == RECIPROCAL_RANK:
        return np.float32(1) / (np.float32(SHIFT) + ranks.astype(np.float32))
    scaled = _scaled(values, scales, scale)
    return _log_sigmoid(scaled) if kind == PRODUCT else scaled


def part_scale(values: FloatArray) -> FloatArray:
    """Mean, standard deviation, minimum and maximum of one user's unmasked scores, (4,) float32."""
    if not len(values):
        return np.zeros(4, dtype=np.float32)
    low, high = values.min(), values.max()
    mean, spread = np.add.reduce(values, dtype=np.float64) / len(values), 0.0
    if low < high:  # as values.std does, which would work out the mean anew
        apart = values - mean
        spread = np.sqrt(np.add.reduce(np.multiply(apart, apart, out=apart)) / len(values))
    return np.array([mean, spread, low, high], dtype=np.float32)


def competition_ranks(values: FloatArray, of: FloatArray) -> IntArray:
    """1 + the number of values above each of `of`, int32: ties share the best rank."""
    return ranks_among(np.sort(values), of)


def ranks_among(rising: FloatArray, of: FloatArray) -> IntArray:
    """The competition ranks of `of` among values that stand in rising order."""
    order = np.argsort(of)  # sorted questions are answered far faster
    ranks = np.empty(len(of), dtype=np.int32)
    ranks[order] = 1 + len(rising) - np.searchsorted(rising, of[order], side="right")
    return ranks


def _values(part: FloatArray, masked: Masked, kind: str, scale: str) -> FloatArray:
    """f(part) over all items; masked items get values nobody reads."""
    if kind == WEIGHTED_SUM and scale == RAW:
        return part
    ranks = np.ones(part.shape, dtype=np.int32)
    scales = np.zeros((len(part), 4), dtype=np.float32)
    for row, values in enumerate(part):
        seen = values[masked.free(row)]
        if kind == RECIPROCAL_RANK:
            ranks[row] = competition_ranks(seen, values)
        else:
            scales[row] = part_scale(seen)
    return shaped(part, ranks, scales, kind, scale)


def _scaled(values: FloatArray, scales: FloatArray, scale: str) -> FloatArray:
    """The values on their scale; a part that is the same for every item becomes 0."""
    if scale == RAW:
        return values
    mean, spread, low, high = (column[:, None] for column in scales.T)
    centre, unit = (mean, spread) if scale == Z_SCORE else (low, high - low)
    return (values - centre) / np.where(unit > 0, unit, np.float32(1))


def _log_sigmoid(values: FloatArray) -> FloatArray:
    """In double precision on the way, so that a higher score never comes out lower."""
    exact = values.astype(np.float64)
    return (np.minimum(exact, 0.0) - np.log1p(np.exp(-np.abs(exact)))).astype(np.float32)


# Lists in the one order that holds everywhere: score, source part, target part, item number.

NO_ITEM = -1  # item number where a list is shorter than k
NO_USER = -1  # user number of a visitor whom no training knows
STRIDE = 16  # one value in so many is looked at first


def mask(scores: FloatArray, masked: Masked) -> FloatArray:
    """The scores, (users, items), changed in place, with -inf where an item may not be listed."""
    rows = np.repeat(np.arange(len(scores)), np.diff(masked.rows.indptr))
    scores[rows, masked.rows.indices] = -np.inf
    if masked.columns is not None:
        scores[:, masked.columns] = -np.inf
    return scores


def top_k(fused: FloatArray, source: FloatArray, target: FloatArray, k: int) -> IntArray:
    """Item numbers of each row's best k, (rows, k) int32, -1 where fewer items are unmasked.

    All three are (rows, items); fused is -inf where an item is masked. Equal scores stand by
    source part, then target part (both falling), then item number.
    """
    n_items = fused.shape[1]
    short = min(k, n_items)
    lists = np.full((len(fused), k), NO_ITEM, dtype=np.int32)
    if short:
        cut = kth_best(fused, short)
        reach = fused >= cut[:, None]
        crowded = (
            reach.sum(axis=1) > short
        )  # more items share the k-th score than there is room for
        for row in np.flatnonzero(crowded):
            keys = fused[row], source[row], target[row]
            reach[row] = False
            reach[row, _first(np.arange(fused.shape[1]), keys, short)] = True
        rows, items = np.nonzero(reach)  # k entries a row, in the order of item numbers
        shape = (len(fused), short)
        order = np.lexsort((-target[rows, items], -source[rows, items], -fused[rows, items], rows))
        items = items[order].reshape(shape)
        masked = np.isneginf(np.take_along_axis(fused, items, axis=1))
        lists[:, :short] = np.where(masked, NO_ITEM, items)
    return lists


def kth_best(values: FloatArray, k: int) -> FloatArray:
    """The k-th largest value of each row, (..., n) -> (...)."""
    rows = values.reshape(-1, values.shape[-1])
    found = np.fromiter((_kth_of_row(row, k) for row in rows), values.dtype, len(rows))
    return found.reshape(values.shape[:-1])


def _kth_of_row(row: FloatArray, k: int) -> float:
    """By sorting the few values that a sample shows to be high enough, or all of them.

    NumPy's partition takes fifty times as long as a sort on the ties of sparse scores.
    """
    sample = np.sort(row[::STRIDE])
    place = 4 * k // STRIDE + 8  # so that about 4 k + 8 STRIDE values are as high
    if place < len(sample):
        high = row[row >= sample[-place]]
        if len(high) >= k:
            return np.sort(high)[-k]
    return np.sort(row)[-k]


def _first(items: IntArray, keys: tuple[FloatArray, ...], k: int) -> IntArray:
    """The k items that stand first by the keys in turn, then by their number; in any order."""
    if not keys or len(items) <= k:
        return items[:k]
    values = keys[0][items]
    cut = kth_best(values, k)
    above = items[values > cut]
    return np.concatenate([above, _first(items[values == cut], keys[1:], k - len(above))])
