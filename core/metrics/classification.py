"""A list as a classifier at a threshold, and what a run gives up in one metric for another."""

from __future__ import annotations

import numpy as np

from core.basics.types import BoolArray, FloatArray, IntArray
from core.metrics.card import metric

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
        figures[f"{name}_precision"] = class_precision(hit, false)
        figures[f"{name}_recall"] = class_recall(hit, missed)
        figures[f"{name}_f1"] = class_f1(hit, false, missed)
        figures[f"{name}_support"] = support(hit, missed)
    figures["accuracy"] = accuracy(tp, fp, fn, tn)
    figures["mcc"] = mcc(tp, fp, fn, tn)
    return figures


# Each from counts of pairs: hit, of the class and judged so; false, wrongly judged so; missed.


@metric(
    "Accuracy",
    r"$(TP + TN)$ / all pairs",
    "Share of user and item pairs judged rightly. Nearly all pairs are of no interest, so it "
    "is close to 1 for any model and for empty lists.",
    "scikit-learn accuracy_score",
    "classification",
)
def accuracy(tp: FloatArray, fp: FloatArray, fn: FloatArray, tn: FloatArray) -> FloatArray:
    """Share of the pairs that are judged rightly."""
    return _over(tp + tn, tp + fp + fn + tn)


@metric(
    "Precision of a class",
    r"$TP / (TP + FP)$ over all pairs",
    "Of the pairs that got this answer, how many deserve it. Pooled over pairs, where the "
    "ranking metric is a mean over users.",
    "scikit-learn classification_report",
    "classification",
)
def class_precision(hit: FloatArray, false: FloatArray) -> FloatArray:
    """Share of what is judged to be of the class that is."""
    return _over(hit, hit + false)


@metric(
    "Recall of a class",
    r"$TP / (TP + FN)$ over all pairs",
    "Of the pairs that deserve this answer, how many got it. Pooled over pairs.",
    "scikit-learn classification_report",
    "classification",
)
def class_recall(hit: FloatArray, missed: FloatArray) -> FloatArray:
    """Share of the class that is judged to be of it."""
    return _over(hit, hit + missed)


@metric(
    "F1 of a class",
    r"$2 P R / (P + R)$",
    "Harmonic mean of the class's precision and recall; no value where both have none.",
    "scikit-learn classification_report",
    "classification",
)
def class_f1(hit: FloatArray, false: FloatArray, missed: FloatArray) -> FloatArray:
    """Harmonic mean of the class's precision and recall."""
    return _over(2 * hit, 2 * hit + false + missed)


@metric(
    "Support",
    r"$TP + FN$",
    "How many pairs truly are of the class.",
    "scikit-learn classification_report",
    "classification",
    has_interval=False,
)
def support(hit: FloatArray, missed: FloatArray) -> FloatArray:
    """How many pairs are of the class."""
    return hit + missed


@metric(
    "MCC",
    r"$(TP \cdot TN - FP \cdot FN) / "
    r"\sqrt{(TP + FP)(TP + FN)(TN + FP)(TN + FN)}$",
    "Correlation of answer and truth: 0 is chance however rare relevant items are, 1 is perfect.",
    "Matthews 1975; scikit-learn matthews_corrcoef",
    "classification",
)
def mcc(tp: FloatArray, fp: FloatArray, fn: FloatArray, tn: FloatArray) -> FloatArray:
    """Matthews' correlation of answer and truth."""
    spread = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    return _over(tp * tn - fp * fn, spread)


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


# Several runs by several metrics at once: how far from the best of each, how far from the worst.
# Metrics have different scales, so each is brought to 0 for the worst run shown and 1 for the
# best.


def scaled(values: FloatArray, higher_is_better: BoolArray) -> FloatArray:
    """(runs, metrics) from 0, the worst of the runs, to 1, the best; 1 where all are the same.

    values: (runs, metrics), NaN where a run has none.
    """
    signed = np.where(higher_is_better, values, -values)
    known = ~np.isnan(signed)
    low = np.where(known, signed, np.inf).min(axis=0)
    span = np.where(known, signed, -np.inf).max(axis=0) - low
    with np.errstate(invalid="ignore"):
        return np.where(span > 0, (signed - low) / np.where(span > 0, span, 1.0), signed * 0 + 1)


@metric(
    "Distance to utopia",
    r"$\sqrt{\sum_m (1 - x_m)^2}$, $x_m$ from 0, the worst run shown, to 1, the best",
    "How far a run is from being best in both metrics: 0 is best in both, 1.41 worst in both. "
    "Scales are those of the runs shown, so it changes with them.",
    "EucDistance of WarpRec, over scaled metrics",
    "trade-off",
    name="utopia_distance",
    at_k=False,
    has_interval=False,
    higher_is_better=False,
)
def distance_to_utopia(scores: FloatArray) -> FloatArray:
    """(runs,) Euclidean distance from the best in every metric; scores: as scaled gives them."""
    return np.sqrt(((1 - scores) ** 2).sum(axis=1))


@metric(
    "Hypervolume",
    r"$\prod_m x_m$, $x_m$ from 0, the worst run shown, to 1, the best",
    "The area between a run and the worst of both metrics: 1 is best in both, 0 where no run "
    "shown is worse in one of them.",
    "Zitzler and Thiele 1999, of one run; Hypervolume of WarpRec",
    "trade-off",
    at_k=False,
    has_interval=False,
)
def hypervolume(scores: FloatArray) -> FloatArray:
    """(runs,) volume between the run and the worst in every metric: 1 is best in all of them."""
    return np.asarray(scores.prod(axis=1))
