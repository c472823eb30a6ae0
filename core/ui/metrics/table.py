"""Runs against metrics: a number, its interval under it, the leader in bold where it is one."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, SKIPPED, USERS
from core.basics.formatting import number
from core.evaluation.side_by_side import BEST
from core.metrics.registry import metric_card, metric_title
from core.ui import cached
from core.ui.metrics.figures import Contender
from core.ui.metrics.view import PARTS, View
from core.ui.tables import download_button
from core.ui.texts import plain

_JOIN, _SPACE = "\u2060", "\u00a0"  # keep an interval on one line


def show_runs(lines: list[Contender], figures: pd.DataFrame, view: View) -> None:
    """The table, what its numbers mean, and the same numbers as CSV."""
    cells = pd.DataFrame({"Run": [plain(line.name, 80) for line in lines]})
    for metric, part in figures.groupby(METRIC, sort=False):
        cells[metric_title(str(metric))] = [_cell(row) for row in _rows_of(part, lines)]
    if coverage := [_coverage(line, view) for line in lines]:
        cells[f"Coverage@{view.k}"] = coverage
    st.table(cells, border="horizontal", hide_index=True)
    st.caption(_caption(figures))
    with st.container(horizontal=True):
        with st.popover("What these numbers are", icon=":material/help:", type="tertiary"):
            _explain(figures, view, cached.split_of(lines[0].run).new_items is not None)
        download_button(figures, "runs_by_metric.csv", "runs_csv")


def _rows_of(part: pd.DataFrame, lines: list[Contender]) -> list[pd.Series]:
    by_run = part.set_index(RUN)
    return [by_run.loc[line.name] for line in lines]


def _cell(row: pd.Series) -> str:
    if pd.isna(row[MEAN]):
        return "–"
    mean = f"**{number(row[MEAN])}**" if row[BEST] else number(row[MEAN])
    return f"{mean}  \n{_small(f'{number(row[LOW])}–{_JOIN}{number(row[HIGH])}')}"


def _small(text: str) -> str:
    return f":gray[:small[{text}]]"


def _coverage(line: Contender, view: View) -> str:
    """Of all users: a share of the catalogue that a segment's users get means little."""
    said = line.run.record[view.part].get(f"coverage@{view.k}")
    return f"{number(said[MEAN])}  \n{_small(f'all{_SPACE}users')}" if said else "–"


def _caption(figures: pd.DataFrame) -> str:
    # what only some runs or metrics lack, as AUC of uploaded lists, is a dash in its own cell
    users, skipped = int(figures[USERS].max()), int(figures[SKIPPED].min())
    words = f"{users:,} users, 95 % intervals from resampling them. "
    if skipped:
        words += f"{skipped:,} have nothing to find and are left out. "
    if figures[BEST].any():
        return words + "Bold: ahead of the next one beyond user sampling (one seed)."
    return words + "Nothing is bold: no lead is beyond user sampling (one seed)."


def _explain(figures: pd.DataFrame, view: View, new: bool) -> None:
    among = "every** item of the target; what a user has in training is left out of the lists."
    if new:
        among = "new** items of the part alone; everything else is left out of the lists."
    st.markdown(f"{PARTS[view.part]} interactions are to be found among **{among}")
    for metric in [*dict.fromkeys(figures[METRIC]), f"coverage@{view.k}"]:
        card = metric_card(metric)
        st.markdown(
            f"**{metric_title(metric)}**: {card.help}  \n{card.formula}  \n:gray[{card.source}]"
        )
