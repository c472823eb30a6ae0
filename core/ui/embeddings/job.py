"""The jobs that encode texts and draw UMAP maps: ask, watch, or read why one failed."""

from __future__ import annotations

import streamlit as st

from core.data.snapshot import Split
from core.embedding.sample import LIMIT
from core.models.text.encoders import ENCODERS
from core.models.text.features import TextSettings
from core.runs.map_job import map_payload, text_map_payload
from core.runs.texts import texts_payload
from core.ui.embeddings.data import Layout, MapData, pca_layout, umap_layout
from core.ui.embeddings.view import UMAP, View
from core.ui.task import Task, draw_task
from core.ui.texts import count, duration, plain


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
            "map", (map_payload(data.run.id, data.what),), f"UMAP of {data.what}: {data.run.label}",
            "Draw the UMAP map", "", lane="short",
        )  # fmt: skip
    payload = text_map_payload(data.split_hash, view.texts)
    return Task("text_map", (payload,), "UMAP of texts", "Draw the UMAP map", "", lane="short")


def ask_for_texts(split: Split, settings: TextSettings) -> None:
    """The button that has the texts of a split encoded, or how far that is."""
    info, train = split.info, split.train
    n = len(train.source_items) + len(train.target_items)
    task = Task(
        "texts", (texts_payload(info.split_hash, settings),),
        f"Encoding texts of {info.source_name} and {info.target_name}", "Encode the texts", "",
        lane="short", icon=":material/translate:",
    )  # fmt: skip
    if not task.is_active:
        st.info(
            f"The {settings.reads} of these {count(n, 'item')} were not encoded yet by "
            f"{plain(ENCODERS[settings.encoder].title)}. That takes about {duration(5 + n / 500)} "
            "in the background, once; nothing is asked of the network."
        )
    draw_task(task, "encode_texts")
