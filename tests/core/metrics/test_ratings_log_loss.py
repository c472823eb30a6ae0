import numpy as np
import pytest
from sklearn.calibration import _sigmoid_calibration
from sklearn.metrics import log_loss

from core.metrics.ratings import fit_platt, log_losses, probabilities


def test_logloss_and_the_curve_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    scores = rng.normal(3, 1, 400)
    truth = rng.random(400) < 1 / (1 + np.exp(-(1.5 * scores - 4)))
    slope, shift = fit_platt(scores, truth)
    a, b = _sigmoid_calibration(scores, truth)  # it says 1 / (1 + exp(a * score + b))
    assert (slope, shift) == pytest.approx((-a, -b), abs=1e-3)
    chances = probabilities(scores, (slope, shift))
    assert log_losses(chances, truth).mean() == pytest.approx(log_loss(truth, chances))


def test_a_wrong_certainty_is_dear_and_not_infinite():
    got = log_losses(np.array([0.5, 1.0, 0.0]), np.array([True, True, True]))
    assert got[:2] == pytest.approx([np.log(2), 0])
    assert np.isfinite(got[2])


def test_scores_that_tell_both_kinds_apart_end_in_finite_weights():
    scores, truth = np.repeat([1.0, 5.0], 20), np.repeat([False, True], 20)
    chances = probabilities(scores, fit_platt(scores, truth))
    assert chances[[0, -1]] == pytest.approx([1 / 22, 21 / 22])  # Platt's targets
