"""Fairness to items: what head and tail, and each category, get of all places in lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.basics.formatting import number
from core.charts.intervals import draw_shares
from core.evaluation.groups import (
    CATALOGUE,
    EXPOSURE,
    FEWEST_ITEMS,
    FOUND,
    GROUP,
    HEAD,
    ITEMS,
    category_members,
    category_rows,
    extremes,
    head_tail_rows,
    mad_of,
    parity,
    wanted_share,
)
from core.metrics.fairness import head_and_tail
from core.metrics.registry import METRICS
from core.ui.metrics.bias_disparity import show_disparity
from core.ui.metrics.figure_table import explain
from core.ui.metrics.lists import Listed
from core.ui.shell import show_chart
from core.ui.tables import download_button
from core.ui.texts import plain

MOST = 15  # categories in the picture
Rows = dict[str, pd.DataFrame]  # by the name of the run


@dataclass(frozen=True)
class ItemGroups:
    """Head and tail, and categories, of every run by name; mads is of either in that order."""

    halves: Rows
    kinds: Rows
    mads: dict[str, tuple[float, float]]


def show_items(found: Listed, by: str) -> None:
    """Head and tail as a table, categories as a picture where there are any."""
    groups = _groups(found.folders, found.view.part, found.view.k, found.view.who, found)
    if found.world.masked.columns is None:
        st.markdown(_head_words(groups.halves, found))
        _show_halves(groups)
    else:
        st.caption("Nobody has a new item in training, so none of them is head or tail.")
    kinds = groups.kinds
    if kinds[found.own].empty:
        st.caption(f"No category of the target has {FEWEST_ITEMS} items: nothing to compare by.")
        return
    _show_kinds(groups, found)
    if found.world.masked.columns is None:  # lists of new items cannot hold what histories hold
        show_disparity(found, by, [str(name) for name in kinds[found.own][GROUP].head(MOST)])


@st.cache_data(show_spinner=False, max_entries=20)
def _groups(
    folders: Sequence[tuple[str, str]], part: str, k: int, segment: str, _found: Listed
) -> ItemGroups:
    judged, world = _found.judged(), _found.world
    halves = {name: head_tail_rows(one, world, k) for name, one in judged.items()}
    kinds = {name: category_rows(one, world, k) for name, one in judged.items()}
    sides = head_and_tail(world.head), category_members(kinds[_found.own], world)
    mads = {
        name: (mad_of(one, world, k, sides[0]), mad_of(one, world, k, sides[1]))
        for name, one in judged.items()
    }
    return ItemGroups(halves, kinds, mads)


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


def _show_halves(groups: ItemGroups) -> None:
    table = pd.DataFrame(
        [
            _half(name, rows.set_index(GROUP), rows) | {"ItemMAD": number(groups.mads[name][0], 4)}
            for name, rows in groups.halves.items()
        ]
    )
    helps = {
        "head’s places": METRICS["exposure_share"].help,
        "head found": "Share of held-out items of the head that are in the lists.",
        "tail found": "Share of held-out items outside the head that are in the lists.",
        "PopRSP": METRICS["pop_rsp"].help,
        "PopREO": METRICS["pop_reo"].help,
        "ItemMAD": METRICS["item_mad"].help,
    }
    _show(table, helps, ["exposure_share", "pop_rsp", "pop_reo", "item_mad"], "fairness_items")


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


def _show_kinds(groups: ItemGroups, found: Listed) -> None:
    """Exposure of the largest categories beside their share of the catalogue, and the spread."""
    kinds, own = groups.kinds, groups.kinds[found.own]
    most, least = extremes(own)
    st.markdown(
        f"Against its share of the catalogue the run shows **{plain(most[GROUP])}** most "
        f"({most[EXPOSURE]:.1%} of all places, {most[CATALOGUE]:.1%} of the items) and "
        f"**{plain(least[GROUP])}** least ({least[EXPOSURE]:.1%}, {least[CATALOGUE]:.1%})."
    )
    names = own[GROUP].head(MOST)
    shares = {name: rows[EXPOSURE].head(MOST).to_numpy() for name, rows in kinds.items()}
    show_chart(
        draw_shares(
            list(names),
            own[CATALOGUE].head(MOST).to_numpy(),
            shares,
            found.styles(),
            x=f"share of all top-{found.view.k} places",
        ),
        f"Which categories get more than their share? The {len(names)} largest of {len(own)} with "
        f"at least {FEWEST_ITEMS} items; an item of several categories counts in each.",
        "category_shares",
    )
    st.markdown(_parity_words(kinds, found))
    table = pd.DataFrame(
        [
            {
                "Run": name,
                "RSP": number(parity(rows)[0]),
                "REO": number(parity(rows)[1]),
                "ItemMAD": number(groups.mads[name][1], 4),
            }
            for name, rows in kinds.items()
        ]
    )
    names_of = {"RSP": "rsp", "REO": "reo", "ItemMAD": "item_mad"}
    helps = {title: METRICS[name].help for title, name in names_of.items()}
    _show(table, helps, list(names_of.values()), "fairness_kinds")


def _parity_words(kinds: Rows, found: Listed) -> str:
    rsp = parity(kinds[found.own])[0]
    words = f"The rates at which categories are recommended spread by {rsp:.0%} of their mean (RSP)"
    if not found.twin:
        return f"{words}; 0 is one rate for all."
    return f"{words}, with its twin by {parity(kinds[found.twin])[0]:.0%}; 0 is one rate for all."


def _show(table: pd.DataFrame, helps: dict[str, str], metrics: list[str], key: str) -> None:
    """A table with help on its headings, the cards and the download below."""
    config = {name: st.column_config.Column(help=text) for name, text in helps.items()}
    st.dataframe(table, key=key, hide_index=True, column_config=config)
    with st.container(horizontal=True):
        explain(metrics)
        download_button(table, f"{key}.csv", f"{key}_csv")
