"""Two runs side by side for one user, with arrows for what moved."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import TARGET
from core.basics.formatting import count
from core.runs.explain.one_user import ShortList, UserList, kept_list, user_list
from core.store.run_folder import Run
from core.ui import cached
from core.ui.metrics.view import comparable
from core.ui.recommendations.view import View, fusion_of
from core.ui.run_names import run_names
from core.ui.tables import show_table
from core.ui.texts import plain

TWIN = "its twin, target only"


def show_two_runs(view: View, listed: UserList | ShortList) -> None:
    """Pick the other run; its list stands at the right with ranks and arrows."""
    others = _others(view.run)
    if not others:
        st.caption("There is no other run on this split, and this one has no twin.")
        return
    name = st.selectbox("Compare with", list(others), key="compare_user_with")
    theirs = _list_of(view, others[name])
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{plain(view.run.label, 60)}**")
        show_table(_table(view, listed, theirs), "list_ours", height=_height(listed))
    with right:
        st.markdown(f"**{plain(name, 60)}**")
        show_table(_table(view, theirs, listed), "list_theirs", height=_height(theirs))
    shared = len(np.intersect1d(listed.items, theirs.items))
    st.caption(
        f"{count(shared, 'item')} of {len(listed.items)} in both lists. An arrow says how many "
        "places an item stands higher (▲) or lower (▼) than in the other list; ✓ is a held-out hit."
    )


def _others(run: Run) -> dict[str, Run]:
    """The twin first, then every run on the same split, by a name that differs."""
    others: dict[str, Run] = {TWIN: run.twin} if run.twin else {}
    fits = comparable(run, cached.runs())[0]
    names = run_names(fits)
    return others | {names[other.id]: other for other in fits if other.id != run.id}


def _list_of(view: View, other: Run) -> UserList | ShortList:
    """The same user's list of another run, as its folder has it where there is no model."""
    if not other.has_model:
        return kept_list(other, view.split, view.part, view.user, view.k)
    model, fusion = cached.model(other), fusion_of(other)
    return user_list(model, view.split, view.part, view.user, fusion, view.k)


def _table(view: View, ours: UserList | ShortList, theirs: UserList | ShortList) -> pd.DataFrame:
    titles = cached.item_names(view.split, TARGET)
    places = {int(item): place for place, item in enumerate(theirs.items, start=1)}
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(ours.items) + 1),
            "title": titles[ours.items],
            "hit": np.where(ours.hits, "✓", ""),
            "moved": [
                _arrow(place, places.get(int(item)))
                for place, item in enumerate(ours.items, start=1)
            ],
        }
    )


def _arrow(here: int, there: int | None) -> str:
    if there is None:
        return "only here"
    return "=" if here == there else f"▲ {there - here}" if here < there else f"▼ {here - there}"


def _height(listed: UserList | ShortList) -> int:
    return min(760, 40 + 35 * max(1, len(listed.items)))
