"""Train: which model, and how far is it?"""

import streamlit as st

from core.ui.frame import page
from core.ui.jobs import draw_job_cards
from core.ui.navigation import link_to
from core.ui.train.choose import pick_models, pick_plans, pick_split, split_line
from core.ui.train.derived import draw_upload
from core.ui.train.runs import draw_actions, draw_load, pick_runs
from core.ui.train.search import draw_search
from core.ui.train.start import draw_start

with page("Train", "Which model, and how far is it?"):
    choice, jobs = st.columns([1, 2], gap="large")
    with choice:
        info, plans = pick_split(), []
        if info is None:
            st.info("There is nothing to train on yet. Import two files and split them first.")
            link_to("data", "Bring two files")
            link_to("start", "Load the sample pair")
        else:
            st.caption(split_line(info))
            cards = pick_models(info)
            plans = pick_plans(info, cards)
            draw_start(info, plans)
    with jobs:
        draw_job_cards("training")
    draw_search(info, plans)
    draw_actions(pick_runs())
    draw_upload(info)
    draw_load()
