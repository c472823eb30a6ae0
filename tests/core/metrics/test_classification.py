import numpy as np
import pytest
from sklearn.metrics import classification_report, confusion_matrix, matthews_corrcoef

from core.metrics.classification import answer_counts, averages, class_figures, list_counts


def a_world(users=30, items=20, k=8, seed=3):
    """Lists over unmasked items, what is to be found, and both as flat answers and truth."""
    rng = np.random.default_rng(seed)
    allowed = rng.random((users, items)) < 0.8
    relevant = (rng.random((users, items)) < 0.2) & allowed
    order = np.argsort(np.where(allowed, rng.random((users, items)), 2.0), axis=1)[:, :k]
    shown = np.take_along_axis(allowed, order, axis=1)
    shown[0] = False  # somebody without a list
    hits = np.take_along_axis(relevant, order, axis=1) & shown
    return allowed, relevant, order, shown, hits


def test_counts_and_figures_are_those_of_scikit_learn_over_all_unmasked_pairs():
    allowed, relevant, order, shown, hits = a_world()
    for k in (1, 3, 8):
        said = np.zeros_like(allowed)
        rows, places = np.nonzero(shown[:, :k])
        said[rows, order[rows, places]] = True
        truth, answer = relevant[allowed], said[allowed]
        counts = list_counts(hits, shown, relevant.sum(1), allowed.sum(1), k).sum(axis=0)
        tn, fp, fn, tp = confusion_matrix(truth, answer).ravel()
        assert counts.tolist() == [tp, fp, fn, tn]
        figures = class_figures(counts)
        report = classification_report(truth, answer, output_dict=True, zero_division=np.nan)
        for name, label in (("yes", "True"), ("no", "False")):
            for ours, theirs in (("precision",) * 2, ("recall",) * 2, ("f1", "f1-score")):
                assert figures[f"{name}_{ours}"] == pytest.approx(report[label][theirs])
            assert figures[f"{name}_support"] == report[label]["support"]
        assert figures["accuracy"] == pytest.approx(report["accuracy"])
        assert figures["mcc"] == pytest.approx(matthews_corrcoef(truth, answer))
        for ours, theirs in (("macro", "macro avg"), ("weighted", "weighted avg")):
            for column, name in (("precision",) * 2, ("recall",) * 2, ("f1", "f1-score")):
                assert averages(figures)[ours][column] == pytest.approx(report[theirs][name])


def test_nobody_said_yes_has_no_precision_and_no_correlation():
    figures = class_figures(np.array([0, 0, 4, 10]))
    assert np.isnan(figures["yes_precision"])
    assert np.isnan(figures["mcc"])
    assert figures["yes_recall"] == 0


def test_answers_are_counted_for_their_user():
    said, truth = np.array([True, True, False, False]), np.array([True, False, True, False])
    counts = answer_counts(said, truth, np.array([0, 1, 1, 1]), n_users=3)
    assert counts.tolist() == [[1, 0, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0]]
