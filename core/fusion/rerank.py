"""Lists in another order than by score alone: varied, or mixed as a user's history is.

Both choose item after item from a pool of the best by score, so that no score is changed: only who
stands where. Arrays are (users, pool), best first; -1 and -inf where a pool is shorter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.errors import SettingsError
from core.basics.types import FloatArray, IntArray
from core.fusion.combine import NO_ITEM
from core.metrics.mix import SMOOTHING

NONE, MMR, CALIBRATED = "none", "mmr", "calibrated"
KINDS = (NONE, MMR, CALIBRATED)
POOL = 50  # the best so many by score are chosen from
TOGETHER = 64  # users whose pools are looked at at once: their items make one table of likeness
CELLS = 4_000_000  # users times pool times categories held at once


@dataclass(frozen=True)
class Rerank:
    """What stands beside the score, and what it counts: 0 is the score alone, 1 the other alone."""

    kind: str = NONE
    strength: float = 0.3

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SettingsError(
                what=f"Lists cannot be re-ranked by {self.kind!r}.",
                hint=f"Choose from {', '.join(KINDS)}.",
            )
        if not 0 <= self.strength <= 1:
            raise SettingsError(
                what=f"The strength of a re-ranking is {self.strength:g}, outside its range.",
                hint="Choose a number from 0, the score alone, to 1.",
            )

    @property
    def acts(self) -> bool:
        """Whether a list can come out in another order."""
        return self.kind != NONE and self.strength > 0


BY_SCORE = Rerank()


def varied(
    items: IntArray, fused: FloatArray, alike: csr_matrix, strength: float, k: int
) -> IntArray:
    """Places in each pool, (users, k), by maximal marginal relevance; -1 where a list is shorter.

    Each next item has the largest (1 - strength) score - strength × its cosine with the most alike
    item of the list so far; scores run from 0 to 1 over the pool. alike: (n_items, d) rows of
    length 1, or empty for an item that is like no other. Carbonell and Goldstein 1998, where
    lambda is 1 - strength.
    """
    found: list[IntArray] = [np.zeros((0, k), dtype=np.int64)]
    for start in range(0, len(items), TOGETHER):
        some = items[start : start + TOGETHER]
        shown, place = np.unique(some[some != NO_ITEM], return_inverse=True)
        vectors = alike[shown]
        cosines = np.zeros((len(shown) + 1, len(shown) + 1), dtype=np.float32)  # last: no item
        cosines[:-1, :-1] = (vectors @ vectors.T).toarray()
        at = np.full(some.shape, len(shown))
        at[some != NO_ITEM] = place
        found.append(_varied(at, _scaled(fused[start : start + TOGETHER]), cosines, strength, k))
    return np.concatenate(found)


def _varied(
    at: IntArray, score: FloatArray, cosines: FloatArray, strength: float, k: int
) -> IntArray:
    """at: (users, pool) rows of `cosines`."""
    nearest = np.zeros(at.shape)

    def gain() -> FloatArray:
        return (1 - strength) * score - strength * nearest

    def taken(chosen: IntArray) -> None:
        new = at[np.arange(len(at)), chosen]
        np.maximum(nearest, cosines[new[:, None], at], out=nearest)

    return _greedy(np.isfinite(score), k, gain, taken)


def calibrated(
    items: IntArray,
    fused: FloatArray,
    wanted: FloatArray,
    shares: csr_matrix,
    strength: float,
    k: int,
) -> IntArray:
    """Places in each pool, (users, k), so that a list's mix of categories nears the wanted one.

    Each next item has the largest (1 - strength) score - strength × KL(wanted | smoothed mix of the
    list with it) in bits; scores run from 0 to 1 over the pool. wanted: (users, categories), rows
    that sum to 1, or to 0 for a user without a mix, whose order stays. shares: (n_items,
    categories) as `even_rows` gives them. Steck 2018 (Calibrated recommendations), eq. 3-7, greedy.
    """
    step = max(1, CELLS // max(1, items.shape[1] * wanted.shape[1]))
    parts = [
        _calibrated(
            items[start : start + step],
            _scaled(fused[start : start + step]),
            wanted[start : start + step],
            shares,
            strength,
            k,
        )
        for start in range(0, len(items), step)
    ]
    return np.concatenate([np.zeros((0, k), dtype=np.int64), *parts])


def _calibrated(
    items: IntArray,
    score: FloatArray,
    wanted: FloatArray,
    shares: csr_matrix,
    strength: float,
    k: int,
) -> IntArray:
    rows = shares[np.where(items == NO_ITEM, 0, items).ravel()].toarray()
    own = rows.reshape(*items.shape, -1)  # (users, pool, categories)
    listed = np.zeros_like(wanted)  # sums of the shares of what stands in the list
    goal = wanted[:, None, :]

    def gain() -> FloatArray:
        together = listed[:, None, :] + own
        weight = together.sum(axis=-1, keepdims=True)  # items with categories
        mix = np.divide(together, weight, out=np.zeros_like(together), where=weight > 0)
        smoothed = (1 - SMOOTHING) * mix + SMOOTHING * goal
        ratio = np.divide(goal, smoothed, out=np.ones_like(smoothed), where=goal > 0)
        return (1 - strength) * score - strength * (goal * np.log2(ratio)).sum(axis=-1)

    def taken(chosen: IntArray) -> None:
        nonlocal listed
        listed = listed + own[np.arange(len(own)), chosen]

    return _greedy(np.isfinite(score), k, gain, taken)


def _greedy(
    there: np.ndarray, k: int, gain: Callable[[], FloatArray], taken: Callable[[IntArray], None]
) -> IntArray:
    """The place of the largest gain, k times, each place once; equal gains go by score."""
    free, users = there.copy(), np.arange(len(there))
    places = np.full((len(there), k), -1, dtype=np.int64)
    for rank in range(min(k, there.shape[1])):
        chosen = np.argmax(np.where(free, gain(), -np.inf), axis=1)
        places[:, rank] = np.where(free[users, chosen], chosen, -1)
        free[users, chosen] = False
        taken(chosen)
    return places


def _scaled(fused: FloatArray) -> FloatArray:
    """Scores from 0 to 1 over each pool, 1 where all are equal; -inf where a pool is shorter."""
    there = np.isfinite(fused)
    high = np.where(there, fused, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    low = np.where(there, fused, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    reach = np.where(high > low, high - low, 1.0)
    return np.where(there, 1.0 - (high - np.where(there, fused, high)) / reach, -np.inf)
