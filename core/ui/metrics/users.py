"""Which users a run helped and harmed: a histogram of differences and the users behind it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import USER
from core.basics.formatting import count
from core.charts.data import draw_histogram
from core.evaluation.side_by_side import moved_sentence
from core.metrics.registry import metric_card, metric_title
from core.store.run_folder import Run
from core.ui.metrics.figures import floor_name, moved_of
from core.ui.metrics.view import View, too_few
from core.ui.navigation import link_to
from core.ui.shell import show_chart
from core.ui.widgets import plain, show_table

BINS = 41  # an odd number, so that one bin is centred on no difference


def show_users(run: Run, view: View) -> None:
    """Histogram left, table right; a box drawn on the histogram keeps its users in the table."""
    other = run.twin or run.floor
    if other is None:
        words = f"This run is {floor_name(run)} itself: there is nothing to compare its users with."
        st.caption(words)
        return
    if too_few(run, view.part, view.segment):
        return
    against = "its twin" if run.twin else floor_name(run)
    table = moved_of(run, other, view)
    left, right = st.columns([1, 1.2], gap="large")
    with left:
        chosen = _show_histogram(table, view, against)
    with right:
        _show_table(table[chosen], view, against)


def _show_histogram(table: pd.DataFrame, view: View, against: str) -> pd.Series:
    """Draw the users who moved, and return which rows of the table the selection keeps."""
    differences = table["difference"]
    moved = differences[differences != 0]
    if moved.empty:
        st.caption(f"Nobody's {metric_title(view.column)} differs from {against}.")
        return pd.Series(True, index=table.index)
    st.markdown(moved_sentence(table, view.column, against))
    reach = float(moved.abs().max())
    counts, edges = np.histogram(moved, bins=BINS, range=(-reach, reach))
    answer = show_chart(
        draw_histogram(edges, counts, x=f"difference in {metric_title(view.column)}", y="users"),
        f"Whose {metric_title(view.column)} is higher, and whose lower, than with {against}: "
        f"{len(moved):,} users; "
        f"{count(len(table) - len(moved), 'user')} with no difference not drawn. "
        "Drag a box over bars to list their users.",
        "differences",
        on_select="rerun",
        selection_mode=("box",),
    )
    boxes = answer["selection"]["box"] if answer else []
    if not boxes:
        return pd.Series(True, index=differences.index)
    low, high = sorted(float(x) for x in boxes[0]["x"])
    return differences.between(low, high)


def _show_table(table: pd.DataFrame, view: View, against: str) -> None:
    title = metric_title(view.column)
    names = {
        USER: "user",
        "difference": "difference",
        "run": title,
        "other": f"{title}, {against}",
        "source_history": "source history",
        "target_history": "target history",
    }
    shown = table[list(names)].rename(columns=names)
    kept = metric_card(view.column).kept  # figures of lists may be small
    few = st.column_config.NumberColumn(format="%.3f" if kept else "%.4f")
    digits = {names[name]: few for name in ("difference", "run", "other")}
    rows = show_table(
        shown,
        "moved_users",
        download="users.csv",
        column_config=digits,
        selection="single-row",
        height=420,
    )
    if rows and rows[0] < len(table):
        user = str(table[USER].iloc[rows[0]])
        link_to("recommendations", f"What {plain(user, 40)} gets, and why", user=user)
    else:
        st.caption("Choose a row to see that user's recommendations.")
