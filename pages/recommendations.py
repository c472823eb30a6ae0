"""Recommendations: what does this user get, why, and what does another run say?"""

import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.ui.entrance import page
from core.ui.recommendations.compare import show_two_runs
from core.ui.recommendations.export import show_export
from core.ui.recommendations.list import show_history, show_list
from core.ui.recommendations.view import pick_view, show_header
from core.ui.recommendations.why import list_of, show_why, why_of
from core.ui.state import require_run

with page("Recommendations", "What does this user get, and why?"):
    view = pick_view(require_run())
    show_header(view)
    listed = list_of(view)

    one, two, everybody = st.tabs(
        ["List", "Compare two runs", "All users as CSV"], key="lists_tab", on_change="rerun"
    )
    if one.open:
        with one:
            left, middle, right = st.columns([1, 1.35, 1], gap="medium")
            place = show_list(view, listed, middle)
            why = why_of(view, listed, place)
            show_history(view, listed, SOURCE, why, left)
            show_history(view, listed, TARGET, why, right)
            show_why(view, why)
    if two.open:
        with two:
            show_two_runs(view, listed)
    if everybody.open:
        with everybody:
            show_export(view)
