"""Fairness to items: what head and tail, and each category, get of all places in lists."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.charts.groups import draw_shares
from core.evaluation.item_groups import (
    CATALOGUE,
    EXPOSURE,
    FEWEST_ITEMS,
    FOUND,
    GROUP,
    HEAD,
    ITEMS,
    category_rows,
    extremes,
    head_tail_rows,
    parity,
    wanted_share,
)
from core.metrics.cards import METRICS
from core.ui.metrics.figure_table import explain
from core.ui.metrics.lists import Listed
from core.ui.shell import show_chart
from core.ui.tables import download_button
from core.ui.texts import number, plain

MOST = 15  # categories in the picture
Rows = dict[str, pd.DataFrame]  # by the name of the run


def show_items(found: Listed) -> None:
    """Head and tail as a table, categories as a picture where there are any."""
    view = found.view
    halves, kinds = _rows(found.folders, view.part, view.k, view.segment, found)
    if found.world.masked.columns is None:
        st.markdown(_head_words(halves, found))
        _show_halves(halves)
    else:
        st.caption("Nobody has a new item in training, so none of them is head or tail.")
    if kinds[found.own].empty:
        st.caption(f"No category of the target has {FEWEST_ITEMS} items: nothing to compare by.")
        return
    _show_kinds(kinds, found)


@st.cache_data(show_spinner=False, max_entries=20)
def _rows(
    folders: Sequence[tuple[str, str]], part: str, k: int, segment: str, _found: Listed
) -> tuple[Rows, Rows]:
    judged = _found.judged()
    halves = {name: head_tail_rows(one, _found.world, k) for name, one in judged.items()}
    return halves, {name: category_rows(one, _found.world, k) for name, one in judged.items()}


def _head_words(halves: Rows, found: Listed) -> str:
    own = halves[found.own].set_index(GROUP)
    words = (
        f"The most popular fifth of the catalogue ({own[ITEMS][HEAD]:,} items) takes "
        f"{own[EXPOSURE][HEAD]:.0%} of all places"
    )
    if found.twin:
        twin = halves[found.twin].set_index(GROUP)
        words += f", {twin[EXPOSURE][HEAD]:.0%} with its twin"
    wanted = wanted_share(halves[found.own], HEAD)
    return f"{words}; of what users took next, {wanted:.0%} is there."


def _show_halves(halves: Rows) -> None:
    table = pd.DataFrame(
        [_half(name, rows.set_index(GROUP), rows) for name, rows in halves.items()]
    )
    helps = {
        "head’s places": METRICS["exposure_share"].help,
        "head found": "Share of held-out items of the head that are in the lists.",
        "tail found": "Share of held-out items outside the head that are in the lists.",
        "PopRSP": METRICS["pop_rsp"].help,
        "PopREO": METRICS["pop_reo"].help,
    }
    config = {name: st.column_config.Column(help=text) for name, text in helps.items()}
    st.dataframe(table, key="fairness_items", hide_index=True, column_config=config)
    with st.container(horizontal=True):
        explain(["exposure_share", "pop_rsp", "pop_reo"])
        download_button(table, "head_and_tail.csv", "fairness_items_csv")


def _half(name: str, by_group: pd.DataFrame, rows: pd.DataFrame) -> dict[str, str]:
    rsp, reo = parity(rows)
    tail = next(group for group in by_group.index if group != HEAD)
    return {
        "Run": name,
        "head’s places": f"{by_group[EXPOSURE][HEAD]:.1%}",
        "head found": number(by_group[FOUND][HEAD]),
        "tail found": number(by_group[FOUND][tail]),
        "PopRSP": number(rsp),
        "PopREO": number(reo),
    }


def _show_kinds(kinds: Rows, found: Listed) -> None:
    """Exposure of the largest categories beside their share of the catalogue."""
    own = kinds[found.own]
    most, least = extremes(own)
    st.markdown(
        f"Against its share of the catalogue the run shows **{plain(most[GROUP])}** most "
        f"({most[EXPOSURE]:.1%} of all places, {most[CATALOGUE]:.1%} of the items) and "
        f"**{plain(least[GROUP])}** least ({least[EXPOSURE]:.1%}, {least[CATALOGUE]:.1%}). "
        f"{_kind_parity(kinds, found)}"
    )
    names = own[GROUP].head(MOST)
    shares = {name: rows[EXPOSURE].head(MOST).to_numpy() for name, rows in kinds.items()}
    show_chart(
        draw_shares(list(names), own[CATALOGUE].head(MOST).to_numpy(), shares, found.styles(),
                    x=f"share of all top-{found.view.k} places"),
        f"Which categories get more than their share? The {len(names)} largest of {len(own)} with "
        f"at least {FEWEST_ITEMS} items; an item of several categories counts in each.",
        "category_shares",
    )  # fmt: skip


def _kind_parity(kinds: Rows, found: Listed) -> str:
    rsp, reo = parity(kinds[found.own])
    words = f"Over categories RSP is {number(rsp)} and REO {number(reo)}"
    if not found.twin:
        return f"{words}; 0 is one rate for all."
    rsp, reo = parity(kinds[found.twin])
    return f"{words} ({number(rsp)} and {number(reo)} with its twin); 0 is one rate for all."
