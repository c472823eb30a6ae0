"""A run as a classifier: yes is the top k, or a predicted rating over a threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import OWN, RATING, USER
from core.basics.types import FloatArray, IntArray
from core.evaluation.ratings import Bounds
from core.metrics.card import Judged
from core.metrics.classification import answer_counts, averages, class_figures, list_counts
from core.metrics.intervals import Interval, bootstrap_of_sums

CLASSES = ("yes", "no")
COLUMNS = ("precision", "recall", "f1", "support")
SHOWN = ("yes_precision", "yes_recall", "yes_f1", "mcc", "accuracy")  # with intervals


@dataclass(frozen=True)
class Answers:
    """What every user adds to the four counts: true yes, false yes, false no, true no."""

    users: IntArray  # (n,) user numbers
    counts: IntArray  # (n, 4)

    @property
    def total(self) -> IntArray:
        """(4,) over all users."""
        return self.counts.sum(axis=0)


def answers_of_lists(judged: Judged, k: int) -> Answers:
    """Every unmasked pair of user and item, where yes is the top k."""
    shown = judged.items >= 0
    counts = list_counts(judged.hits, shown, judged.n_relevant, judged.n_candidates, k)
    return Answers(judged.users, counts)


def answers_of_ratings(
    predictions: pd.DataFrame, bounds: Bounds, liked_from: float, said_from: float
) -> Answers:
    """Every held-out rating: truly liked from `liked_from` on, said to be so from `said_from`."""
    users, owners = np.unique(predictions[USER].to_numpy(), return_inverse=True)
    said = bounds.clipped(predictions[OWN].to_numpy()) >= said_from
    truth = predictions[RATING].to_numpy(np.float64) >= liked_from
    return Answers(users, answer_counts(said, truth, owners, len(users)))


def usual_threshold(bounds: Bounds) -> float:
    """Three fifths up the scale, to the nearest half: 3.5 of 1 to 5."""
    return round(2 * (bounds.low + 0.6 * (bounds.high - bounds.low))) / 2


def report(answers: Answers) -> pd.DataFrame:
    """Rows yes, no, macro, weighted; columns of COLUMNS, as scikit-learn's report has them."""
    figures = class_figures(answers.total)
    rows = {name: [float(figures[f"{name}_{c}"]) for c in COLUMNS] for name in CLASSES}
    total = float(answers.total.sum())
    for name, means in averages(figures).items():
        rows[name] = [means["precision"], means["recall"], means["f1"], total]
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS))


def figures(answers: Answers) -> dict[str, Interval]:
    """SHOWN with their intervals, users resampled with all their pairs."""
    return dict(zip(SHOWN, bootstrap_of_sums(answers.counts * 1.0, _shown), strict=True))


def differences(ours: Answers, theirs: Answers) -> dict[str, Interval]:
    """The same of ours minus theirs, paired over the users of both."""
    _, here, there = np.intersect1d(ours.users, theirs.users, return_indices=True)
    both = np.column_stack([ours.counts[here], theirs.counts[there]]) * 1.0

    def difference(sums: FloatArray) -> FloatArray:
        return _shown(sums[..., :4]) - _shown(sums[..., 4:])

    return dict(zip(SHOWN, bootstrap_of_sums(both, difference), strict=True))


def by_length(judged: Judged) -> pd.DataFrame:
    """k from 1 to the longest list with the precision and recall of yes, F1 and MCC at it."""
    shown, hits = judged.items >= 0, judged.hits
    true_yes, yes = hits.sum(axis=0).cumsum(), shown.sum(axis=0).cumsum()
    missed = judged.n_relevant.sum() - true_yes
    true_no = judged.n_candidates.sum() - yes - missed
    found = class_figures(np.column_stack([true_yes, yes - true_yes, missed, true_no]))
    columns = {name: found[f"yes_{name}"] for name in ("precision", "recall", "f1")}
    return pd.DataFrame({"k": np.arange(1, hits.shape[1] + 1), **columns, "mcc": found["mcc"]})


def _shown(sums: FloatArray) -> FloatArray:
    found = class_figures(sums)
    return np.stack([found[name] for name in SHOWN], axis=-1)
