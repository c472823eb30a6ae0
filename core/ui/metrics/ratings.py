"""Runs that predict ratings: RMSE and MAE with intervals, beside the metrics of their lists."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, USERS
from core.basics.formatting import number
from core.evaluation.side_by_side import BEST
from core.metrics.ratings import ERRORS
from core.metrics.registry import metric_card, metric_title
from core.ui.metrics.figures import Contender, errors_of
from core.ui.metrics.view import View
from core.ui.tables import download_button
from core.ui.texts import plain

DIGITS = 4  # errors differ late


def show_ratings(lines: list[Contender], view: View) -> None:
    """A row per run, with dashes where it predicts no ratings; nothing where none of them does."""
    tasks = {line.run.card.task for line in lines}
    if "rating" not in tasks:
        return
    figures = errors_of(lines, view)
    st.markdown("**Predicted ratings**: how far they lie from the held-out ones; less is better.")
    cells = pd.DataFrame({"Run": [plain(line.name, 80) for line in lines]})
    for metric in ERRORS:
        by_run = figures[figures[METRIC] == metric].set_index(RUN)
        cells[metric_title(metric)] = [
            _cell(by_run.loc[line.name]) if line.name in by_run.index else "–" for line in lines
        ]
    st.table(cells, border="horizontal", hide_index=True)
    with st.container(horizontal=True):
        with st.popover("What these errors are", icon=":material/help:", type="tertiary"):
            for metric in ERRORS:
                card = metric_card(metric)
                st.markdown(
                    f"**{card.title}**: {card.help}  \n{card.formula}  \n:gray[{card.source}]"
                )
        download_button(figures, "rating_errors.csv", "errors_csv")
    led = figures[BEST].any()
    st.caption(
        f"{int(figures[USERS].max()):,} users, 95 % intervals from resampling them with all their "
        "ratings. "
        + ("Bold: ahead of the next one" if led else "Nothing is bold: no lead is")
        + " beyond user sampling (one seed)."
        + (" A dash: the run ranks items and predicts no ratings." if len(tasks) > 1 else "")
    )
    if lines[0].run.card.task == "rating":  # else the lists stand above
        alone = "**Their lists**, ranked by predicted rating:"
        mixed = "**Lists of every run**, of those that predict ratings by predicted rating:"
        st.markdown(mixed if len(tasks) > 1 else alone)


def _cell(row: pd.Series) -> str:
    mean = f"**{number(row[MEAN], DIGITS)}**" if row[BEST] else number(row[MEAN], DIGITS)
    return f"{mean}  \n:gray[:small[{number(row[LOW], DIGITS)}–{number(row[HIGH], DIGITS)}]]"
