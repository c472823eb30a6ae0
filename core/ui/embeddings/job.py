"""The job that makes a UMAP map: ask for it, watch it, or read why it failed."""

from __future__ import annotations

import time

import streamlit as st

from core.embedding.sample import LIMIT
from core.jobs.job import QUEUED, Job
from core.jobs.lock import ensure_supervisor
from core.jobs.table import enqueue, list_jobs, read_job, request_cancel
from core.runs.map_job import map_payload
from core.ui.embeddings.data import Layout, MapData, pca_layout, umap_layout
from core.ui.embeddings.view import UMAP, View
from core.ui.shell import guarded, workspace
from core.ui.texts import duration, plain

POLL = 1.0  # seconds between two looks at the job
KIND = "map"


def pick_layout(data: MapData, view: View) -> Layout:
    """The layout asked for; PCA, with a word on why, while there is no UMAP map."""
    if view.method != UMAP:
        return pca_layout(data)
    kept = umap_layout(data)
    if kept is not None:
        return kept
    _show_job(data)
    return pca_layout(data)


def _show_job(data: MapData) -> None:
    wanted = map_payload(data.run.id, data.what)
    jobs = [job for job in list_jobs(workspace(), kind=KIND) if job.payload == wanted]
    if jobs and jobs[0].is_active:
        ensure_supervisor(workspace())
        st.fragment(_watch, run_every=POLL)(jobs[0].id)
        return
    if jobs and jobs[0].what:
        st.warning(f"{plain(jobs[0].what, 600)} {plain(jobs[0].hint, 600)}")
    text, button = st.columns([4, 1], vertical_alignment="center")
    n = min(len(data.points), LIMIT)
    text.info(
        f"There is no UMAP map of these {n:,} points yet; below is PCA. Drawing it takes about "
        f"{duration(10 + n / 2000)} in the background."
    )
    button.button(
        "Draw the UMAP map", type="primary", key="draw_umap", on_click=_start, args=(data,),
        width="stretch",
    )  # fmt: skip


def _start(data: MapData) -> None:
    title = f"UMAP of {data.what}: {data.run.label}"
    enqueue(workspace(), KIND, map_payload(data.run.id, data.what), "short", title)
    ensure_supervisor(workspace())


def _watch(job_id: str) -> None:
    with guarded():
        job = read_job(workspace(), job_id)
        if not job.is_active:
            st.rerun()  # the whole page: the map is there, or there is a reason why not
        bar, button = st.columns([5, 1], vertical_alignment="center")
        bar.progress(job.share, text=f"UMAP: {plain(_stage(job))}. PCA is shown meanwhile.")
        button.button(
            "Cancel", key="cancel_umap", icon=":material/close:", width="stretch",
            disabled=job.cancel_asked is not None,
            on_click=request_cancel, args=(workspace(), job_id),
        )  # fmt: skip


def _stage(job: Job) -> str:
    if job.cancel_asked is not None:
        return "stopping"
    if job.status == QUEUED:
        return "waiting for its turn"
    return f"{job.stage or 'starting'}, {duration(job.seconds(time.time()))} so far"
