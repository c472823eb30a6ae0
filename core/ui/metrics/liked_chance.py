"""LogLoss under the classification view of predicted ratings."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import MEAN, RUN, TEST, USER, VALID
from core.basics.formatting import number
from core.evaluation.ratings import ALWAYS, GAP_HIGH, GAP_LOW, LOG_LOSS, Bounds, log_loss_rows
from core.ui import cached
from core.ui.metrics.figure_table import show_figures
from core.ui.metrics.lists import Listed


def show_log_loss(found: Listed, liked_from: float) -> None:
    """A sentence and a row per run; only where validation has been kept apart from what is told."""
    if found.view.part != TEST:
        st.caption(
            "LogLoss needs chances, and those are fitted on validation ratings: it is told on Test."
        )
        return
    rows = _rows(found.folders, found.view.who, liked_from, found)
    if rows.empty:
        st.caption("All ratings are liked, or none is, from this rating on: LogLoss says nothing.")
        return
    st.markdown(_words(rows, found.own, liked_from))
    show_figures(rows, [LOG_LOSS], "classification_log_loss")


def _words(rows: pd.DataFrame, own: str, liked_from: float) -> str:
    ours, always = (rows[rows[RUN] == name].iloc[0] for name in (own, ALWAYS))
    verdict = "no different from"
    if ours[GAP_HIGH] < 0:
        verdict = "better than"
    elif ours[GAP_LOW] > 0:
        verdict = "worse than"
    return (
        f"As a chance that a rating is {number(liked_from, 1)} or more, predictions of the run "
        f"have a LogLoss of {number(ours[MEAN])}: {verdict} always saying the share of such "
        f"ratings in validation ({number(always[MEAN])})."
    )


@st.cache_data(show_spinner=False, max_entries=20)
def _rows(
    folders: tuple[tuple[str, str], ...], segment: str, liked_from: float, _found: Listed
) -> pd.DataFrame:
    pairs = {}
    for line in _found.lines:
        if line.run.card.task == "rating":
            valid, test = (cached.predictions(line.run, part) for part in (VALID, TEST))
            if _found.users is not None:
                test = test[test[USER].isin(_found.users)]
            pairs[line.name] = (valid, test)
    bounds = Bounds.of(cached.split_of(_found.lines[0].run).rated.train.target)
    return log_loss_rows(pairs, bounds, liked_from)
