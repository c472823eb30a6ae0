"""Cards of errors of ratings, of the classification view and of the trade-off of runs."""

from __future__ import annotations

from functools import partial

from core.metrics.card import MetricCard

_rating = partial(
    MetricCard, group="rating", task="rating", at_k=False, kept=False, higher_is_better=False
)
_classification = partial(MetricCard, group="classification", kept=False)
_trade_off = partial(MetricCard, group="trade-off", kept=False, at_k=False, has_interval=False)

RATING_CARDS = (
    _rating(
        "mse",
        "MSE",
        r"$\sum (\hat r - r)^2 / n$ over all held-out ratings",
        "The square of RMSE, in squared points of the scale.",
        "Herlocker et al. 2004; pooled over ratings",
    ),
    _rating(
        "r2",
        "R²",
        r"$1 - \sum (\hat r - r)^2 / \sum (r - \bar r)^2$",
        "Share of the spread of held-out ratings that is predicted: 0 is as good as always saying "
        "their mean, below 0 is worse.",
        "scikit-learn r2_score; pooled over ratings",
        higher_is_better=True,
    ),
    _rating(
        "explained_variance",
        "Explained variance",
        r"$1 - Var(\hat r - r) / Var(r)$",
        "R² that forgives a constant shift: above R² where predictions are too high or too low on "
        "the whole.",
        "scikit-learn explained_variance_score; pooled over ratings",
        higher_is_better=True,
    ),
    _rating(
        "rating_calibration",
        "Rating calibration",
        r"$\sum_b n_b |\bar{\hat r}_b - \bar r_b| / n$ over tenths of the predictions",
        "How far the mean given rating lies from the mean predicted one, within ratings that were "
        "predicted alike. 0 where a predicted 4 is a 4 on average. It has no interval: distances "
        "grow with fewer ratings.",
        "Expected calibration error, Naeini et al. 2015, for ratings",
        has_interval=False,
    ),
)

CLASSIFICATION_CARDS = (
    _classification(
        "accuracy",
        "Accuracy",
        r"$(TP + TN)$ / all pairs",
        "Share of user and item pairs judged rightly. Nearly all pairs are of no interest, so it "
        "is close to 1 for any model and for empty lists.",
        "scikit-learn accuracy_score",
    ),
    _classification(
        "class_precision",
        "Precision of a class",
        r"$TP / (TP + FP)$ over all pairs",
        "Of the pairs that got this answer, how many deserve it. Pooled over pairs, where the "
        "ranking metric is a mean over users.",
        "scikit-learn classification_report",
    ),
    _classification(
        "class_recall",
        "Recall of a class",
        r"$TP / (TP + FN)$ over all pairs",
        "Of the pairs that deserve this answer, how many got it. Pooled over pairs.",
        "scikit-learn classification_report",
    ),
    _classification(
        "class_f1",
        "F1 of a class",
        r"$2 P R / (P + R)$",
        "Harmonic mean of the class's precision and recall; no value where both have none.",
        "scikit-learn classification_report",
    ),
    _classification(
        "support",
        "Support",
        r"$TP + FN$",
        "How many pairs truly are of the class.",
        "scikit-learn classification_report",
        has_interval=False,
    ),
    _classification(
        "mcc",
        "MCC",
        r"$(TP \cdot TN - FP \cdot FN) / "
        r"\sqrt{(TP + FP)(TP + FN)(TN + FP)(TN + FN)}$",
        "Correlation of answer and truth: 0 is chance however rare relevant items are, 1 is "
        "perfect.",
        "Matthews 1975; scikit-learn matthews_corrcoef",
    ),
    _classification(
        "log_loss",
        "LogLoss",
        r"mean of $-\log p$ of what came true, $p$ by a logistic curve over predicted ratings",
        "How well chances fit: 0 is sure and right, 0.69 a coin. Only predicted ratings have it: "
        "their curve is fitted on validation and told on test. Scores of lists are no chances, and "
        "each run's list holds other items, so for lists there is none.",
        "scikit-learn log_loss; curve by Platt 1999",
        higher_is_better=False,
        at_k=False,
    ),
)

TRADE_OFF_CARDS = (
    _trade_off(
        "utopia_distance",
        "Distance to utopia",
        r"$\sqrt{\sum_m (1 - x_m)^2}$, $x_m$ from 0, the worst run shown, to 1, the best",
        "How far a run is from being best in both metrics: 0 is best in both, 1.41 worst in both. "
        "Scales are those of the runs shown, so it changes with them.",
        "EucDistance of WarpRec, over scaled metrics",
        higher_is_better=False,
    ),
    _trade_off(
        "hypervolume",
        "Hypervolume",
        r"$\prod_m x_m$, $x_m$ from 0, the worst run shown, to 1, the best",
        "The area between a run and the worst of both metrics: 1 is best in both, 0 where no run "
        "shown is worse in one of them.",
        "Zitzler and Thiele 1999, of one run; Hypervolume of WarpRec",
    ),
)
