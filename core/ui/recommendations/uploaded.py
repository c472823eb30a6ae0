"""A run that is only lists: what another system recommends to this user, without reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.fusion.lists import NOBODY
from core.ui import cached
from core.ui.recommendations.list import show_training
from core.ui.recommendations.view import View
from core.ui.tables import show_table
from core.ui.texts import count, plain


def show_uploaded(view: View) -> None:
    """The kept list between both histories, and why there is no more to ask."""
    st.info(
        "This run is lists that another system made. There is no model here to ask, so there are "
        "no reasons, no weights and no what-if."
    )
    left, middle, right = st.columns([1, 1.35, 1], gap="medium")
    for column, domain in ((left, SOURCE), (right, TARGET)):
        show_training(view, domain, column)
    with middle:
        st.markdown(f"**For this user in :blue[{plain(view.run.record['target_name'], 40)}]**")
        _show_list(view)


def _show_list(view: View) -> None:
    items = _kept(view)
    if not len(items):
        st.caption("The lists have nothing for this user here.")
        return
    held_out = view.split.held_out(view.part)[[view.user]].indices
    hits = np.isin(items, held_out)
    table = pd.DataFrame({
        "rank": np.arange(1, len(items) + 1),
        "hit": np.where(hits, "✓", ""),
        "title": cached.item_names(view.split, TARGET)[items],
    })  # fmt: skip
    show_table(table, "uploaded_list", height=min(760, 40 + 35 * len(items)))
    st.caption(f"{int(hits.sum())} of {count(len(held_out), 'held-out item')} found (✓).")


def _kept(view: View) -> np.ndarray:
    """The user's list as it was uploaded, (up to k,) item numbers."""
    if not view.run.has_lists:
        return np.empty(0, dtype=np.int32)
    kept = view.run.lists(view.part)
    row = np.flatnonzero(kept.users == view.user)
    items = kept.items[row[0], : view.k] if len(row) else kept.items[:0].ravel()
    return items[items != NOBODY]
