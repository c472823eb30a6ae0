"""Recommendations: what does this user get, why, and what if?"""

import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.ui.frame import page
from core.ui.recommendations.checks import show_checks, show_faithfulness
from core.ui.recommendations.export import show_export
from core.ui.recommendations.list import (
    show_history,
    show_list,
    show_new_items,
    show_two_runs,
    show_uploaded,
)
from core.ui.recommendations.view import pick_view, show_header
from core.ui.recommendations.what_if import show_visitor, show_what_if
from core.ui.recommendations.why import (
    list_of,
    on_the_bar,
    show_paths,
    show_text_why,
    show_why,
    why_of,
)
from core.ui.state import linked, one_of, require_run

TABS = ["List", "Compare two runs", "What if", "New visitor", "All users as CSV"]

with page("Recommendations", "What does this user get, why, and what if?"):
    run = require_run()
    top = st.container()
    if not run.has_model:
        with top:
            view = pick_view(run)
            show_header(view)
        show_uploaded(view)
        st.stop()

    one, two, edited, visitor, everybody = st.tabs(
        TABS, **linked("lists_tab", TABS[0], one_of(TABS), key="lists_tab")
    )
    of_nobody = bool(visitor.open or everybody.open)  # neither is about the chosen user
    with top:
        view = pick_view(run, of_nobody)
        listed = list_of(view)
        if not of_nobody:
            show_header(view, listed)
    if one.open:
        with one:
            left, middle, right = st.columns([1.2, 1.25, 1.2], gap="medium")
            place = show_list(view, listed, middle)
            why = why_of(view, listed, place)
            drawn = on_the_bar(why, listed, place)
            show_history(view, listed, SOURCE, drawn, left)
            show_history(view, listed, TARGET, drawn, right)
            with middle:
                show_new_items(view)
            show_why(view, drawn)
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
