"""Embeddings: where do the two domains lie, before and after alignment?"""

import streamlit as st

from core.ui.embeddings.data import map_data
from core.ui.embeddings.gap import show_before_after
from core.ui.embeddings.job import pick_layout
from core.ui.embeddings.map import show_map
from core.ui.embeddings.neighbours import show_neighbours
from core.ui.embeddings.selection import show_selection
from core.ui.embeddings.view import pick_view
from core.ui.entrance import page
from core.ui.shell import guarded
from core.ui.state import require_model

with page("Embeddings", "Where do the two domains lie, and do they mix?"):
    run = require_model()
    one_map, before_after = st.tabs(
        ["Map", "Before and after"], key="embeddings_tab", on_change="rerun"
    )
    if one_map.open:
        with one_map:
            view = pick_view()
            data = map_data(run, view.what)
            over = st.container()  # the map stands over the search's answer, which it marks
            found = show_neighbours(data, view.search)
            with over:
                layout = pick_layout(data, view)
                chosen = show_map(data, layout, view, found)
            show_selection(data, chosen)
    if before_after.open:
        with before_after, guarded():
            show_before_after(run)
