"""The jobs that are queued or running, with progress and a cancel, in the sidebar."""

from __future__ import annotations

import time

import streamlit as st

from core.basics.formatting import count, duration
from core.jobs.supervisor import ensure_supervisor
from core.jobs.table import QUEUED, Job, list_jobs, request_cancel
from core.ui.shell import guarded, safely, workspace
from core.ui.texts import plain

POLL = 2.0  # seconds between two looks: each draws the page anew in the browser
SHOWN = 4


def draw_jobs() -> None:
    """Draw nothing where nothing is under way; else a panel that keeps itself up to date."""
    if list_jobs(workspace(), active=True, limit=1):
        st.fragment(_draw_panel, run_every=POLL)()


def _draw_panel() -> None:
    with guarded():
        jobs = list_jobs(workspace(), active=True)[::-1]
        if not jobs:
            st.rerun()  # the whole page: what the last job made can now be seen
        ensure_supervisor(workspace())  # at every look: whoever ran the jobs may have been ended
        st.markdown(f"**{count(len(jobs), 'job')}**")
        for job in jobs[:SHOWN]:
            _draw_job(job)
        if len(jobs) > SHOWN:
            st.caption(f"and {len(jobs) - SHOWN} more, on the Train page")


def _draw_job(job: Job) -> None:
    name, button = st.columns([2.6, 1], vertical_alignment="center", gap="small")
    name.progress(job.share, text=f"{plain(job.title, 60)}  \n{_state_of(job)}")
    cancelling = job.cancel_asked is not None
    button.button(
        "Cancel",
        key=f"cancel_{job.id}",
        type="tertiary",
        disabled=cancelling,
        on_click=safely(request_cancel),
        args=(workspace(), job.id),
    )


def _state_of(job: Job) -> str:
    if job.cancel_asked is not None:
        return "stopping"
    if job.status == QUEUED:
        return "waiting"
    left = job.seconds_left(time.time())
    return plain(job.stage or "starting") + (f" · {duration(left)} left" if left else "")
