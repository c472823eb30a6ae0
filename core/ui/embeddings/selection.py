"""What the selected points of the map are: domains, categories, popularity, titles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.formatting import count
from core.basics.types import IntArray
from core.ui.embeddings.data import CATEGORY, COUNT, DOMAIN, KIND, NAME, MapData
from core.ui.tables import show_table
from core.ui.texts import plain

TOP = 8  # categories listed
HERE, ELSEWHERE = "share here", "share elsewhere"


def show_selection(data: MapData, rows: IntArray) -> None:
    """A sentence, the categories that stand out, and the points as a table."""
    if not len(rows):
        st.caption("Draw a lasso or a box on the map to see what the points in it are.")
        return
    chosen = np.zeros(len(data.table), dtype=bool)
    chosen[rows] = True
    inside, outside = data.table[chosen], data.table[~chosen]
    st.subheader(f"{count(len(rows), 'selected point')}", anchor=False)
    st.markdown(_sentence(data, inside, outside))
    left, right = st.columns([1, 2], gap="large")
    with left:
        _show_categories(inside, outside)
    with right:
        shown = inside.assign(**{DOMAIN: inside[DOMAIN].map(data.names)})
        shown = shown[[NAME, KIND, DOMAIN, CATEGORY, COUNT]].sort_values(COUNT, ascending=False)
        show_table(shown, "selected_points", download="selected.csv", height=360)


def _sentence(data: MapData, inside: pd.DataFrame, outside: pd.DataFrame) -> str:
    """`12 of books, 30 of films. Median interactions: 8, against 3 for the other points.`"""
    by_domain = inside[DOMAIN].value_counts()
    parts = [
        f"{by_domain.get(domain, 0):,} of {plain(name)}" for domain, name in data.names.items()
    ]
    text = f"{', '.join(parts)}. Median interactions: {inside[COUNT].median():,.0f}"
    if len(outside):
        text += f", against {outside[COUNT].median():,.0f} for all other points"
    return f"{text}."


def _show_categories(inside: pd.DataFrame, outside: pd.DataFrame) -> None:
    table = category_shares(inside[CATEGORY], outside[CATEGORY])
    if table.empty:
        st.caption("None of these has a category.")
        return
    looks = {name: st.column_config.NumberColumn(format="percent") for name in (HERE, ELSEWHERE)}
    show_table(table, "selected_categories", column_config=looks)


def category_shares(inside: pd.Series, outside: pd.Series) -> pd.DataFrame:
    """The most frequent categories inside, with their shares among points that have one."""
    here, elsewhere = (part[part != ""].value_counts(normalize=True) for part in (inside, outside))
    top = here.head(TOP)
    return pd.DataFrame(
        {
            CATEGORY: top.index.astype("str"),
            HERE: top.to_numpy(),
            ELSEWHERE: elsewhere.reindex(top.index).fillna(0).to_numpy(),
        }
    )
