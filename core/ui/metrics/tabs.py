"""The tabs under the Metrics page's lift; only the open one computes anything."""

from __future__ import annotations

import streamlit as st

from core.store.run_folder import Run
from core.ui.metrics.classification import show_classification, show_rating_fit
from core.ui.metrics.fairness import show_fairness
from core.ui.metrics.figures import Contender
from core.ui.metrics.lift import show_overlap
from core.ui.metrics.lists import show_beyond
from core.ui.metrics.tradeoff import show_trade_off
from core.ui.metrics.users import show_users
from core.ui.metrics.view import View


def show_tabs(run: Run, lines: list[Contender], view: View) -> None:
    """Per user first, then what lists are like, whom they serve, and runs against each other."""
    shown = {
        "Per user": lambda: show_users(run, view),
        "Beyond accuracy": lambda: show_beyond(lines, view),
        "Fairness": lambda: show_fairness(lines, view),
        "Classification": lambda: show_classification(lines, view),
        "Ratings": lambda: show_rating_fit(lines, view),
        "Overlap": lambda: show_overlap(run, view),
        "Trade-off": lambda: show_trade_off(lines, view),
    }
    if all(not line.run.card.task.rates for line in lines):
        del shown["Ratings"]
    tabs = st.tabs(list(shown), key="metrics_tab", on_change="rerun")
    for tab, show in zip(tabs, shown.values(), strict=True):
        if tab.open:
            with tab:
                show()
