"""Metrics: which run is better, for whom, and is it more than noise?"""

import streamlit as st

from core.ui.data.checks import draw_time_note
from core.ui.frame import page
from core.ui.metrics.figures import contenders, table_of, verdict_of
from core.ui.metrics.lift import show_lift
from core.ui.metrics.table import show_new_items, show_ratings, show_runs
from core.ui.metrics.tabs import show_tabs
from core.ui.metrics.view import pick_runs, pick_view, too_few
from core.ui.state import require_run
from core.ui.train.derived import draw_upload_notes
from core.ui.widgets import plain

with page("Metrics", "Which run is better, for whom, and is it more than noise?"):
    run = require_run()
    verdict = st.container(border=True)
    view = pick_view(run)
    verdict.markdown(f"**{plain(verdict_of(run, view.part, view.column), 1000)}**")
    draw_upload_notes(run)

    lines = contenders(pick_runs(run))
    if not too_few(run, view.part, view.segment):
        headline = run.card.task
        if headline == "rating":
            show_ratings(lines, view)
        show_runs(lines, table_of(lines, view.part, view.k, view.segment), view)
        if headline != "rating":
            show_ratings(lines, view)
        show_new_items(run, view)

    st.subheader("What the source adds", anchor=False)
    show_lift(run, view)
    draw_time_note(run.record.split_hash)

    show_tabs(run, lines, view)
