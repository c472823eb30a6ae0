"""Start on an empty workspace: the sample pair at one click, or two files of one's own."""

from __future__ import annotations

import streamlit as st

from core.jobs.supervisor import ensure_supervisor
from core.jobs.table import DONE, FAILED, KILLED, Job, enqueue, list_jobs, request_cancel
from core.runs.jobs.demo import STEPS
from core.ui import cached
from core.ui.navigation import PAGES
from core.ui.shell import guarded, safely, workspace
from core.ui.texts import plain

POLL = 1.0  # seconds between two looks at the demo while it runs
_OPEN, _BUSY, _DONE = "radio_button_unchecked", "progress_activity", "check_circle"


def is_empty() -> bool:
    """Whether nothing was imported, split or trained here yet."""
    return not (cached.runs() or cached.split_hashes() or any(workspace().datasets.glob("*")))


def demo_job() -> Job | None:
    """The newest demo of this workspace, running or ended; None where nobody asked for one."""
    jobs = list_jobs(workspace(), kind="demo", limit=1)
    return jobs[0] if jobs else None


def draw_choice() -> None:
    """Two large buttons, and why the demo stopped where it did not come to its end."""
    _draw_ending(demo_job())
    left, right = st.columns(2, gap="large")
    with left.container(border=True, height="stretch"):
        st.subheader("See it work", anchor=False)
        st.markdown(
            "2,000 invented people read books and watch films. Loads both files, makes the pair "
            "and two splits, and trains popularity, joint EASE with its target-only twin, and a "
            "ridge from books to films. **About a minute**; a map and LightGCN go on behind it."
        )
        st.button(
            "Explore with the sample pair",
            on_click=safely(_ask_for_demo),
            type="primary",
            width="stretch",
            icon=":material/play_circle:",
        )
    with right.container(border=True, height="stretch"):
        st.subheader("Start with your data", anchor=False)
        st.markdown(
            "Two files of interactions, one per domain, with a user, an item and perhaps a rating "
            "and a time in every row. CSV, TSV or Parquet; both should name users alike. Item "
            "titles are optional. You see how each file is read **before** anything is imported."
        )
        if st.button("Bring your own two files", width="stretch", icon=":material/upload_file:"):
            st.switch_page(PAGES / "data.py")


def _ask_for_demo() -> None:
    enqueue(workspace(), "demo", {}, "training", "Sample pair and demo runs")
    ensure_supervisor(workspace())


def draw_checklist(job: Job) -> None:
    """The steps of the running demo, kept up to date; the whole page reruns when it has ended."""
    st.subheader("Loading the sample pair", anchor=False)
    ensure_supervisor(workspace())
    st.fragment(_draw_steps, run_every=POLL)(job.id)


def _draw_steps(job_id: str) -> None:
    with guarded():
        job = demo_job()
        if job is None or job.id != job_id or not job.is_active:
            st.rerun()
        assert job is not None
        reached = STEPS.index(job.stage) if job.stage in STEPS else -1
        for place, step in enumerate(STEPS):
            icon = _DONE if place < reached else _BUSY if place == reached else _OPEN
            st.markdown(f":material/{icon}: {step}")
        stopping = job.cancel_asked is not None
        st.button(
            "Stopping" if stopping else "Stop",
            disabled=stopping,
            on_click=safely(request_cancel),
            args=(workspace(), job.id),
        )


def _draw_ending(job: Job | None) -> None:
    if job is None or job.status == DONE:
        return
    say = st.error if job.status in (FAILED, KILLED) else st.info
    say(f"The sample pair was not finished. {plain(job.what, 600)} {plain(job.hint, 600)}")
