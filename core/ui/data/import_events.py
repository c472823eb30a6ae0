"""Data page, Import: the event types of a file, and what each of them counts."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.formatting import count
from core.data.reading.kinds import MOST_TYPES
from core.ui.texts import plain

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
