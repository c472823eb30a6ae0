"""Data page, Import: how the values of columns are written: times, numbers, several in one cell."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from core.basics.columns import CATEGORIES, RATING, TIME
from core.basics.formatting import count
from core.data.reading.cells import SEPARATORS
from core.data.reading.doubts import Doubt, find_doubts, said_of_values, settled, unsettled
from core.data.reading.kinds import MOST_TYPES
from core.data.reading.numbers import GROUPS
from core.data.reading.options import IGNORE, ITEMS, ReadOptions
from core.data.reading.rows import NUMBERS
from core.data.reading.times import FORM_NAMES
from core.ui.widgets import plain

THOUSANDS = {"": "nothing", ",": "comma  ,", ".": "point  .", " ": "blank", "'": "apostrophe  '"}


def pick_values(key: str, sample: pd.DataFrame, options: ReadOptions) -> ReadOptions:
    """The options with what the values of the chosen columns show, and what is chosen of them.

    What is open is asked in sight, with what each choice makes of the first values; what is sure
    can be changed below. A column of times of which nothing is chosen is left out. Raises DataError
    for a form that cannot be one.
    """
    options = settled(sample, unsettled(options))
    found = find_doubts(sample, options)
    doubts = {doubt.option: doubt for doubt in found if doubt.option}
    for sentence in said_of_values(sample, options):
        st.caption(f":orange[:material/help:] {plain(sentence, 300)}")
    for doubt in found:
        st.warning(plain(f"{doubt.what} {doubt.hint}", 500), icon=":material/help:")
        if doubt.option == "date_format":
            options = _pick_form(key, doubt, options)
        elif doubt.option == "no_rating":
            options = _pick_unrated(key, list(doubt.choices), options)
        elif doubt.option == "thousands":
            options = _pick_thousands(key, doubt.choices, options)
        elif doubt.option == "separator":
            options = _pick_separator(key, doubt.choices, options)
    return _draw_sure(key, options, doubts)


def _draw_sure(key: str, options: ReadOptions, doubts: dict[str, Doubt]) -> ReadOptions:
    """What nobody need be asked about, folded away; only of roles that the file has."""
    has = options.columns()
    numbers = [role for role in has if role in NUMBERS]
    names = options.kind == ITEMS and CATEGORIES in has
    if not (TIME in has or numbers or names):
        return options
    with st.expander("How values are written"):
        if TIME in has and "date_format" not in doubts:
            options = _pick_form(key, None, options)
        if numbers and "thousands" not in doubts:
            options = _pick_thousands(key, {}, options)
        if RATING in has and "no_rating" not in doubts:
            options = _pick_unrated(key, [], options)
        if names and "separator" not in doubts:
            options = _pick_separator(key, {}, options)
    return options


def _pick_form(key: str, doubt: Doubt | None, options: ReadOptions) -> ReadOptions:
    column = options.columns()[TIME]
    forms = dict.fromkeys([*(doubt.choices if doubt else [options.date_format]), *FORM_NAMES])

    def words(form: str) -> str:
        called = FORM_NAMES.get(form, form)
        made = doubt.choices.get(form, "") if doubt else ""
        return f"{called}: {made}" if made else called

    form = st.selectbox(
        f"Form of the times in {plain(column, 30)}",
        list(forms),
        index=None if doubt else 0,
        accept_new_options=True,
        format_func=words,
        key=f"{key}_form_{column}",
        persist_state="session",
        placeholder="Left out until you choose",
        help="Any form may be typed as strptime has it: %d day, %m month, %Y year, %y year of two "
        "digits, %H hour, %I hour of half a day, %p AM or PM, %M minute, %S second, %b month by "
        "name, %z zone.",
    )
    if form is None:
        return replace(options, roles=options.roles | {column: IGNORE})
    return replace(options, date_format=str(form))


def _pick_unrated(key: str, offered: list[str], options: ReadOptions) -> ReadOptions:
    column = options.columns()[RATING]
    said = st.multiselect(
        f"Values of {plain(column, 30)} that mean \u201cnot rated\u201d",
        offered,
        accept_new_options=True,
        key=f"{key}_unrated_{column}",
        persist_state="session",
        placeholder="None: every value is a rating",
        help="Rows with such a value are left out, counted under a reason of their own.",
    )
    return replace(options, no_rating=" ".join("".join(str(value).split()) for value in said))


def _pick_thousands(key: str, made: dict[str, str], options: ReadOptions) -> ReadOptions:
    offered = list(THOUSANDS)
    mark = st.selectbox(
        "Between groups of three digits stands",
        offered,
        index=offered.index(options.thousands) if options.thousands in GROUPS else 0,
        format_func=lambda mark: (
            f"{THOUSANDS[mark]}: {made[mark]}" if mark in made else THOUSANDS[mark]
        ),
        key=f"{key}_thousands",
        persist_state="session",
    )
    return replace(options, thousands=mark)


def _pick_separator(key: str, made: dict[str, str], options: ReadOptions) -> ReadOptions:
    column = options.columns()[CATEGORIES]
    offered = list(dict.fromkeys([options.separator, *SEPARATORS]))
    mark = st.selectbox(
        f"Between several values in a cell of {plain(column, 30)} stands",
        offered,
        accept_new_options=True,
        format_func=lambda mark: " · ".join(
            filter(None, (SEPARATORS.get(mark, mark), made.get(mark, "")))
        ),
        key=f"{key}_separator_{column}",
        persist_state="session",
        help="Lists in brackets, as Python or JSON write them, are read as they are.",
    )
    return replace(options, separator=str(mark or options.separator))


# Data page, Import: the event types of a file, and what each of them counts.

TYPE, ROWS, WEIGHT = "event type", "rows", "weight"
_BLANK = "(blank)"


def pick_weights(key: str, column: str, rows: dict[str, int], tried: int) -> dict[str, float]:
    """Event type -> weight, for every type that shall not count 1.

    rows: how often each type is among the first rows, of which `tried` were looked at.
    """
    st.caption(
        f"Event types in {plain(column, 40)}, of the first {count(tried, 'row')}. The weight "
        "multiplies a row's count; 0 leaves its rows out. Types that are not listed count 1."
    )
    types = list(rows)
    edited = st.data_editor(
        pd.DataFrame({TYPE: [one or _BLANK for one in types], ROWS: rows.values(), WEIGHT: 1.0}),
        hide_index=True,
        disabled=[TYPE, ROWS],
        key=f"{key}_events_{column}",
        column_config={
            ROWS: st.column_config.NumberColumn(format="localized"),
            WEIGHT: st.column_config.NumberColumn(min_value=0.0, required=True, step=0.1),
        },
    )
    if len(types) == MOST_TYPES:
        st.warning(f"These are the {MOST_TYPES} most frequent types: is it a column of types?")
    weights = dict(zip(types, edited[WEIGHT].fillna(1.0).tolist(), strict=True))
    return {event: float(weight) for event, weight in weights.items() if weight != 1.0}


def events_words(events: dict[str, int], weights: dict[str, float]) -> str:
    """What was counted of each event type at the import, and what each weighs."""
    told = [
        f"{rows:,} {plain(event or _BLANK, 40)} × {weights.get(event, 1.0):g}"
        for event, rows in events.items()
    ]
    return f"Events by weight: {', '.join(told[:12])}" + (
        f" and {len(told) - 12} more types." if len(told) > 12 else "."
    )
