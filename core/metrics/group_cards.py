"""Cards of errors of ratings, of fairness and of the classification view."""

from __future__ import annotations

from functools import partial

from core.metrics.card import MetricCard

_rating = partial(
    MetricCard, group="rating", task="rating", at_k=False, kept=False, higher_is_better=False
)
_fairness = partial(MetricCard, group="fairness", kept=False, higher_is_better=False)
_classification = partial(MetricCard, group="classification", kept=False)

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

FAIRNESS_CARDS = (
    _fairness(
        "gap",
        "Gap between groups",
        r"largest $-$ smallest mean over groups of users",
        "How much better the best-served group fares than the worst-served. Groups under 10 users "
        "are too few to say and left out. How often random groups of the same sizes are as far "
        "apart says whether it may be chance.",
        "Our own; over any metric per user",
    ),
    _fairness(
        "user_mad",
        "UserMAD",
        r"mean of $|m_g - m_h|$ over pairs of groups",
        "How much two groups of users differ on average, by any metric per user.",
        "Deldjoo et al. 2021; MAD ranking",
        has_interval=False,
    ),
    _fairness(
        "exposure_share",
        "Exposure share",
        r"places a group of items has in all lists / all places",
        "What a group of items gets; beside its share of the catalogue, which is an even share.",
        "Singh and Joachims 2018, without discount by rank",
        has_interval=False,
    ),
    _fairness(
        "pop_rsp",
        "PopRSP",
        r"std / mean of $P(rec \mid g)$ over head and tail",
        "Whether head and tail are recommended at one rate, given what could have been: 0 is equal "
        "rates. The head is the most popular fifth of the catalogue.",
        "Zhu, Wang, Caverlee 2020, ranking-based statistical parity; WarpRec",
        has_interval=False,
    ),
    _fairness(
        "pop_reo",
        "PopREO",
        r"std / mean of $P(rec \mid g, relevant)$ over head and tail",
        "Whether held-out items of head and tail are found at one rate: 0 is equal rates. None "
        "where a group has nothing to find.",
        "Zhu, Wang, Caverlee 2020, ranking-based equal opportunity; WarpRec",
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
)
