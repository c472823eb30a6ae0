"""Are shared ids the same people? Whether a source profile finds its own target profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix, diags

from core.basics.types import FloatArray, IntArray
from core.data.pair import DomainPair

MOST_USERS = 2_500  # shared users drawn; more make it slower, not surer of what matters
FOLDS = 5
FEWEST_TESTED = 50  # fewer shared users tell nothing
SHUFFLES = 200
CLEARLY = 0.55  # a matching AUC whose interval lies above this is good

Verdict = Literal["green", "amber", "red", "unknown"]


@dataclass(frozen=True)
class SamePeople:
    """User-matching AUC with its 95 % interval, beside shuffled ids with their 95 % range.

    0.5: the shared ids say nothing about taste, so they only look alike. 1: every source profile
    ranks its own target profile above everybody else's.
    """

    auc: float
    low: float
    high: float
    control: float
    control_low: float
    control_high: float
    tested: int  # shared users whose profiles were matched

    @property
    def verdict(self) -> Verdict:
        """red: not above what shuffled ids give; amber: above, but weakly; green: clearly."""
        if self.tested < FEWEST_TESTED:
            return "unknown"
        if self.low <= self.control_high:
            return "red"
        return "green" if self.low > CLEARLY else "amber"


def match_users(pair: DomainPair, seed: int = 2022) -> SamePeople:
    """Let held-out shared users' source profiles look for their own target profiles.

    At most 2,500 shared users are drawn and held out by fifths. The other four fifths teach
    W = S'T, how often items of both domains are liked by one person, target profiles at unit
    length. A held-out user's source profile s scores every held-out target profile t by s W t',
    both sides without the average user; the AUC is the share of other people's profiles it puts
    below the user's own (ties half).
    """
    draw = np.random.default_rng(seed)
    shared = draw.permutation(np.flatnonzero(pair.shared))[:MOST_USERS]
    if len(shared) < FEWEST_TESTED:
        nothing = float("nan")
        return SamePeople(nothing, nothing, nothing, nothing, nothing, nothing, len(shared))
    target = _unit(pair.target)
    folds = np.array_split(shared, FOLDS)
    wins = [
        shares_beaten(_affinity(pair.source, target, np.setdiff1d(shared, test), test))
        for test in folds
    ]
    own = np.concatenate([np.diag(fold) for fold in wins])
    half_width = 1.96 * own.std(ddof=1) / np.sqrt(len(own))
    control = _shuffled(wins, draw)
    low, high = np.quantile(control, (0.025, 0.975))
    mean = float(own.mean())
    return SamePeople(
        mean,
        float(mean - half_width),
        float(mean + half_width),
        float(control.mean()),
        float(low),
        float(high),
        len(own),
    )


def _affinity(
    source: csr_matrix, target: csr_matrix, learn: IntArray, test: IntArray
) -> FloatArray:
    """s W t' for each held-out source profile (rows) and target profile (columns), (n, n).

    Computed through the learning users, (S_test S_learn')(T_learn T_test'), so that no item by
    item matrix is built.
    """
    left = (source[test] @ source[learn].T).toarray()  # (n_test, n_learn)
    right = (target[learn] @ target[test].T).toarray()  # (n_learn, n_test)
    return (left - left.mean(axis=0)) @ (right - right.mean(axis=0))


def shares_beaten(affinity: FloatArray) -> FloatArray:
    """Share of the other profiles in its row that each profile beats, ties half, (n, n)."""
    wins = np.empty(affinity.shape)
    for row, values in enumerate(affinity):
        ordered = np.sort(values)
        beaten = np.searchsorted(ordered, values, side="left")
        reached = np.searchsorted(ordered, values, side="right") - 1  # with ties, itself aside
        wins[row] = (beaten + reached) / 2
    return wins / (len(affinity) - 1)


def _shuffled(wins: list[FloatArray], draw: np.random.Generator) -> FloatArray:
    """(SHUFFLES,) the AUC when every source profile is paired with somebody else's target one."""
    aucs = np.empty(SHUFFLES)
    for shuffle in range(SHUFFLES):
        orders = [draw.permutation(len(fold)) for fold in wins]
        paired = [fold[o, np.roll(o, 1)] for fold, o in zip(wins, orders, strict=True)]
        aucs[shuffle] = np.concatenate(paired).mean()  # nobody meets himself
    return aucs


def _unit(rows: csr_matrix) -> csr_matrix:
    """Rows of ones at length one; empty rows stay empty."""
    lengths = np.sqrt(np.maximum(1, np.diff(rows.indptr)))
    return csr_matrix(diags((1 / lengths).astype(np.float32)) @ rows)
