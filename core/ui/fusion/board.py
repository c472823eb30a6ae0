"""Sliders and everything that moves with them, as a fragment: the rest of the page stays still."""

from __future__ import annotations

import streamlit as st

from core.store.run_folder import Run
from core.ui.fusion import data as fusion_data
from core.ui.fusion.data import Recipe
from core.ui.fusion.figures import show_best_ratios, show_curve, show_figures, show_pin
from core.ui.fusion.user import show_user
from core.ui.fusion.weights import jump_buttons, pick_weights, pinned
from core.ui.fusion.words import formula, ratio_words
from core.ui.shell import guarded


@st.fragment
def weigh(run: Run, recipe: Recipe, by: str) -> None:
    """The curve comes right after the sliders, so that it is repainted first."""
    with guarded():
        board = fusion_data.board(run, recipe)
        equation = st.empty()
        here, pin = pick_weights(run, recipe), pinned(run)
        equation.markdown(formula(run, here.kind, here.scale, here.alpha, here.beta))
        charts, best = fusion_data.charts(run, recipe, by), fusion_data.best_share(run, recipe, by)
        left, right = st.columns([2, 1], gap="large")
        with left:
            st.markdown(ratio_words(here.alpha, here.beta))
            show_curve(charts, here, pin)
        with right:
            jump_buttons(run, here, best)
            show_best_ratios(charts)
        show_figures(board, here)
        show_pin(run, pin)
        st.subheader("One user's list as the weights move", anchor=False)
        show_user(run, here)
