"""Preparing data at once where it is small, as a job where it would block the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.basics.errors import CrosswalkError
from core.basics.files import said_of_full
from core.basics.progress import silent
from core.jobs.supervisor import ensure_supervisor
from core.jobs.table import (
    ACTIVE,
    CANCELLED,
    DONE,
    Job,
    dismiss,
    enqueue,
    list_jobs,
    request_cancel,
)
from core.runs.jobs.worker import work_of
from core.ui.shell import NOT_DONE, guarded, safely, show_error, workspace
from core.ui.texts import plain

AT_ONCE = 1_000_000  # rows up to which a pair or a split is made while the page waits
POLL = 1.0  # seconds between two looks at a job
_FAILED = "data_failed_attempt"


def do_or_enqueue(
    kind: str, payload: dict[str, Any], title: str, rows: int
) -> dict[str, Any] | None:
    """The result where there are few rows; None where a job was asked for instead."""
    if rows > AT_ONCE:
        ask_for(kind, payload, title)
        return None
    with st.spinner(f"{title} …"):
        return work_of(kind)(workspace(), payload, silent)


def attempt(work: Callable[[], None]) -> None:
    """Do the work of a button; an error is kept for `draw_failed_attempt`.

    A button's work is done before the page is drawn, where an error of its own would be lost.
    """
    with guarded():
        try:
            work()
        except CrosswalkError as error:
            st.session_state[_FAILED] = said_of_full(error, NOT_DONE) or error


def draw_failed_attempt() -> None:
    """Why the work of the button that was just pressed was not done, said once."""
    if (error := st.session_state.pop(_FAILED, None)) is not None:
        show_error(error)


def ask_for(kind: str, payload: dict[str, Any], title: str) -> None:
    """Ask for a short job; one that is under way already is not started twice."""
    enqueue(workspace(), kind, payload, "short", title)
    ensure_supervisor(workspace())


def draw_work(kind: str) -> Job | None:
    """Progress of the newest job of a kind, or why it failed; answers it while it is under way.

    The page reruns once when the job has ended.
    """
    job = next(iter(list_jobs(workspace(), kind=kind, limit=1)), None)
    if job is None or job.status in (DONE, CANCELLED):
        return None
    if job.status not in ACTIVE:
        _draw_failure(job)
        return None
    ensure_supervisor(workspace())
    st.fragment(_draw_progress, run_every=POLL)(job.id, kind)
    return job


def _draw_progress(job_id: str, kind: str) -> None:
    with guarded():
        jobs = {job.id: job for job in list_jobs(workspace(), kind=kind, active=True)}
        if job_id not in jobs:
            st.rerun()
        job = jobs[job_id]
        bar, button = st.columns([6, 1], vertical_alignment="center")
        stage = job.stage or "starting"
        bar.progress(job.share, text=f"{plain(job.title, 80)}: {plain(stage, 60)}")
        button.button(
            "Cancel",
            key=f"cancel_{kind}",
            icon=":material/close:",
            disabled=job.cancel_asked is not None,
            on_click=safely(request_cancel),
            args=(workspace(), job.id),
        )


def _draw_failure(job: Job) -> None:
    st.error(f"{plain(job.title, 80)}: {plain(job.what, 600)} {plain(job.hint, 600)}")
    st.button(
        "Dismiss", key=f"dismiss_{job.kind}", on_click=safely(dismiss), args=(workspace(), job.id)
    )
