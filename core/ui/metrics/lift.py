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
from core.metrics.cards import metric_card, metric_title
from core.store.run_folder import Run
from core.ui.metrics.figures import floor_name, lifts_of
from core.ui.metrics.view import View
from core.ui.shell import show_chart
from core.ui.state import linked, one_of
from core.ui.texts import plain, signed, signed_with_interval

TWIN_NAME = "over its twin"


def show_lift(run: Run, view: View) -> None:
    """Forest plot on the left, the counts and the cold users on the right."""
    if run.twin is None and run.floor is None:
        st.caption(f"This run is {floor_name(run)} itself: there is nothing to compare it with.")
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
            draw_forest(rows, x=f"difference in {title}", colours=_colours(run)),
            _caption(run, view, rows),
            "lift",
        )
    with right:
        _show_counts(run, view)


def _rows(run: Run, view: View, by: str) -> pd.DataFrame:
    """Lift over the twin everywhere; over the floor for cold users, or where there is no twin."""
    parts = []
    if run.twin:
        parts.append(lifts_of(run, run.twin, view, by).assign(**{RUN: TWIN_NAME}))
    if run.floor:
        over = lifts_of(run, run.floor, view, by).assign(**{RUN: _over_floor(run)})
        parts.append(over[_cold(over, by)] if run.twin else over)
    return pd.concat(parts, ignore_index=True)


def _over_floor(run: Run) -> str:
    return f"over {floor_name(run)}"


def _colours(run: Run) -> dict[str, str]:
    return {TWIN_NAME: FUSED_COLOUR, _over_floor(run): TWIN_COLOUR}


def _cold(rows: pd.DataFrame, by: str) -> pd.Series:
    cold = {TARGET_HISTORY: BINS[0]}.get(by, "source only")
    return rows[SEGMENT] == cold


def _caption(run: Run, view: View, rows: pd.DataFrame) -> str:
    side = "Right" if metric_card(view.column).higher_is_better else "Left"
    if run.twin is None:
        return (
            f"{side} of zero: better than {floor_name(run)}. This model has no target-only twin. "
            "A filled dot's interval excludes zero (one seed)."
        )
    words = (
        f"{side} of zero: history in {plain(run.record['source_name'])} helps. The twin is the "
        "same model without the source. A filled dot's interval excludes zero (one seed)."
    )
    if (rows[RUN] == _over_floor(run)).any():
        words += (
            f" Users without target history stand beside {floor_name(run)} too: only where both "
            "intervals exclude zero is it help."
        )
    return words


def _show_counts(run: Run, view: View) -> None:
    other = run.twin or run.floor
    assert other is not None
    rows = lifts_of(run, other, view, TARGET_HISTORY).set_index(SEGMENT)
    everybody = rows.loc[ALL_USERS]
    against = "its twin" if run.twin else floor_name(run)
    st.markdown(f"**Users, against {against}**")
    same = int(everybody[USERS] - everybody[HELPED] - everybody[HARMED])
    better, worse, equal = st.columns(3)
    better.metric("helped", f"{int(everybody[HELPED]):,}", border=False)
    worse.metric("harmed", f"{int(everybody[HARMED]):,}")
    equal.metric("the same", f"{same:,}")
    st.caption(f"By {metric_title(view.column)} of each of the {int(everybody[USERS]):,} users.")
    _show_cold(run, view)


def _show_cold(run: Run, view: View) -> None:
    if run.floor is None:
        return
    rows = lifts_of(run, run.floor, view, TARGET_HISTORY).set_index(SEGMENT)
    target = plain(run.record[f"{TARGET}_name"])
    if BINS[0] not in rows.index:
        st.caption(f"No evaluated user is without history in {target}: nobody is cold.")
        return
    cold = rows.loc[BINS[0]]
    st.metric(f"{_over_floor(run)}, {int(cold[USERS]):,} cold users", signed(cold[MEAN]))
    st.caption(
        f"{metric_title(view.column)}: {signed_with_interval(cold[MEAN], cold[LOW], cold[HIGH])}. "
        f"Cold users have no history in {target}."
    )
