"""Recommendations: what does this user get, why, and what if?"""

import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.ui.frame import page
from core.ui.recommendations.checks import show_checks, show_faithfulness
from core.ui.recommendations.list import (
    show_export,
    show_history,
    show_list,
    show_two_runs,
    show_uploaded,
)
from core.ui.recommendations.view import pick_view, show_header
from core.ui.recommendations.what_if import show_visitor, show_what_if
from core.ui.recommendations.why import list_of, show_paths, show_text_why, show_why, why_of
from core.ui.state import linked, one_of, require_run

TABS = ["List", "Compare two runs", "What if", "New visitor", "All users as CSV"]

with page("Recommendations", "What does this user get, why, and what if?"):
    view = pick_view(require_run())
    show_header(view)
    if not view.run.has_model:
        show_uploaded(view)
        st.stop()
    listed = list_of(view)

    one, two, edited, visitor, everybody = st.tabs(
        TABS, **linked("lists_tab", TABS[0], one_of(TABS), key="lists_tab")
    )
    if one.open:
        with one:
            left, middle, right = st.columns([1, 1.35, 1], gap="medium")
            place = show_list(view, listed, middle)
            why = why_of(view, listed, place)
            show_history(view, listed, SOURCE, why, left)
            show_history(view, listed, TARGET, why, right)
            show_why(view, why)
            show_paths(view, why)
            show_text_why(view, why)
            show_checks(view, why)
            show_faithfulness(view)
    if two.open:
        with two:
            show_two_runs(view, listed)
    if edited.open:
        with edited:
            show_what_if(view)
    if visitor.open:
        with visitor:
            show_visitor(view)
    if everybody.open:
        with everybody:
            show_export(view)
