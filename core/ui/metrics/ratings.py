"""Runs that predict ratings: RMSE and MAE with intervals, before the metrics of their lists."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, USERS
from core.evaluation.side_by_side import BEST
from core.metrics.cards import metric_card, metric_title
from core.metrics.rating import ERRORS
from core.ui.metrics.figures import Contender, errors_of
from core.ui.metrics.view import View
from core.ui.tables import download_button
from core.ui.texts import number, plain

DIGITS = 4  # errors differ late


def show_ratings(lines: list[Contender], view: View) -> None:
    """A row per run that predicts ratings; nothing where the current run does not."""
    if lines[0].run.card.task != "rating":
        return
    figures = errors_of(lines, view)
    st.markdown("**Predicted ratings**: how far they lie from the held-out ones; less is better.")
    cells = pd.DataFrame({"Run": [plain(name, 80) for name in figures[RUN].unique()]})
    for metric in ERRORS:
        cells[metric_title(metric)] = [
            _cell(row) for _, row in figures[figures[METRIC] == metric].iterrows()
        ]
    st.table(cells, border="horizontal", hide_index=True)
    with st.container(horizontal=True):
        with st.popover("What these errors are", icon=":material/help:", type="tertiary"):
            for metric in ERRORS:
                card = metric_card(metric)
                st.markdown(f"**{card.title}**: {card.help}  \n{card.formula}  \n"
                            f":gray[{card.source}]")  # fmt: skip
        download_button(figures, "rating_errors.csv", "errors_csv")
    led = figures[BEST].any()
    st.caption(
        f"{int(figures[USERS].max()):,} users, 95 % intervals from resampling them with all their "
        "ratings. "
        + ("Bold: ahead of the next one" if led else "Nothing is bold: no lead is")
        + " beyond user sampling (one seed)."
    )
    st.markdown("**Their lists**, ranked by predicted rating:")


def _cell(row: pd.Series) -> str:
    mean = f"**{number(row[MEAN], DIGITS)}**" if row[BEST] else number(row[MEAN], DIGITS)
    return f"{mean}  \n:gray[:small[{number(row[LOW], DIGITS)}–{number(row[HIGH], DIGITS)}]]"
