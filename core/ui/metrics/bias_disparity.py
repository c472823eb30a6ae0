"""Bias disparity on the Fairness tab: categories that lists exaggerate for a group of users."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, RUN, SEGMENT, USERS
from core.basics.formatting import interval, number, signed
from core.charts.intervals import draw_group_dots
from core.evaluation.groups import IN_HISTORY, IN_LISTS, disparity_rows
from core.evaluation.segments import FEWEST
from core.metrics.registry import METRICS
from core.ui.metrics.figure_table import explain
from core.ui.metrics.groups import segments_of
from core.ui.metrics.lists import Listed
from core.ui.shell import show_chart
from core.ui.tables import download_button
from core.ui.texts import plain

EVERYBODY = "all these users"


def show_disparity(found: Listed, by: str, kinds: list[str]) -> None:
    """A box for the group, what lists exaggerate most in words, the picture and the figures."""
    groups = {EVERYBODY: EVERYBODY} | found.large_groups(by)
    box, _ = st.columns([1, 1])
    group = box.selectbox(
        "Do lists exaggerate what users prefer? Of",
        list(groups),
        key="disparity_group",
        format_func=lambda name: groups.get(name, name),
    )
    view = found.view
    rows = _rows(found.folders, view.part, view.k, view.who, by, str(group), tuple(kinds), found)
    own = rows[rows[RUN] == found.own].dropna(subset=[MEAN])
    if own.empty:
        st.caption(
            f"Fewer than {FEWEST} of these users have history in the target: nothing to say."
        )
        return
    st.markdown(_words(own))
    show_chart(
        draw_group_dots(rows, found.styles(), x=f"bias disparity@{view.k}", zero=True, users=False),
        "Which categories do lists hold more, or less, than the same users took? At 0 a category "
        f"keeps its share of the histories; {int(own[USERS].max()):,} users with history in the "
        "target, 95 % intervals from resampling them.",
        "bias_disparity",
    )
    _show_table(rows, own, found)


@st.cache_data(show_spinner=False, max_entries=20)
def _rows(
    folders: Sequence[tuple[str, str]],
    part: str,
    k: int,
    segment: str,
    by: str,
    group: str,
    kinds: tuple[str, ...],
    _found: Listed,
) -> pd.DataFrame:
    chosen: np.ndarray | None = None
    if group != EVERYBODY:
        chosen = segments_of(_found.lines[0].run)[by].astype("str").to_numpy() == group
    judged = _found.judged()
    parts = [
        disparity_rows(one, _found.world, k, list(kinds), chosen).assign(**{RUN: name})
        for name, one in judged.items()
    ]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _words(own: pd.DataFrame) -> str:
    own = own[(own[LOW] > 0) | (own[HIGH] < 0)]
    if own.empty:
        return "No category has another share of the lists than of the histories beyond chance."
    top, low = own.loc[own[MEAN].idxmax()], own.loc[own[MEAN].idxmin()]
    return (
        f"Lists give **{plain(top[SEGMENT])}** a share {_more(top[MEAN])} than it has of what "
        f"these users took (BD {signed(top[MEAN], 2)}, 95 % {interval(top[LOW], top[HIGH], 2)}), "
        f"and **{plain(low[SEGMENT])}** one {_more(low[MEAN])} ({signed(low[MEAN], 2)}, "
        f"95 % {interval(low[LOW], low[HIGH], 2)})."
    )


def _more(disparity: float) -> str:
    return f"{abs(disparity):.0%} {'larger' if disparity >= 0 else 'smaller'}"


def _show_table(rows: pd.DataFrame, own: pd.DataFrame, found: Listed) -> None:
    twins = rows[rows[RUN] == found.twin].set_index(SEGMENT)[MEAN] if found.twin else {}
    table = pd.DataFrame(
        {
            "Category": own[SEGMENT],
            "in histories (BS)": [number(value, 2) for value in own[IN_HISTORY]],
            "in lists (BR)": [number(value, 2) for value in own[IN_LISTS]],
            "disparity (BD)": [signed(value, 2) for value in own[MEAN]],
            "95 %": [interval(low, high, 2) for low, high in zip(own[LOW], own[HIGH], strict=True)],
        }
    )
    if found.twin:
        table["BD, its twin"] = [signed(twins.get(name), 2) for name in own[SEGMENT]]
    names = {
        "in histories (BS)": "bias_source",
        "in lists (BR)": "bias_lists",
        "disparity (BD)": "bias_disparity",
    }
    config = {
        title: st.column_config.Column(help=METRICS[name].help) for title, name in names.items()
    }
    st.dataframe(table, key="disparity_table", hide_index=True, column_config=config)
    with st.container(horizontal=True):
        explain(list(names.values()))
        download_button(rows, "bias_disparity.csv", "disparity_csv")
