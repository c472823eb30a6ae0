from math import sqrt

import numpy as np
import pytest

from core.metrics.classification import distance_to_utopia, hypervolume, scaled

BETTER = np.array([True, False])  # more of the first, less of the second


def test_runs_are_placed_between_the_worst_and_the_best_of_each_metric():
    values = np.array([[0.2, 10.0], [0.1, 6.0], [0.15, 2.0]])
    scores = scaled(values, BETTER)
    assert scores == pytest.approx(np.array([[1, 0], [0, 1 / 2], [1 / 2, 1]]))
    assert distance_to_utopia(scores) == pytest.approx([1, sqrt(1 + 1 / 4), 1 / 2])
    assert hypervolume(scores) == pytest.approx([0, 0, 1 / 2])


def test_a_metric_in_which_all_are_the_same_takes_nothing_from_anybody():
    scores = scaled(np.array([[0.2, 5.0], [0.1, 5.0]]), BETTER)
    assert distance_to_utopia(scores) == pytest.approx([0, 1])
    assert hypervolume(scores) == pytest.approx([1, 0])


def test_a_run_without_a_figure_has_no_distance_and_moves_nobody():
    scores = scaled(np.array([[0.2, 5.0], [0.1, np.nan], [0.1, 9.0]]), BETTER)
    assert distance_to_utopia(scores) == pytest.approx([0, np.nan, sqrt(2)], nan_ok=True)
    assert np.isnan(scaled(np.full((2, 2), np.nan), BETTER)).all()
