"""Fusion: how much should each domain count?"""

import streamlit as st

from core.ui.frame import page
from core.ui.fusion.beyond import show_beyond
from core.ui.fusion.board import limits, scale_words, show_reach, weigh
from core.ui.fusion.data import pick_recipe
from core.ui.fusion.ratings import rating_limits, weigh_ratings
from core.ui.state import require_model

with page("Fusion", "How much should each domain count?"):
    run = require_model()
    rates = run.card.task.rates
    if rates:
        weigh_ratings(run)
    else:
        recipe, by = pick_recipe(run)
        st.caption(scale_words(run, recipe.kind, recipe.scale))
        show_reach(run, recipe)
        weigh(run, recipe, by)
        show_beyond(run, recipe)
    with st.expander("What the weights can and cannot change"):
        st.markdown(rating_limits(run) if rates else limits(run))
