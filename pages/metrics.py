"""Metrics: for whom does the source help, and which run is better?"""

import streamlit as st

from core.ui.folds import show_folds
from core.ui.frame import page
from core.ui.metrics.figures import contenders, table_of
from core.ui.metrics.lift import show_lift, show_time_note
from core.ui.metrics.table import show_new_items, show_ratings, show_runs
from core.ui.metrics.tabs import show_tabs
from core.ui.metrics.view import pick_runs, pick_view, too_few
from core.ui.state import require_run
from core.ui.train.derived import draw_upload_notes

with page("Metrics", "Whom does the source help, and which run is better?"):
    run = require_run()
    view = pick_view(run)
    draw_upload_notes(run)
    show_folds(run, view.part, view.column)
    show_lift(run, view)
    show_time_note(run)

    st.subheader("Beside other runs", anchor=False)
    lines = contenders(pick_runs(run))
    if not too_few(run, view.part, view.segment):
        headline = run.card.task
        if headline == "rating":
            show_ratings(lines, view)
        show_runs(lines, table_of(lines, view.part, view.k, view.segment), view)
        if headline != "rating":
            show_ratings(lines, view)
        show_new_items(run, view)

    show_tabs(run, lines, view)
