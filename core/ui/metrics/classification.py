"""The run as a classifier: accuracy, precision, recall, F1, support and MCC at a threshold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, TEST, USER, USERS, VALID
from core.basics.errors import DataError
from core.basics.formatting import number, percent, signed, signed_interval
from core.charts.intervals import draw_by_length, draw_calibration
from core.evaluation.list_figures import DIFFERENCE
from core.evaluation.ratings import (
    ALWAYS,
    CALIBRATION,
    GAP_HIGH,
    GAP_LOW,
    LOG_LOSS,
    Bounds,
    RatingFigures,
    furthest,
    log_loss_rows,
    rating_figures,
)
from core.evaluation.verdict import difference_words
from core.evaluation.yes_no import (
    Answers,
    answers_of_lists,
    answers_of_ratings,
    by_length,
    differences,
    figures,
    report,
    usual_threshold,
)
from core.metrics.intervals import Interval
from core.metrics.ratings import FITS
from core.metrics.registry import METRICS
from core.ui import cached
from core.ui.keeping import kept_data
from core.ui.metrics.figures import Contender, attributes_of
from core.ui.metrics.lists import Listed, listed, styles_of, twin_name
from core.ui.metrics.table import explain, show_figures
from core.ui.metrics.view import View, too_few, users_of
from core.ui.shell import show_chart
from core.ui.state import bounded, linked, one_of, recall
from core.ui.widgets import download_button, plain

IN_LIST, BY_RATING = "in the top k", "predicted rating"
NAMES = {
    "yes": "relevant",
    "no": "not relevant",
    "macro": "macro average",
    "weighted": "weighted average",
}
Thresholded = tuple[dict[str, Answers], tuple[float, ...]]  # by run, and the thresholds
HEADINGS = {"precision": "precision", "recall": "recall", "f1": "F1", "support": "support"}
METRIC_OF = {  # cards of the figures that have intervals
    "yes_precision": "class_precision",
    "yes_recall": "class_recall",
    "yes_f1": "class_f1",
    "mcc": "mcc",
    "accuracy": "accuracy",
}
TITLES = {
    "class_precision": "Precision of relevant",
    "class_recall": "Recall of relevant",
    "class_f1": "F1 of relevant",
    "mcc": "MCC",
    "accuracy": "Accuracy",
}
CURVES = {
    "precision": "precision of relevant",
    "recall": "recall of relevant",
    "f1": "F1",
    "mcc": "MCC",
}


def show_classification(lines: list[Contender], view: View) -> None:
    """A threshold, the report of the run, all runs side by side, and the curve over k."""
    found = listed(lines, view)
    if found is None:
        return
    rated = found.lines[0].run.card.task.rates
    kind = IN_LIST
    if rated:
        kind = st.segmented_control(
            "Yes means",
            [IN_LIST, BY_RATING],
            required=True,
            **linked("yes", IN_LIST, one_of([IN_LIST, BY_RATING]), key="yes_means"),
        )
    answers, threshold = _of_lists(found) if kind == IN_LIST else _of_ratings(found)
    _show_report(answers[found.own], kind)
    rows = _compared(found, threshold, answers)
    st.markdown(
        _words(rows, found),
        help="Recall, precision and F1 here pool all pairs; the table above takes the mean over "
        "users, so the two differ."
        if kind == IN_LIST
        else None,
    )
    show_figures(rows, list(METRIC_OF.values()), "classification_runs", titles=TITLES)
    if kind == IN_LIST:
        _show_curve(found)
    else:
        show_log_loss(found, threshold[0])


def _of_lists(found: Listed) -> Thresholded:
    """Answers of every run where yes is the top k."""
    depth = next(iter(found.judged().values())).items.shape[1]
    if recall("classified_k") is None:  # not chosen yet: the page's own k counts
        st.session_state.pop("classification_k", None)
    k = st.slider(
        "k, how many items of a list are a yes",
        1,
        depth,
        **linked(
            "classified_k",
            min(found.view.k, depth),
            bounded(1, depth, int),
            key="classification_k",
        ),
        help="Every item of the target that is not masked is a pair with the user: a yes if it is "
        "in the top k. It is truly relevant if it is held out.",
    )
    return {name: answers_of_lists(one, k) for name, one in found.judged().items()}, (k,)


def _of_ratings(found: Listed) -> Thresholded:
    """Answers of every run that predicts ratings; two thresholds, of the truth and of the yes."""
    split = cached.split_of(found.lines[0].run).rated
    bounds = Bounds.of(split.train.target)
    if bounds.low == bounds.high:
        raise DataError(
            what="All ratings of the target are the same.", hint=f'Choose "{IN_LIST}" instead.'
        )
    left, right = st.columns(2)
    middle = usual_threshold(bounds)
    truth = left.slider(
        "Truly relevant from a given rating of",
        bounds.low,
        bounds.high,
        middle,
        0.5,
        key="classification_truth",
    )
    said = right.slider(
        "Yes from a predicted rating of",
        bounds.low,
        bounds.high,
        middle,
        0.1,
        key="classification_said",
    )
    answers = {}
    for line in found.lines:
        if line.run.card.task.rates:
            predictions = cached.predictions(line.run, found.view.part)
            if found.users is not None:
                predictions = predictions[predictions[USER].isin(found.users)]
            answers[line.name] = answers_of_ratings(predictions, bounds, truth, said)
    return answers, (truth, said)


def _show_report(answers: Answers, kind: str) -> None:
    """The classification report on the left, the four counts on the right."""
    table = report(answers)
    left, right = st.columns([1.6, 1], gap="large")
    with left:
        pairs = "user and item pairs that are not masked" if kind == IN_LIST else "held-out ratings"
        st.markdown(f"**Report of the run**, pooled over {int(answers.total.sum()):,} {pairs}")
        shown = pd.DataFrame(
            {"class": [NAMES[name] for name in table.index]}
            | {HEADINGS[name]: [number(value) for value in table[name]] for name in table}
        )
        cards = {
            "precision": "class_precision",
            "recall": "class_recall",
            "f1": "class_f1",
            "support": "support",
        }
        config = {
            HEADINGS[name]: st.column_config.Column(help=METRICS[card].help)
            for name, card in cards.items()
        }
        st.dataframe(shown, key="classification_report", hide_index=True, column_config=config)
        with st.container(horizontal=True):
            explain(["accuracy", *cards.values(), "mcc"])
            download_button(
                table.reset_index(names="class"), "classification_report.csv", "classification_csv"
            )
    with right:
        true_yes, false_yes, false_no, true_no = (f"{int(n):,}" for n in answers.total)
        st.markdown("**Counts**")
        counts = pd.DataFrame(
            {
                "truly": ["relevant", "not relevant"],
                "said yes": [true_yes, false_yes],
                "said no": [false_no, true_no],
            }
        )
        st.dataframe(counts, key="classification_counts", hide_index=True)


@kept_data(max_entries=30)
def _compared(
    found: Listed, threshold: tuple[float, ...], _answers: Mapping[str, Answers]
) -> pd.DataFrame:
    """RUN, METRIC, MEAN, LOW, HIGH, USERS of every run, and of the first minus its twin."""
    said = {name: figures(one) for name, one in _answers.items()}
    if found.twin is not None and found.twin in _answers:
        said[DIFFERENCE] = differences(_answers[found.own], _answers[found.twin])
    return pd.DataFrame(
        [
            {
                RUN: name,
                METRIC: METRIC_OF[metric],
                MEAN: one.mean,
                LOW: one.low,
                HIGH: one.high,
                USERS: one.users,
            }
            for name, by_metric in said.items()
            for metric, one in by_metric.items()
        ]
    )


def _words(rows: pd.DataFrame, found: Listed) -> str:
    means = rows[rows[RUN] == found.own].set_index(METRIC)[MEAN]
    right, finds = means["class_precision"], means["class_recall"]
    if np.isnan(finds):
        return "Nothing is truly relevant at this threshold, so there is nothing to find."
    if np.isnan(right):
        return "The run never says yes at this threshold, so it finds nothing of what is relevant."
    words = (
        f"Of what the run says yes to, {percent(right, 1)} is relevant, and it finds "
        f"{percent(finds, 1)} of what is; MCC {number(means['mcc'])}."
    )
    apart = rows[(rows[RUN] == DIFFERENCE) & (rows[METRIC] == "mcc")]
    if apart.empty:
        return words
    row = apart.iloc[0]
    gap = Interval(row[MEAN], row[LOW], row[HIGH], int(row[USERS]), 0)
    if np.isnan(gap.mean):
        return words
    if gap.excludes_zero:
        return f"{words} Against its twin: {difference_words(gap, 'mcc')}."
    between = signed_interval(gap.low, gap.high)
    return f"{words} No difference to its twin is shown (MCC could be {between})."


def _show_curve(found: Listed) -> None:
    column = st.segmented_control(
        "Over the length of the list",
        list(CURVES),
        format_func=CURVES.__getitem__,
        required=True,
        **linked("curve", "mcc", one_of(list(CURVES)), key="classification_curve"),
    )
    curves = _curves(found)
    show_chart(
        draw_by_length(
            curves,
            found.styles(),
            column=column,
            title=CURVES[column],
            here=st.session_state["classification_k"],
        ),
        "How long should a list be, if every place is a yes? The upright line is the chosen k.",
        "classification_lengths",
    )


@kept_data(max_entries=20)
def _curves(found: Listed) -> dict[str, pd.DataFrame]:
    return {name: by_length(one) for name, one in found.judged().items()}


# LogLoss under the classification view of predicted ratings.


def show_log_loss(found: Listed, liked_from: float) -> None:
    """A sentence and a row per run; only where validation has been kept apart from what is told."""
    if found.view.part != TEST:
        st.caption(
            "LogLoss needs chances, and those are fitted on validation ratings: it is told on Test."
        )
        return
    rows = _rows(found, liked_from)
    if rows.empty:
        st.caption("All ratings are liked, or none is, from this rating on: LogLoss says nothing.")
        return
    ours, always = (rows[rows[RUN] == name].iloc[0] for name in (found.own, ALWAYS))
    verdict = "not shown to differ from"
    if ours[GAP_HIGH] < 0:
        verdict = "better than"
    elif ours[GAP_LOW] > 0:
        verdict = "worse than"
    chance_words = (
        f"As a chance that a rating is {number(liked_from, 1)} or more, predictions of the run "
        f"have a LogLoss of {number(ours[MEAN])}: {verdict} always saying the share of such "
        f"ratings in validation ({number(always[MEAN])})."
    )
    st.markdown(chance_words)
    show_figures(rows, [LOG_LOSS], "classification_log_loss")


@kept_data(max_entries=20)
def _rows(found: Listed, liked_from: float) -> pd.DataFrame:
    pairs = {}
    for line in found.lines:
        if line.run.card.task.rates:
            valid, test = (cached.predictions(line.run, part) for part in (VALID, TEST))
            if found.users is not None:
                test = test[test[USER].isin(found.users)]
            pairs[line.name] = (valid, test)
    bounds = Bounds.of(cached.split_of(found.lines[0].run).rated.train.target)
    return log_loss_rows(pairs, bounds, liked_from)


# Ratings: how much of their spread is predicted, and whether a predicted 4 is a 4.


def show_rating_fit(lines: list[Contender], view: View) -> None:
    """MSE, R², explained variance and calibration of every run that predicts ratings."""
    if too_few(lines[0].run, view.part, view.segment):
        return
    rated = [line for line in lines if line.run.card.task.rates]
    found = _figures(rated, view.part, view.segment)
    own = rated[0].name
    st.markdown(_fit_words(found, own, "The run" if rated[0] is lines[0] else plain(own, 80)))
    show_figures(found.fits, [*FITS, CALIBRATION], "rating_fit")
    show_chart(
        draw_calibration(
            dict(list(found.curves.groupby(RUN, sort=False))), styles_of(rated, twin_name(rated))
        ),
        "Is a predicted 4 a 4? Each dot is a tenth of the held-out ratings by their prediction, "
        "with the 95 % interval of their mean; on the diagonal both agree.",
        "calibration",
    )


@kept_data(max_entries=10, also=attributes_of)
def _figures(lines: list[Contender], part: str, segment: str) -> RatingFigures:
    run = lines[0].run
    users = users_of(run, segment)
    frames = {line.name: cached.predictions(line.run, part) for line in lines}
    if users is not None:
        frames = {name: frame[frame[USER].isin(users)] for name, frame in frames.items()}
    return rating_figures(frames, Bounds.of(cached.split_of(run).rated.train.target))


def _fit_words(found: RatingFigures, own: str, called: str) -> str:
    means = found.fits[found.fits[RUN] == own].set_index(METRIC)[MEAN]
    said, given, apart = furthest(found.curves[found.curves[RUN] == own])
    return (
        f"{called} predicts {percent(means['r2'])} of the spread of held-out ratings (R²). Where "
        f"it says {number(said, 2)}, people gave {number(given, 2)} ({signed(apart, 2)}): nowhere "
        "is it further off."
    )
