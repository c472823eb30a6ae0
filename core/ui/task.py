"""A job asked for with one click: its button, its progress while it runs, or why it failed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.basics.formatting import duration
from core.jobs.supervisor import ensure_supervisor
from core.jobs.table import (
    CANCELLED,
    DONE,
    QUEUED,
    Job,
    Lane,
    enqueue,
    list_jobs,
    read_job,
    request_cancel,
)
from core.ui.press import draw_press
from core.ui.shell import guarded, safely, workspace
from core.ui.texts import plain

POLL = 1.0  # seconds between two looks at a job


@dataclass(frozen=True)
class Task:
    """What a button asks for."""

    kind: str
    payloads: tuple[dict[str, Any], ...]  # a job each
    title: str
    label: str  # of the button
    help: str
    lane: Lane = "training"
    icon: str | None = None

    @property
    def is_active(self) -> bool:
        """Whether any of it is waiting or at work."""
        return any(job.is_active for job in self.jobs)

    @property
    def jobs(self) -> list[Job]:
        """The newest job of each payload that was ever asked for."""
        known = list_jobs(workspace(), kind=self.kind, limit=200)
        found = [[job for job in known if job.payload == payload] for payload in self.payloads]
        return [jobs[0] for jobs in found if jobs]


def draw_task(task: Task, key: str) -> None:
    """The button, or the progress of its jobs; the page reruns once when they have ended."""
    jobs = task.jobs
    active = [job for job in jobs if job.is_active]
    if active:
        ensure_supervisor(workspace())
        st.fragment(_watch, run_every=POLL)([job.id for job in active], key)
        return
    for job in jobs:
        if job.status not in (DONE, CANCELLED) and job.what:
            st.warning(f"{plain(job.what, 600)} {plain(job.hint, 600)}")
    draw_press(task.label, ask_task, (task,), key=key, help=task.help or None, icon=task.icon)


def ask_task(task: Task) -> None:
    """Ask for its jobs; those under way are not started twice."""
    with guarded():
        for payload in task.payloads:
            enqueue(workspace(), task.kind, payload, task.lane, task.title)
        ensure_supervisor(workspace())


def _watch(ids: list[str], key: str) -> None:
    with guarded():
        jobs = [job for job in (read_job(workspace(), id) for id in ids) if job.is_active]
        if not jobs:
            st.rerun()
        for job in jobs:
            bar, button = st.columns([4, 1], vertical_alignment="center")
            bar.progress(job.share, text=plain(f"{job.title}: {_stage(job)}"))
            button.button(
                "",
                icon=":material/close:",
                key=f"{key}_cancel_{job.id}",
                help="Cancel",
                disabled=job.cancel_asked is not None,
                on_click=safely(request_cancel),
                args=(workspace(), job.id),
            )


def _stage(job: Job) -> str:
    if job.cancel_asked is not None:
        return "stopping"
    if job.status == QUEUED:
        return "waiting for its turn"
    return f"{job.stage or 'starting'}, {duration(job.seconds(time.time()))} so far"
