"""Fairness to items: what head and tail, and each category, get of all places in lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, RUN, SEGMENT, USERS
from core.basics.formatting import interval, number, percent, signed
from core.charts.intervals import draw_group_dots, draw_shares
from core.evaluation.groups import (
    CATALOGUE,
    EXPOSURE,
    FEWEST_ITEMS,
    FOUND,
    GROUP,
    HEAD,
    IN_HISTORY,
    IN_LISTS,
    ITEMS,
    category_members,
    category_rows,
    disparity_rows,
    extremes,
    head_tail_rows,
    mad_of,
    parity,
    wanted_share,
)
from core.evaluation.segments import FEWEST
from core.metrics.fairness import head_and_tail
from core.metrics.registry import METRICS
from core.ui.keeping import kept_data
from core.ui.metrics.lists import Listed
from core.ui.metrics.table import explain
from core.ui.metrics.view import segments_of
from core.ui.shell import show_chart
from core.ui.widgets import download_button, plain

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
    groups = _groups(found, found.view.k)
    if found.world.masked.columns is None:
        own = groups.halves[found.own].set_index(GROUP)
        words = (
            f"The most popular fifth of the catalogue ({own[ITEMS][HEAD]:,} items) takes "
            f"{percent(own[EXPOSURE][HEAD])} of all places"
        )
        if found.twin:
            twin = groups.halves[found.twin].set_index(GROUP)
            words += f", {percent(twin[EXPOSURE][HEAD])} with its twin"
        wanted = wanted_share(groups.halves[found.own], HEAD)
        head_words = f"{words}; of what users took next, {percent(wanted)} is there."
        st.markdown(head_words)
        table = pd.DataFrame(
            [
                _half(name, rows.set_index(GROUP), rows)
                | {"ItemMAD": number(groups.mads[name][0], 4)}
                for name, rows in groups.halves.items()
            ]
        )
        helps = {
            "Head’s places": METRICS["exposure_share"].help,
            "Head found": "Share of held-out items of the head that are in the lists.",
            "Tail found": "Share of held-out items outside the head that are in the lists.",
            "PopRSP": METRICS["pop_rsp"].help,
            "PopREO": METRICS["pop_reo"].help,
            "ItemMAD": METRICS["item_mad"].help,
        }
        _show(table, helps, ["exposure_share", "pop_rsp", "pop_reo", "item_mad"], "fairness_items")
    else:
        st.caption("Nobody has a new item in training, so none of them is head or tail.")
    kinds = groups.kinds
    if kinds[found.own].empty:
        st.caption(f"No category of the target has {FEWEST_ITEMS} items: nothing to compare by.")
        return
    _show_kinds(groups, found)
    if found.world.masked.columns is None:  # lists of new items cannot hold what histories hold
        show_disparity(found, by, [str(name) for name in kinds[found.own][GROUP].head(MOST)])


@kept_data(max_entries=20)
def _groups(found: Listed, k: int) -> ItemGroups:
    judged, world = found.judged(), found.world
    halves = {name: head_tail_rows(one, world, k) for name, one in judged.items()}
    kinds = {name: category_rows(one, world, k) for name, one in judged.items()}
    sides = head_and_tail(world.head), category_members(kinds[found.own], world)
    mads = {
        name: (mad_of(one, world, k, sides[0]), mad_of(one, world, k, sides[1]))
        for name, one in judged.items()
    }
    return ItemGroups(halves, kinds, mads)


def _half(name: str, by_group: pd.DataFrame, rows: pd.DataFrame) -> dict[str, str]:
    rsp, reo = parity(rows)
    tail = next(group for group in by_group.index if group != HEAD)
    return {
        "Run": name,
        "Head’s places": f"{percent(by_group[EXPOSURE][HEAD], 1)}",
        "Head found": number(by_group[FOUND][HEAD]),
        "Tail found": number(by_group[FOUND][tail]),
        "PopRSP": number(rsp),
        "PopREO": number(reo),
    }


def _show_kinds(groups: ItemGroups, found: Listed) -> None:
    """Exposure of the largest categories beside their share of the catalogue, and the spread."""
    kinds, own = groups.kinds, groups.kinds[found.own]
    most, least = extremes(own)
    st.markdown(
        f"Against its share of the catalogue the run shows **{plain(most[GROUP])}** most "
        f"({percent(most[EXPOSURE], 1)} of all places, {percent(most[CATALOGUE], 1)} of the "
        f"items) and **{plain(least[GROUP])}** least ({percent(least[EXPOSURE], 1)}, "
        f"{percent(least[CATALOGUE], 1)})."
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
    words = (
        f"Rates at which categories are recommended spread by {percent(rsp)} of their mean (RSP)"
    )
    if not found.twin:
        return f"{words}; 0 is one rate for all."
    return (
        f"{words}, with its twin by {percent(parity(kinds[found.twin])[0])}; 0 is one rate for all."
    )


def _show(table: pd.DataFrame, helps: dict[str, str], metrics: list[str], key: str) -> None:
    """A table with help on its headings, the cards and the download below."""
    config = {name: st.column_config.Column(help=text) for name, text in helps.items()}
    st.dataframe(table, key=key, hide_index=True, column_config=config)
    with st.container(horizontal=True):
        explain(metrics)
        download_button(table, f"{key}.csv", f"{key}_csv")


# Bias disparity on the Fairness tab: categories that lists exaggerate for a group of users.

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
    rows = _rows(found, view.k, by, str(group), tuple(kinds))
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


@kept_data(max_entries=20)
def _rows(found: Listed, k: int, by: str, group: str, kinds: tuple[str, ...]) -> pd.DataFrame:
    chosen: np.ndarray | None = None
    if group != EVERYBODY:
        chosen = segments_of(found.lines[0].run)[by].astype("str").to_numpy() == group
    judged = found.judged()
    parts = [
        disparity_rows(one, found.world, k, list(kinds), chosen).assign(**{RUN: name})
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
    return f"{percent(abs(disparity))} {'larger' if disparity >= 0 else 'smaller'}"


def _show_table(rows: pd.DataFrame, own: pd.DataFrame, found: Listed) -> None:
    twins = rows[rows[RUN] == found.twin].set_index(SEGMENT)[MEAN] if found.twin else {}
    table = pd.DataFrame(
        {
            "Category": own[SEGMENT],
            "In histories (BS)": [number(value, 2) for value in own[IN_HISTORY]],
            "In lists (BR)": [number(value, 2) for value in own[IN_LISTS]],
            "Disparity (BD)": [signed(value, 2) for value in own[MEAN]],
            "95 %": [interval(low, high, 2) for low, high in zip(own[LOW], own[HIGH], strict=True)],
        }
    )
    if found.twin:
        table["BD, its twin"] = [signed(twins.get(name), 2) for name in own[SEGMENT]]
    names = {
        "In histories (BS)": "bias_source",
        "In lists (BR)": "bias_lists",
        "Disparity (BD)": "bias_disparity",
    }
    config = {
        title: st.column_config.Column(help=METRICS[name].help) for title, name in names.items()
    }
    st.dataframe(table, key="disparity_table", hide_index=True, column_config=config)
    with st.container(horizontal=True):
        explain(list(names.values()))
        download_button(rows, "bias_disparity.csv", "disparity_csv")
