"""What the source adds: lift over the twin by segment, and how many users it helps and harms."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, RUN, SEGMENT, TARGET, USERS
from core.charts.intervals import draw_forest
from core.charts.theme import FUSED_COLOUR, TWIN_COLOUR
from core.evaluation.segments import BINS, TARGET_HISTORY, TITLES
from core.evaluation.side_by_side import ALL_USERS
from core.evaluation.summary import HARMED, HELPED
from core.metrics.cards import metric_title
from core.store.run_folder import Run
from core.ui.metrics.figures import lifts_of
from core.ui.metrics.view import View
from core.ui.shell import show_chart
from core.ui.state import linked, one_of
from core.ui.texts import plain, signed, signed_with_interval

TWIN_NAME, POPULARITY_NAME = "over its twin", "over popularity"
COLOURS = {TWIN_NAME: FUSED_COLOUR, POPULARITY_NAME: TWIN_COLOUR}


def show_lift(run: Run, view: View) -> None:
    """Forest plot on the left, the counts and the cold users on the right."""
    if run.twin is None and run.popularity is None:
        st.caption("This run is popularity itself: there is nothing to compare it with.")
        return
    left, right = st.columns([3, 1.2], gap="large")
    with left:
        by = st.segmented_control(
            "Segments by", list(TITLES), format_func=TITLES.__getitem__, required=True,
            **linked("by", TARGET_HISTORY, one_of(list(TITLES))),
        )  # fmt: skip
        rows = _rows(run, view, by)
        title = metric_title(view.column)
        show_chart(
            draw_forest(rows, x=f"difference in {title}", colours=COLOURS),
            _caption(run, rows),
            "lift",
        )
    with right:
        _show_counts(run, view)


def _rows(run: Run, view: View, by: str) -> pd.DataFrame:
    """Lift over the twin everywhere; over popularity for cold users, or where there is no twin."""
    parts = []
    if run.twin:
        parts.append(lifts_of(run, run.twin, view, by).assign(**{RUN: TWIN_NAME}))
    if run.popularity:
        over = lifts_of(run, run.popularity, view, by).assign(**{RUN: POPULARITY_NAME})
        parts.append(over[_cold(over, by)] if run.twin else over)
    return pd.concat(parts, ignore_index=True)


def _cold(rows: pd.DataFrame, by: str) -> pd.Series:
    cold = {TARGET_HISTORY: BINS[0]}.get(by, "source only")
    return rows[SEGMENT] == cold


def _caption(run: Run, rows: pd.DataFrame) -> str:
    if run.twin is None:
        return (
            "Right of zero: better than popularity. This model has no target-only twin. "
            "A filled dot's interval excludes zero (one seed)."
        )
    words = (
        f"Right of zero: history in {plain(run.record['source_name'])} helps. The twin is the same "
        "model without the source. A filled dot's interval excludes zero (one seed)."
    )
    if (rows[RUN] == POPULARITY_NAME).any():
        words += (
            " Users without target history stand beside popularity too: only where both "
            "intervals exclude zero is it help."
        )
    return words


def _show_counts(run: Run, view: View) -> None:
    other = run.twin or run.popularity
    assert other is not None
    rows = lifts_of(run, other, view, TARGET_HISTORY).set_index(SEGMENT)
    everybody = rows.loc[ALL_USERS]
    against = "its twin" if run.twin else "popularity"
    st.markdown(f"**Users, against {against}**")
    same = int(everybody[USERS] - everybody[HELPED] - everybody[HARMED])
    better, worse, equal = st.columns(3)
    better.metric("helped", f"{int(everybody[HELPED]):,}", border=False)
    worse.metric("harmed", f"{int(everybody[HARMED]):,}")
    equal.metric("the same", f"{same:,}")
    st.caption(f"By {metric_title(view.column)} of each of the {int(everybody[USERS]):,} users.")
    _show_cold(run, view)


def _show_cold(run: Run, view: View) -> None:
    if run.popularity is None:
        return
    rows = lifts_of(run, run.popularity, view, TARGET_HISTORY).set_index(SEGMENT)
    target = plain(run.record[f"{TARGET}_name"])
    if BINS[0] not in rows.index:
        st.caption(f"No evaluated user is without history in {target}: nobody is cold.")
        return
    cold = rows.loc[BINS[0]]
    st.metric(f"over popularity, {int(cold[USERS]):,} cold users", signed(cold[MEAN]))
    st.caption(
        f"{metric_title(view.column)}: {signed_with_interval(cold[MEAN], cold[LOW], cold[HIGH])}. "
        f"Cold users have no history in {target}."
    )
