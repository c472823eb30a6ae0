"""Metrics: which run is better, for whom, and is it more than noise?"""

import streamlit as st

from core.ui.entrance import page
from core.ui.metrics.figures import contenders, table_of, verdict_of
from core.ui.metrics.lift import show_lift
from core.ui.metrics.ratings import show_ratings
from core.ui.metrics.table import show_runs
from core.ui.metrics.tradeoff import show_trade_off
from core.ui.metrics.users import show_users
from core.ui.metrics.view import pick_runs, pick_view
from core.ui.state import require_run
from core.ui.texts import plain

with page("Metrics", "Which run is better, for whom, and is it more than noise?"):
    run = require_run()
    verdict = st.container(border=True)
    view = pick_view(run)
    verdict.markdown(f"**{plain(verdict_of(run, view.part, view.column), 1000)}**")

    lines = contenders(pick_runs(run))
    figures = table_of(lines, view)
    show_ratings(lines, view)
    show_runs(lines, figures, view)

    st.subheader("What the source adds", anchor=False)
    show_lift(run, view)

    users, trade_off = st.tabs(["Per user", "Trade-off"], key="metrics_tab", on_change="rerun")
    if users.open:
        with users:
            show_users(run, view)
    if trade_off.open:
        with trade_off:
            show_trade_off(lines, figures)
