"""Scores as probabilities by a logistic curve (Platt), and how well those are calibrated."""

from __future__ import annotations

import numpy as np

from core.basics.types import BoolArray, FloatArray

STEPS, SMALL = 100, 1e-10
FLOOR = 1e-15  # probabilities are kept this far from 0 and 1


def fit_platt(scores: FloatArray, truth: BoolArray) -> tuple[float, float]:
    """(slope, shift) of the probability 1 / (1 + exp(-(slope * score + shift))), by Newton.

    Platt 1999; with his targets (n + 1) / (n + 2) in place of 1 and 0, so that it ends even where
    the scores tell both kinds apart.
    """
    yes = int(truth.sum())
    no = len(truth) - yes
    targets = np.where(truth, (yes + 1) / (yes + 2), 1 / (no + 2))
    centre = scores.mean() if len(scores) else 0.0
    table = np.column_stack([scores - centre, np.ones(len(scores))])
    weights = np.array([0.0, np.log((yes + 1) / (no + 1))])
    for _ in range(STEPS):
        chances = 1 / (1 + np.exp(-table @ weights))
        bend = (table * (chances * (1 - chances))[:, None]).T @ table + SMALL * np.eye(2)
        step = np.linalg.solve(bend, table.T @ (chances - targets))
        weights = weights - step
        if np.abs(step).max() < SMALL:
            break
    return float(weights[0]), float(weights[1] - weights[0] * centre)


def probabilities(scores: FloatArray, curve: tuple[float, float]) -> FloatArray:
    """(n,) chances of truth by a fitted curve."""
    return np.asarray(1 / (1 + np.exp(-(curve[0] * scores + curve[1]))))


def log_losses(chances: FloatArray, truth: BoolArray) -> FloatArray:
    """(n,) -log of the chance that was given to what came true; the mean of it is LogLoss."""
    kept = np.clip(chances, FLOOR, 1 - FLOOR)
    return -np.log(np.where(truth, kept, 1 - kept))
