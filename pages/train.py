"""Train: which model, and how far is it?"""

import streamlit as st

from core.ui.frame import page
from core.ui.jobs import draw_earlier_jobs, draw_job_cards
from core.ui.navigation import link_to
from core.ui.train.choose import pick_plans, pick_split
from core.ui.train.derived import draw_upload
from core.ui.train.models import pick_models
from core.ui.train.runs import draw_actions, draw_load, pick_runs
from core.ui.train.search import draw_search
from core.ui.train.start import draw_start

with page("Train", "Which model, and how far is it?"):
    choice, work = st.columns(2, gap="large")
    with work:
        draw_job_cards("training")
    with choice:
        info, plans = pick_split(), []
        if info is None:
            st.info("There is nothing to train on yet. Import two files and split them first.")
            link_to("data", "Bring two files")
            link_to("start", "Load the sample pair")
        else:
            first, start, others = (st.container() for _ in range(3))
            cards = pick_models(info, first, others)
            with work:
                plans = pick_plans(info, cards)
            with start:
                draw_start(info, plans)
    draw_actions(pick_runs())
    draw_earlier_jobs("training")
    draw_search(info, plans)
    draw_upload(info)
    draw_load()
