"""Start: does the source help, whom, and what to do?"""

import streamlit as st

from core.ui.frame import page
from core.ui.start import (
    answering,
    draw_another,
    draw_answer,
    draw_checklist,
    draw_choice,
    is_empty,
)

with page("Start", "Does one domain help to recommend in another, and whom?"):
    job = answering()
    if job is None and is_empty():
        draw_choice()
        st.stop()
    draw_answer(so_far=job is not None)
    if job is not None:
        draw_checklist(job)
    else:
        draw_another()
