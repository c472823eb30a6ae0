"""Fusion: how much should each domain count?"""

import streamlit as st

from core.ui.frame import page
from core.ui.fusion.board import limits, weigh
from core.ui.fusion.ratings import rating_limits, weigh_ratings
from core.ui.state import require_model

with page("Fusion", "How much should each domain count?"):
    run = require_model()
    rates = run.card.task.rates
    if rates:
        weigh_ratings(run)
    else:
        weigh(run)
    with st.expander("What the weights can and cannot change"):
        st.markdown(rating_limits(run) if rates else limits(run))
