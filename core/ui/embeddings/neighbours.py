"""Find one item or user and its neighbours in the original space, in both domains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE
from core.basics.types import BoolArray, FloatArray, IntArray
from core.embedding.neighbours import nearest_to
from core.ui.embeddings.data import CATEGORY, COUNT, DOMAIN, NAME, MapData
from core.ui.tables import show_table
from core.ui.texts import plain

K = 10  # neighbours per domain
MATCHES = 50  # offered at most
SIMILARITY = "cosine"


@dataclass(frozen=True)
class Found:
    """A point, or words that are none, and its neighbours, as rows of the data's table."""

    row: int | None
    name: str
    neighbours: IntArray


def show_neighbours(data: MapData, search: str) -> Found | None:
    """Who matches the search, and the nearest of both domains to the one chosen; None if nobody."""
    if not search:
        return None
    matches = matching(data.table, search)
    if not len(matches):
        st.info(f"No title or id on this map contains “{plain(search)}”.")
        return None
    row = st.selectbox(
        f"{len(matches)} found" + (", the first shown" if len(matches) == MATCHES else ""),
        matches.tolist(),
        format_func=lambda row: _label(data, row),
        key="map_found",
    )
    name = str(data.table[NAME].iloc[row])
    st.markdown(f"**Nearest to {plain(name)}** in the original space, by cosine")
    others = (data.points.is_item == data.points.is_item[row]) & (np.arange(len(data.table)) != row)
    return Found(row, name, _show_both(data, data.points.vectors[row], others))


def show_meaning(data: MapData, words: str, vector: FloatArray, by_meaning: bool) -> Found:
    """The items of both domains whose texts come nearest to a person's words."""
    how = "by meaning" if by_meaning else "by their words"
    st.markdown(f"**Nearest to “{plain(words)}”** {how}, as the encoder reads both; by cosine")
    return Found(None, words, _show_both(data, vector, data.points.is_item))


def matching(table: pd.DataFrame, search: str) -> IntArray:
    """Rows whose name contains the words, those that begin with them first, at most 50."""
    names = table[NAME].astype("str").str.casefold()
    wanted = search.casefold()
    rows = np.flatnonzero(names.str.contains(wanted, regex=False))
    begins = names.iloc[rows].str.startswith(wanted).to_numpy()
    return rows[np.argsort(~begins, kind="stable")][:MATCHES]


def _show_both(data: MapData, wanted: FloatArray, among: BoolArray) -> IntArray:
    """Tables of both domains' nearest points; answers their rows."""
    found = []
    for column, (domain, colour) in zip(
        st.columns(2, gap="large"), ((SOURCE, "orange"), ("target", "blue")), strict=True
    ):
        here = np.flatnonzero(among & (data.points.is_source == (domain == SOURCE)))
        rows, cosines = nearest_to(data.points.vectors, wanted, K, here)
        found.append(rows)
        with column:
            st.markdown(f":{colour}[**{plain(data.names[domain])}**]")
            _show_rows(data.table.iloc[rows], cosines, f"nearest_{domain}")
    return np.concatenate(found)


def _show_rows(rows: pd.DataFrame, cosines: np.ndarray, key: str) -> None:
    frame = rows[[NAME, CATEGORY, COUNT]].copy()
    frame.insert(1, SIMILARITY, cosines)
    looks = {
        NAME: st.column_config.TextColumn(width=200),
        CATEGORY: st.column_config.TextColumn(width=85),
        SIMILARITY: st.column_config.NumberColumn(format="%.3f", width=70),
    }
    show_table(frame, key, download=f"{key}.csv", column_config=looks)


def _label(data: MapData, row: int) -> str:
    entry = data.table.iloc[row]
    return f"{entry[NAME]} · {data.names[entry[DOMAIN]]}"
