"""Weights by activity: the more target history a user has, the more it counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.types import FloatArray, IntArray
from core.fusion.curve import SHARES
from core.metrics.intervals import Interval, bootstrap_means

# Target interactions at which both domains count alike; 0 is target only, infinite source only.
TURNS = np.array([0.0, 0.5, 1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 400, np.inf])
FOLDS = 5


@dataclass(frozen=True)
class Gate:
    """One parameter fitted on validation users, beside one pair of weights for everybody.

    difference: gate less global pair, both fitted on four fifths of the users and judged on the
    fifth they have not seen, so that the gate's freedom does not pass for a gain.
    """

    turn: float  # target interactions at which alpha = beta; see TURNS
    share: float  # the global pair, as a share of source evidence
    gated: float  # mean nDCG over all users, fitted on the same users
    plain: float
    difference: Interval


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
    unseen = np.empty(len(curve))
    for number in range(FOLDS):
        asked, learned = fold == number, fold != number
        turn, share = _best(gated[learned]), _best(curve[learned])
        unseen[asked] = gated[asked, turn] - curve[asked, share]
    turn, share = _best(gated), _best(curve)
    return Gate(
        turn=float(TURNS[turn]),
        share=float(SHARES[share]),
        gated=float(gated[:, turn].mean()),
        plain=float(curve[:, share].mean()),
        difference=bootstrap_means(unseen)[0],
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
