"""Fusion: how much should each domain count?"""

import streamlit as st

from core.store.run_folder import Run
from core.ui import fusion_data
from core.ui.fusion_figures import (
    show_best_ratios,
    show_curve,
    show_figures,
    show_pin,
    show_reach,
)
from core.ui.fusion_user import show_user
from core.ui.fusion_weights import jump_buttons, pick_recipe, pick_weights, pinned
from core.ui.fusion_words import formula, limits, ratio_words, scale_words
from core.ui.shell import guarded, page
from core.ui.state import require_run


@st.fragment
def weigh(run: Run, recipe: fusion_data.Recipe, by: str) -> None:
    """Sliders and everything that moves with them; the rest of the page stays as it is."""
    with guarded():
        board = fusion_data.board(run, recipe)
        charts, best = fusion_data.charts(run, recipe, by), fusion_data.best_share(run, recipe, by)
        equation = st.empty()
        here, pin = pick_weights(run, recipe), pinned(run)
        equation.markdown(formula(run, here.kind, here.scale, here.alpha, here.beta))
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


with page("Fusion", "How much should each domain count?"):
    run = require_run()
    recipe, by = pick_recipe(run)
    st.caption(scale_words(run, recipe.kind, recipe.scale))
    show_reach(run, fusion_data.board(run, recipe))
    weigh(run, recipe, by)
    with st.expander("What the weights can and cannot change"):
        st.markdown(limits(run))
