"""A list as a classifier: accuracy, precision, recall, F1 and MCC at a threshold, with cards."""

from __future__ import annotations

import numpy as np

from core.basics.types import BoolArray, FloatArray, IntArray

PARTS = ("tp", "fp", "fn", "tn")  # columns of the counts


def list_counts(
    hits: BoolArray, shown: BoolArray, n_relevant: IntArray, n_candidates: IntArray, k: int
) -> IntArray:
    """(users, 4) true and false yes, false and true no, where yes means "in the top k".

    hits, shown: (users, k_max) whether a place is to be found, and is filled at all. n_candidates:
    (users,) items that may be recommended to the user; every one of them is a pair.
    """
    true_yes = (hits[:, :k] & shown[:, :k]).sum(axis=1)
    yes = shown[:, :k].sum(axis=1)
    missed = n_relevant - true_yes
    return np.column_stack([true_yes, yes - true_yes, missed, n_candidates - yes - missed])


def answer_counts(said: BoolArray, truth: BoolArray, owners: IntArray, n_users: int) -> IntArray:
    """(n_users, 4) the same of single answers, such as predicted ratings over a threshold."""
    kinds = (said & truth, said & ~truth, ~said & truth, ~said & ~truth)
    return np.column_stack([np.bincount(owners[kind], minlength=n_users) for kind in kinds])


def class_figures(counts: FloatArray | IntArray) -> dict[str, FloatArray]:
    """Precision, recall, F1 and support of both classes, accuracy and MCC, from (…, 4) counts.

    Keys like "yes_precision" and "no_f1". What cannot be said is NaN, not 0.
    """
    tp, fp, fn, tn = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    figures = {}
    for name, hit, false, missed in (("yes", tp, fp, fn), ("no", tn, fn, fp)):
        figures[f"{name}_precision"] = _over(hit, hit + false)
        figures[f"{name}_recall"] = _over(hit, hit + missed)
        figures[f"{name}_f1"] = _over(2 * hit, 2 * hit + false + missed)
        figures[f"{name}_support"] = hit + missed
    figures["accuracy"] = _over(tp + tn, tp + fp + fn + tn)
    spread = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    figures["mcc"] = _over(tp * tn - fp * fn, spread)
    return figures


def averages(figures: dict[str, FloatArray]) -> dict[str, dict[str, float]]:
    """Macro and weighted averages of both classes' precision, recall and F1."""
    weights = np.array([figures["yes_support"], figures["no_support"]])
    both = {
        name: np.array([figures[f"yes_{name}"], figures[f"no_{name}"]])
        for name in ("precision", "recall", "f1")
    }
    total = weights.sum()
    return {
        "macro": {name: float(pair.mean()) for name, pair in both.items()},
        "weighted": {name: float(pair @ weights / total) for name, pair in both.items()},
    }


def _over(amount: FloatArray, divisor: FloatArray) -> FloatArray:
    out = np.full(np.shape(amount), np.nan)
    return np.divide(amount, divisor, out=out, where=divisor > 0)
