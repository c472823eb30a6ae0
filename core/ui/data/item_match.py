"""Data page, Import: whether the column taken for the item holds items that are known already."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.basics.columns import ATTRIBUTE, ITEM
from core.basics.formatting import count
from core.data.checks.item_match import known_in_head
from core.data.reading.options import IGNORE, INTERACTIONS, ITEMS
from core.ui.data.shared import datasets
from core.ui.shell import database
from core.ui.texts import plain

_OTHERS = {ITEMS: INTERACTIONS, INTERACTIONS: ITEMS}  # kind -> what its items are looked for in
_HARDLY = 0.5  # where another column knows twice as many items, it is proposed


def draw_item_match(key: str, kind: str, head: pd.DataFrame, roles: dict[str, str]) -> None:
    """Say where another column than the chosen one holds the items of files imported before.

    key: of the file's widgets, as in `pick_roles`. Nothing is said where no such file is there, or
    the chosen column is as good as any.
    """
    files = [str(dataset.file) for dataset in datasets(_OTHERS[kind])] if kind in _OTHERS else []
    chosen = next((column for column, role in roles.items() if role == ITEM), None)
    if not files or chosen is None:
        return
    free = [column for column in head if roles.get(column, IGNORE) in (ITEM, IGNORE, ATTRIBUTE)]
    known = _known(tuple(files), f"{key}_{free}_{len(head)}", head[free])
    best = max(known, key=lambda column: known[column])
    if not known[best] or known[chosen] > _HARDLY * known[best]:
        return
    other = "the item tables" if kind == INTERACTIONS else "the interactions"
    st.warning(
        f"In the first {count(len(head), 'row')} {plain(chosen, 40)} has "
        f"{count(known[chosen], 'item')} of {other} imported before, and {plain(best, 40)} has "
        f"{known[best]:,}.",
        icon=":material/help:",
    )
    st.button(
        f"Take {plain(best, 40)} as the item",
        key=f"{key}_take_item",
        icon=":material/build:",
        on_click=_take,
        args=(key, len(head.columns), chosen, best),
    )


def _take(key: str, width: int, chosen: str, best: str) -> None:
    """Set the selectors of `pick_roles`, whichever of its two forms is shown."""
    st.session_state.update(
        {
            f"{key}_role_{width}_{chosen}": IGNORE,
            f"{key}_role_{width}_{best}": ITEM,
            f"{key}_column_{width}_{ITEM}": best,
        }
    )


@st.cache_data(show_spinner=False, max_entries=40)
def _known(files: tuple[str, ...], key: str, _head: pd.DataFrame) -> dict[str, int]:
    with database() as cursor:
        return known_in_head(cursor, [Path(file) for file in files], _head)
