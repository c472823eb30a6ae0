"""Embeddings: where do the two domains lie, before and after alignment?"""

import streamlit as st

from core.ui.embeddings.data import pick_layout, points_of, readings, run_or_texts
from core.ui.embeddings.gap import show_before_after
from core.ui.embeddings.map import show_map
from core.ui.embeddings.selection import show_found, show_selection
from core.ui.embeddings.view import pick_view
from core.ui.frame import page
from core.ui.shell import guarded
from core.ui.state import linked, one_of

with page("Embeddings", "Where do the two domains lie, and do they mix?"):
    run = run_or_texts()
    tabs = ["Map"] if run is None else ["Map", "Before and after"]
    one_map, *before_after = st.tabs(
        tabs, **linked("embeddings_tab", tabs[0], one_of(tabs), key="embeddings_tab")
    )
    if one_map.open:
        with one_map:
            view, layouts = pick_view(run is not None, readings(run))
            data = points_of(run, view)
            over = st.container()  # the map stands over the search's answer, which it marks
            found = show_found(data, view)
            with over:
                layout = pick_layout(data, view, layouts)
                chosen = show_map(data, layout, view, found)
            show_selection(data, chosen)
    for tab in before_after:
        if tab.open:
            with tab, guarded():
                show_before_after(run)
