"""The job that makes a UMAP map: ask for it, watch it, or read why it failed."""

from __future__ import annotations

import streamlit as st

from core.basics.formatting import duration
from core.embedding.maps import LIMIT
from core.runs.jobs.maps import map_payload, text_map_payload
from core.ui.embeddings.data import Layout, MapData, pca_layout, umap_layout
from core.ui.embeddings.view import UMAP, View
from core.ui.task import Task, draw_task


def pick_layout(data: MapData, view: View) -> Layout:
    """The layout asked for; PCA, with a word on why, while there is no UMAP map."""
    if view.method != UMAP:
        return pca_layout(data)
    kept = umap_layout(data)
    if kept is not None:
        return kept
    _show_job(data, view)
    return pca_layout(data)


def _show_job(data: MapData, view: View) -> None:
    task = _task(data, view)
    if task.is_active:
        st.caption("PCA is shown meanwhile.")
    else:
        n = min(len(data.points), LIMIT)
        st.info(
            f"There is no UMAP map of these {n:,} points yet; below is PCA. Drawing it takes about "
            f"{duration(10 + n / 2000)} in the background."
        )
    draw_task(task, "draw_umap")


def _task(data: MapData, view: View) -> Task:
    if data.run is not None:
        return Task(
            "map",
            (map_payload(data.run.id, data.what),),
            f"UMAP of {data.what}: {data.run.label}",
            "Draw the UMAP map",
            "",
            lane="short",
        )
    payload = text_map_payload(data.split_hash, view.texts)
    return Task("text_map", (payload,), "UMAP of texts", "Draw the UMAP map", "", lane="short")
