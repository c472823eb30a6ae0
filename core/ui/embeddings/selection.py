"""What points of a map are: what sets the selected ones apart, and what is nearest to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count, number, signed
from core.basics.types import BoolArray, FloatArray, IntArray
from core.embedding.distinct import DOMAIN, LIFT, WORD, Facts, Trait, distinct
from core.embedding.neighbours import nearest_to
from core.models.text.encoders import ENCODERS
from core.models.text.vectors import beside_nothing
from core.ui.embeddings.data import (
    CATEGORIES,
    COUNT,
    KIND,
    NAME,
    MapData,
    facts,
)
from core.ui.embeddings.view import View
from core.ui.text_vectors import vector_of_words
from core.ui.widgets import plain as plain_text
from core.ui.widgets import show_table

TOP = 10  # traits listed: what a table shows without scrolling
WORDS = 4  # words of titles among them
HEIGHT = 360  # pixels of the table of points
WHAT, HERE, ELSEWHERE, DIFFERENCE = "what", "selected", "all others", "difference"
EFFECT = "effect"
MANY = 20  # times as much, from which no decimal is shown
LARGE = 2.0  # an effect that fills its bar


def show_selection(data: MapData, rows: IntArray) -> None:
    """What sets the selected points apart as a ranked list, and the points as a table."""
    if not len(rows):
        st.markdown(":small[Draw a lasso or a box on the map to see what sets its points apart.]")
        return
    chosen = np.zeros(len(data.table), dtype=bool)
    chosen[rows] = True
    show_traits(facts(data), chosen, "selected point", "selected_traits")
    inside = data.table[chosen]
    by_domain = inside[DOMAIN].value_counts()
    parts = [
        f"{by_domain.get(domain, 0):,} of {plain_text(name)}" for domain, name in data.names.items()
    ]
    st.markdown(f"**Which are they?** {', '.join(parts)}.")
    shown = inside.assign(**{DOMAIN: inside[DOMAIN].map(data.names)})
    shown = shown[[NAME, KIND, DOMAIN, CATEGORIES, COUNT]].sort_values(COUNT, ascending=False)
    looks = {CATEGORIES: st.column_config.TextColumn(width="medium")}
    show_table(
        shown, "selected_points", download="selected.csv", height=HEIGHT, column_config=looks
    )


def show_traits(
    known: Facts, chosen: BoolArray, one: str, key: str, many: str | None = None
) -> None:
    """What sets the chosen points apart: the answer as a title, and a ranked list under it."""
    told = listed(distinct(known, chosen))
    n = count(int(chosen.sum()), one, many)
    if not told:
        st.markdown(f"**Nothing sets {n} apart beyond chance.**")
        return
    first = " and ".join(plain_text(_answer(trait)) for trait in told[:2])
    st.markdown(f"**{n}: what sets them apart?** {first}.")
    looks = {
        WHAT: st.column_config.TextColumn(width=170),
        EFFECT: st.column_config.ProgressColumn(
            width=110,
            format="%.1f",
            min_value=0,
            max_value=LARGE,
            help="Difference in standard deviations, more or less: .2 is small, .5 medium, .8 "
            "large (Cohen's h of shares, d of amounts). What could be chance is left out.",
        ),
    }
    show_table(trait_table(told), key, column_config=looks)


def listed(traits: Sequence[Trait]) -> list[Trait]:
    """The largest effects; of words and domains only what these points have more of."""
    told, words = [], 0
    for trait in traits:
        if trait.kind in (WORD, DOMAIN) and trait.effect < 0:
            continue
        words += trait.kind == WORD
        if trait.kind != WORD or words <= WORDS:
            told.append(trait)
    return told[:TOP]


def trait_table(traits: Sequence[Trait]) -> pd.DataFrame:
    """A row per trait: what it is, its value here and elsewhere with counts, and the difference."""
    return pd.DataFrame(
        [
            {
                WHAT: f"{trait.kind}: {trait.name}" if trait.name else trait.kind,
                HERE: _value(trait, trait.here, trait.n_here),
                ELSEWHERE: _value(trait, trait.elsewhere, trait.n_elsewhere),
                DIFFERENCE: _difference(trait),
                EFFECT: abs(trait.effect),
            }
            for trait in traits
        ]
    )


def _value(trait: Trait, value: float, n: int) -> str:
    if trait.name:
        return f"{_percent(value)} of {n:,}"
    middle = f"mean {signed(value)}" if trait.kind == LIFT else f"median {value:,.0f}"
    return f"{middle} of {n:,}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def _difference(trait: Trait) -> str:
    if trait.kind == LIFT:
        return signed(trait.here - trait.elsewhere)
    if trait.elsewhere <= 0:
        return "only here"
    times = trait.here / trait.elsewhere
    return f"{number(times, 1 if times < MANY else 0)}×"


def _answer(trait: Trait) -> str:
    """A trait in a sentence: `Fantasy (61 % against 12 %)`."""
    if trait.name:
        name = f"“{trait.name}”" if trait.kind == WORD else trait.name
        return f"{name} ({_percent(trait.here)} against {_percent(trait.elsewhere)})"
    told = signed if trait.kind == LIFT else (lambda value: f"{value:,.0f}")
    return f"{trait.kind} ({told(trait.here)} against {told(trait.elsewhere)})"


# Find one item or user and its neighbours in the original space, in both domains.

K = 10  # neighbours per domain
MATCHES = 50  # offered at most
SIMILARITY = "cosine"


@dataclass(frozen=True)
class Found:
    """A point, or words that are none, and its neighbours, as rows of the data's table."""

    row: int | None
    name: str
    neighbours: IntArray


def show_found(data: MapData, view: View) -> Found | None:
    """What the words or the title that was typed finds; the words where there are both."""
    if not view.meaning or data.run is not None:
        return show_neighbours(data, view.search)
    vector = vector_of_words(view.meaning, view.texts.encoder, "search_meaning")
    if vector is None:
        return None
    by_meaning = ENCODERS[view.texts.encoder].by_meaning
    wanted = beside_nothing(vector[None], data.points.vectors.shape[1])[0]
    return show_meaning(data, view.meaning, wanted, by_meaning)


def show_neighbours(data: MapData, search: str) -> Found | None:
    """Who matches the search, and the nearest of both domains to the one chosen; None if nobody."""
    if not search:
        return None
    matches = matching(data.table, search)
    if not len(matches):
        st.info(f"No title or id on this map contains “{plain_text(search)}”.")
        return None
    row = st.selectbox(
        f"{len(matches)} found" + (", the first shown" if len(matches) == MATCHES else ""),
        matches.tolist(),
        format_func=lambda row: _label(data, row),
        key="map_found",
    )
    name = str(data.table[NAME].iloc[row])
    st.markdown(f"**Nearest to {plain_text(name)}** in the original space, by cosine")
    others = (data.points.is_item == data.points.is_item[row]) & (np.arange(len(data.table)) != row)
    return Found(row, name, _show_both(data, data.points.vectors[row], others))


def show_meaning(data: MapData, words: str, vector: FloatArray, by_meaning: bool) -> Found:
    """The items of both domains whose texts come nearest to a person's words."""
    how = "by meaning" if by_meaning else "by their words"
    st.markdown(f"**Nearest to “{plain_text(words)}”** {how}, as the encoder reads both; by cosine")
    return Found(None, words, _show_both(data, vector, data.points.is_item))


def matching(table: pd.DataFrame, search: str) -> IntArray:
    """Rows whose name contains the words, those that begin with them first, at most 50."""
    names = table[NAME].astype("str").str.casefold()
    wanted = search.casefold()
    rows = np.flatnonzero(names.str.contains(wanted, regex=False))
    begins = names.iloc[rows].str.startswith(wanted).to_numpy()
    return rows[np.argsort(~begins, kind="stable")][:MATCHES]


def _show_both(data: MapData, wanted: FloatArray, among: BoolArray) -> IntArray:
    """Tables of both domains' nearest points, and return their rows."""
    found = []
    for column, (domain, colour) in zip(
        st.columns(2, gap="large"), ((SOURCE, "orange"), (TARGET, "blue")), strict=True
    ):
        here = np.flatnonzero(among & (data.points.is_source == (domain == SOURCE)))
        rows, cosines = nearest_to(data.points.vectors, wanted, K, here)
        found.append(rows)
        with column:
            st.markdown(f":{colour}[**{plain_text(data.names[domain])}**]")
            _show_rows(data.table.iloc[rows], cosines, f"nearest_{domain}")
    return np.concatenate(found)


def _show_rows(rows: pd.DataFrame, cosines: np.ndarray, key: str) -> None:
    frame = rows[[NAME, CATEGORIES]].copy()
    frame.insert(1, SIMILARITY, cosines)
    looks = {
        NAME: st.column_config.TextColumn(width=190),
        SIMILARITY: st.column_config.NumberColumn(format="%.3f", width=65),
    }
    show_table(frame, key, download=f"{key}.csv", column_config=looks)


def _label(data: MapData, row: int) -> str:
    entry = data.table.iloc[row]
    return f"{entry[NAME]} · {data.names[entry[DOMAIN]]}"
