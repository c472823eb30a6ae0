"""The file itself inside the page: as a report to scroll, or as six steps."""

from __future__ import annotations

import streamlit as st

from core.store.run_folder import Run
from core.ui.report.choices import chosen_options, pick_options, show_actions, stop_presenting
from core.ui.report.made import made

HEIGHT, STEPS_HEIGHT = 900, 780  # pixels


def show_report(run: Run) -> None:
    """Choices left, the file that would be downloaded right."""
    choices, preview = st.columns([1, 2.7], gap="large")
    with choices:
        options = pick_options(run)
        actions = st.container()
    file = made(run, options)
    with actions:
        show_actions(run, file)
    with preview, st.container(border=True, key="report_preview"):
        st.iframe(file.html, height=HEIGHT, alt="The report as it will be downloaded")


def show_steps(run: Run) -> None:
    """The six steps in full width; the arrow keys move them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Back to the report",
            icon=":material/arrow_back:",
            key="stop_presenting",
            on_click=stop_presenting,
        )
        st.caption("Arrow keys or a click move the steps, F fills the screen.")
    file = made(run, chosen_options(), presenting=True)
    with st.container(border=True, key="report_steps"):
        st.iframe(file.html, height=STEPS_HEIGHT, alt="The six steps of the presentation")
