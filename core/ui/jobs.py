"""Jobs as cards and lines that keep themselves up to date, and in the sidebar."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from core.basics.formatting import count, duration, number
from core.basics.workspace import Workspace
from core.jobs.table import (
    CANCELLED,
    DONE,
    FAILED,
    KILLED,
    QUEUED,
    RUNNING,
    Job,
    Lane,
    dismiss,
    list_jobs,
    log_tail,
    read_curve,
    request_cancel,
    resume,
)
from core.models.registry import CARDS
from core.runs.answer.words import lift_in_short
from core.ui import cached
from core.ui.navigation import link_to
from core.ui.shell import guarded, safely, show_chart, tend_jobs, workspace
from core.ui.state import splits_of_pair
from core.ui.widgets import plain

POLL = 2.0  # seconds between two looks: each draws the page anew, on the machine that trains
ENDED_SHOWN = 4
BADGES: dict[str, tuple[str, str, Any]] = {
    QUEUED: ("waiting", ":material/schedule:", "gray"),
    RUNNING: ("running", ":material/autorenew:", "violet"),
    DONE: ("done", ":material/check:", "green"),
    FAILED: ("failed", ":material/error:", "red"),
    CANCELLED: ("cancelled", ":material/cancel:", "gray"),
    KILLED: ("killed", ":material/bolt:", "red"),
}
_SEEN = "jobs_seen_active"


def draw_job_cards(lane: Lane) -> None:
    """What is under way in the lane, the running job first, and what ended last, with its result.

    A card per job that is active or went wrong; what is done or was cancelled takes a line. Polls
    only while a job is active.
    """
    active = any(job.is_active for job in _jobs(lane))
    if active:
        tend_jobs()
    st.fragment(_draw_cards, run_every=POLL if active else None)(lane)


def draw_earlier_jobs(lane: Lane) -> None:
    """A drawer with a line per job that ended before the last one."""
    jobs = _earlier(_jobs(lane))
    if not jobs:
        return
    drawer = st.expander(
        f"Earlier jobs ({len(jobs)})",
        key="earlier_jobs",
        on_change="rerun",
        icon=":material/history:",
    )
    if drawer.open:
        with drawer:
            for job in jobs:
                _draw_ended(job)


def _jobs(lane: Lane) -> list[Job]:
    """Running, then waiting in their order, then the last of the current pair that ended."""
    jobs = [job for job in list_jobs(workspace()) if job.lane == lane]
    active = sorted((job for job in jobs if job.is_active), key=lambda job: job.created)
    active.sort(key=lambda job: job.status != RUNNING)
    others = {*cached.split_hashes()} - {*splits_of_pair()}
    ended = [job for job in jobs if not job.is_active and job.payload.get("split") not in others]
    return active + ended[:ENDED_SHOWN]


def _earlier(jobs: list[Job]) -> list[Job]:
    """Those that ended well or by a person's wish, without the last one."""
    return [job for job in jobs if job.status in (DONE, CANCELLED)][1:]


def _draw_cards(lane: Lane) -> None:
    with guarded():
        jobs = _jobs(lane)
        # The whole page once a job ends: its run can be seen, and the polling can stop
        now = {job.id for job in jobs if job.is_active}
        key = f"{_SEEN}_{lane}"
        before, st.session_state[key] = st.session_state.get(key, set()), now
        if before - now:
            st.rerun()
        earlier = {job.id for job in _earlier(jobs)}
        for job in jobs:
            if job.status in (DONE, CANCELLED):
                if job.id not in earlier:
                    _draw_ended(job)
                continue
            with st.container(border=True, key=f"job_{job.id}"):
                _draw_card(job)


def _draw_card(job: Job) -> None:
    _draw_head(job)
    if job.status == RUNNING:
        # `training · 12 of 200 · about 40 s left`
        now = time.time()
        steps = f"{job.done:,} of {job.total:,}" if job.total > 1 else ""
        left = job.seconds_left(now)
        time_words = (
            f"about {duration(left)} left" if left else f"{duration(job.seconds(now))} so far"
        )
        pace_of = " · ".join(word for word in (job.stage or "starting", steps, time_words) if word)
        st.progress(job.share, text=plain(pace_of))
    if job.what:
        st.caption(f"{plain(job.what, 600)} {plain(job.hint, 600)}")
    points = _points(job)
    if job.is_active and len(points):
        _draw_curve(job, points)
    _draw_more(job, pd.DataFrame() if job.is_active else points)


def _draw_ended(job: Job) -> None:
    """A line: what it was, what came of it and the way there; curve and log in a drawer."""
    with st.container(key=f"job_{job.id}", gap="xxsmall"):
        _draw_head(job)
        if job.what:
            st.caption(f"{plain(job.what, 600)} {plain(job.hint, 600)}")
        if job.status == DONE:
            _draw_result(job)
        _draw_more(job, _points(job))


def _points(job: Job) -> pd.DataFrame:
    """Its learning curve so far, a row per epoch."""
    return pd.DataFrame(
        [asdict(point) for point in read_curve(workspace(), job.id)],
        columns=["epoch", "loss", "valid", "twin"],
    )


def _draw_more(job: Job, points: pd.DataFrame) -> None:
    """A drawer with the curve of a job that ended and the end of its log, drawn once it is open."""
    if not job.started:
        return
    drawer = st.expander(
        "Log" if points.empty else "Curve and log",
        key=f"more_{job.id}",
        type="compact",
        on_change="rerun",
    )
    if drawer.open:
        with drawer:
            if len(points):
                _draw_curve(job, points)
            st.code(log_tail(workspace(), job.id), language=None, wrap_lines=True)


def _draw_result(job: Job) -> None:
    """What the run it made shows, and the way to it."""
    run = next((run for run in cached.runs() if run.id == job.result.get("run")), None)
    if run is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(plain(lift_in_short(run), 300), width="content")
        link_to("metrics", "See the answer", run=run.id)


def _draw_head(job: Job) -> None:
    word, icon, colour = BADGES[job.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(job.title, 120)}**", width="content")
        st.badge("stopping" if _stopping(job) else word, icon=icon, color=colour)
        if not job.is_active and job.started:
            st.caption(duration(job.seconds(time.time())), width="content")
        if job.is_active:
            st.button(
                "Cancel",
                icon=":material/close:",
                key=f"card_cancel_{job.id}",
                help="A model trained by epochs keeps its best epoch; others keep nothing.",
                disabled=_stopping(job),
                on_click=_guarded,
                args=(request_cancel, job.id),
            )
            return
        if job.status in (KILLED, FAILED):
            st.button(
                "Resume" if job.status == KILLED else "Start again",
                icon=":material/replay:",
                key=f"resume_{job.id}",
                help="Goes on from the last checkpoint; a model without one starts again.",
                on_click=_guarded,
                args=(_resume, job.id),
            )
        st.button(
            "Dismiss",
            key=f"dismiss_{job.id}",
            type="tertiary",
            help="Take this line away; the run, if there is one, stays.",
            on_click=_guarded,
            args=(dismiss, job.id),
        )


def _draw_curve(job: Job, points: pd.DataFrame) -> None:
    # Plotly is loaded where a curve is drawn: most pages draw none
    from core.charts.training import best_epoch, draw_learning_curve

    # Whether the job trains a model of ratings
    card = CARDS.get(str(job.payload.get("model")))
    rates = card is not None and card.task.rates
    measure, best = "RMSE" if rates else "nDCG@10", best_epoch(points, lower_is_better=rates)
    said = "Does it still learn? Validation quality after every epoch, and the loss."
    if best is not None:
        said = f"Best epoch: {best[0]}, with {measure} {number(best[1])} on validation users."
    figure = draw_learning_curve(points, f"validation {measure}", lower_is_better=rates)
    show_chart(figure, said, key=f"curve_{job.id}")


def _stopping(job: Job) -> bool:
    return job.is_active and job.cancel_asked is not None


def _guarded(work: Callable[[Workspace, str], object], job_id: str) -> None:
    """Do it; a button's own work stands outside the page, so it needs its own guard."""
    with guarded():
        work(workspace(), job_id)


def _resume(here: Workspace, job_id: str) -> None:
    resume(here, job_id)
    tend_jobs()


# The jobs that are queued or running, with progress and a cancel, in the sidebar.

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
        tend_jobs()
        st.markdown(f"**{count(len(jobs), 'job')}**")
        for job in jobs[:SHOWN]:
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
        if len(jobs) > SHOWN:
            st.caption(f"and {len(jobs) - SHOWN} more, on the Train page")


def _state_of(job: Job) -> str:
    if job.cancel_asked is not None:
        return "stopping"
    if job.status == QUEUED:
        return "waiting"
    left = job.seconds_left(time.time())
    return plain(job.stage or "starting") + (f" · {duration(left)} left" if left else "")
