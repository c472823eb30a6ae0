"""The Start page: the sample pair at one click, or three cards, the next step and recent jobs."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from core.basics.columns import TEST
from core.basics.formatting import count, duration, with_interval
from core.data.snapshot import PARTS, SplitInfo
from core.jobs.table import DONE, FAILED, KILLED, QUEUED, RUNNING, Job, list_jobs, request_cancel
from core.metrics.registry import metric_title
from core.runs.jobs.demo import STEPS
from core.store.run_folder import Run
from core.ui import cached
from core.ui.metrics.figures import verdict_of
from core.ui.navigation import PAGES, link_to
from core.ui.shell import ask_job, guarded, safely, tend_jobs, workspace
from core.ui.state import current_run, current_split_info
from core.ui.widgets import plain, show_table

JOBS_SHOWN = 8


def draw_cards() -> None:
    """Data, runs and the verdict, each in one card."""
    run, info = current_run(), current_split_info()
    data, runs, judged = st.columns(3, gap="medium")
    with data.container(border=True, height="stretch"):
        st.subheader("Data", anchor=False)
        _draw_data(info)
    with runs.container(border=True, height="stretch"):
        st.subheader("Runs", anchor=False)
        _draw_runs(run)
    with judged.container(border=True, height="stretch"):
        st.subheader("Verdict", anchor=False)
        _draw_verdict(run)


def draw_next_step() -> None:
    """One link to what is worth doing next."""
    page, label = _next_step()
    st.markdown("**Next step**")
    link_to(page, label)


def draw_recent_jobs() -> None:
    """The last jobs with how they ended."""
    jobs = list_jobs(workspace(), limit=JOBS_SHOWN, dismissed=True)
    if not jobs:
        return
    st.subheader("Recent jobs", anchor=False)
    now = time.time()
    rows = [
        {
            "Job": job.title,
            "State": job.status,
            "Started": pd.Timestamp(job.created, unit="s"),
            "Took": duration(job.seconds(now)) if job.started else "–",
            "Says": _words_of(job),
        }
        for job in jobs
    ]
    show_table(pd.DataFrame(rows), key="recent_jobs")


def _draw_data(info: SplitInfo | None) -> None:
    if info is None:
        datasets = sum(1 for _ in workspace().datasets.glob("*/dataset.json"))
        st.markdown(f"{count(datasets, 'file')} imported, no split yet.")
        link_to("data", "Make the pair and split it")
        return
    source, target = plain(info.source_name, 60), plain(info.target_name, 60)
    st.markdown(f":orange[**{source}**] → :blue[**{target}**]")
    counts = info.counts
    shared = cached.shared_users(info.split_hash)
    st.markdown(
        f"{count(counts['users'], 'user')}, {shared:,} of them in both  \n"
        f"{count(counts['source_items'], 'source item')}, "
        f"{count(counts['target_items'], 'target item')}  \n"
        f"{_rows(info):,} interactions  \n"
        f"Split: {plain(info.kind)}"
    )
    link_to("data", "Look at the data")


def _rows(info: SplitInfo) -> int:
    return sum(info.counts[part] for part in PARTS)


def _draw_runs(run: Run | None) -> None:
    runs = cached.runs()
    if run is None:
        st.markdown("Nothing is trained yet.")
        link_to("train", "Train a model")
        return
    metric = run.card.task.metric
    figure = run.record.test.get(metric, {})
    said = with_interval(figure.get("mean"), figure.get("low"), figure.get("high"))
    st.markdown(
        f"{count(len(runs), 'run')}  \n**{plain(run.label)}**  \n"
        f"{metric_title(metric)} {said} "
        f"on {count(int(figure.get('users', 0)), 'test user')}"
    )
    link_to("train", "See all runs")


def _draw_verdict(run: Run | None) -> None:
    if run is None:
        st.markdown("Train a model first; it is compared with its target-only twin.")
        return
    st.markdown(plain(verdict_of(run, TEST, run.card.task.metric), 800))
    link_to("metrics", "See it by segment")


def _next_step() -> tuple[str, str]:
    """Name of a page, and what to do there."""
    if not cached.split_hashes():
        return "data", "Import both files, make the pair and split it"
    if not cached.runs():
        return "train", "Train a first model; joint EASE takes seconds"
    return "fusion", "Ask how much each domain should count"


def _words_of(job: Job) -> str:
    if job.status in (QUEUED, RUNNING):
        return job.stage
    return "" if job.status == DONE else f"{job.what} {job.hint}"


# Start on an empty workspace: the sample pair at one click, or two files of one's own.

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
    ask_job("demo", {}, "Sample pair and demo runs", "training")


def draw_checklist(job: Job) -> None:
    """The steps of the running demo, kept up to date; the whole page reruns when it has ended."""
    st.subheader("Loading the sample pair", anchor=False)
    tend_jobs()
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
