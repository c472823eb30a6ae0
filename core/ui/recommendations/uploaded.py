"""A run that is only lists: what another system recommends to this user, without reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count
from core.runs.explain.one_user import ShortList, kept_list
from core.ui import cached
from core.ui.recommendations.compare import show_two_runs
from core.ui.recommendations.list import show_training
from core.ui.recommendations.view import View
from core.ui.tables import show_table
from core.ui.texts import plain


def show_uploaded(view: View) -> None:
    """The kept list between both histories, beside another run's, and why no more can be asked."""
    st.info(
        "This run is lists that another system made. There is no model here to ask, so there are "
        "no reasons, no weights and no what-if."
    )
    listed = kept_list(view.run, view.split, view.part, view.user, view.k)
    one, two = st.tabs(["List", "Compare two runs"], key="lists_tab", on_change="rerun")
    if one.open:
        with one:
            left, middle, right = st.columns([1, 1.35, 1], gap="medium")
            show_training(view, SOURCE, left)
            show_training(view, TARGET, right)
            with middle:
                _show_list(view, listed)
    if two.open:
        with two:
            show_two_runs(view, listed)


def _show_list(view: View, listed: ShortList) -> None:
    st.markdown(f"**For this user in :blue[{plain(view.run.record['target_name'], 40)}]**")
    if not len(listed.items):
        st.caption("The lists have nothing for this user here.")
        return
    table = pd.DataFrame(
        {
            "rank": np.arange(1, len(listed.items) + 1),
            "hit": np.where(listed.hits, "✓", ""),
            "title": cached.item_names(view.split, TARGET)[listed.items],
        }
    )
    show_table(table, "uploaded_list", height=min(760, 40 + 35 * len(table)))
    held_out = view.split.held_out(view.part)[[view.user]].nnz
    st.caption(f"{int(listed.hits.sum())} of {count(held_out, 'held-out item')} found (✓).")
