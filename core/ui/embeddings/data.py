"""What a map shows: its points with names, categories and counts, kept by run or by encoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET, TEST, USER
from core.basics.files import fingerprint
from core.basics.formatting import duration
from core.basics.types import FloatArray, IntArray
from core.data.pair import ItemFeatures
from core.data.snapshot import Split
from core.embedding.maps import LIMIT, MAP_TEXTS, Points, pca_map
from core.embedding.neighbours import clusters_of, trustworthiness
from core.embedding.umap_map import map_name, read_map
from core.evaluation.lift import differences
from core.models.text.features import TextSettings
from core.runs.jobs.maps import (
    SEED,
    MapPoints,
    map_payload,
    map_points,
    text_map_payload,
    text_points,
)
from core.runs.making.texts import ItemTexts, key_of
from core.store.run_folder import Run
from core.ui import cached
from core.ui.embeddings.view import UMAP, View
from core.ui.keeping import kept_resource, known_by
from core.ui.shell import Task, draw_task, workspace

NAME, KIND, DOMAIN = "name", "kind", "domain"
CATEGORY, COUNT = "category", "interactions"
LIFT = "ndcg@10"  # whose difference to the twin colours users
NO_CATEGORY = ""


@known_by(lambda data: (data.key, data.what))
@dataclass(frozen=True)
class MapData:
    """Points of a map and what is known about each.

    table: one row per point with NAME, KIND ("item" or "user"), DOMAIN ("source" or "target"),
    CATEGORY (the first, "" if unknown) and COUNT (its training interactions in that domain).
    """

    run: Run | None  # None for texts, which are the same for all runs of a split
    key: str  # the same for the same points
    split_hash: str
    what: str
    names: dict[str, str]  # what the two domains are called
    made: MapPoints
    table: pd.DataFrame

    @property
    def points(self) -> Points:
        """The points with their vectors."""
        return self.made.points


@known_by(lambda layout: (layout.method, layout.seed))
@dataclass(frozen=True)
class Layout:
    """Where the points that are drawn stand on the map; of the same points one a method."""

    method: str
    rows: IntArray  # which points are drawn
    places: FloatArray  # (n_rows, 2)
    trustworthiness: float | None
    seed: int


@kept_resource(show_spinner="Reading the vectors …", max_entries=3)
def map_data(run: Run, what: str) -> MapData:
    """The points of a run's items, users or both; the first time takes a moment."""
    split = cached.split_of(run)
    made = map_points(run, split, cached.model(run), what)
    split_hash, names = split.info.split_hash, _names(split)
    table = _described(made.points, split)
    return MapData(run, run.id, split_hash, what, names, made, table)


def text_data(split: Split, settings: TextSettings) -> MapData | None:
    """The points of both domains' texts; None where a job has to encode them first."""
    texts = cached.item_texts(split, settings)
    if texts is None:
        return None
    key = fingerprint(split.info.split_hash, *key_of(settings))
    return _text_data(split, f"texts_{key}", settings, texts)


@kept_resource(max_entries=2)
def _text_data(split: Split, key: str, _settings: TextSettings, _texts: ItemTexts) -> MapData:
    made = text_points(split, _settings, _texts)
    split_hash, names = split.info.split_hash, _names(split)
    table = _described(made.points, split)
    return MapData(None, key, split_hash, MAP_TEXTS, names, made, table)


def _names(split: Split) -> dict[str, str]:
    return {SOURCE: split.info.source_name, TARGET: split.info.target_name}


@kept_resource(max_entries=3)
def clusters(data: MapData) -> IntArray:
    """Number of each point's cluster, (n_points,), 0 the largest."""
    return clusters_of(data.points.vectors)


def lifts(data: MapData) -> FloatArray | None:
    """Difference in test nDCG@10 to the twin of each point's user, (n_points,).

    NaN for items and for users who are not evaluated; None for a run without a twin.
    """
    if data.run is None or data.run.twin is None:
        return None
    ours, theirs = (cached.per_user(run, TEST) for run in (data.run, data.run.twin))
    if LIFT not in ours:
        return None
    moved = differences(ours[[USER, LIFT]], theirs[[USER, LIFT]])
    by_user = np.full(len(cached.split_of(data.run).train.users), np.nan)
    by_user[moved[USER].to_numpy()] = moved[LIFT].to_numpy()
    found = np.full(len(data.points), np.nan)
    is_user = ~data.points.is_item
    found[is_user] = by_user[data.points.numbers[is_user]]
    return found


@kept_resource(max_entries=3)
def pca_layout(data: MapData) -> Layout:
    """Principal components of the points, at once."""
    rows = data.points.shown(SEED)
    vectors = data.points.vectors[rows]
    places = pca_map(vectors)
    return Layout("PCA", rows, places, trustworthiness(vectors, places), SEED)


def umap_layout(data: MapData) -> Layout | None:
    """The map a job has made of the same points, None where it is not there yet."""
    kept = read_map(workspace().maps / map_name(data.made.made_from, data.what, SEED))
    if kept is None:
        return None
    return Layout("UMAP", kept.rows, kept.places, kept.info.trustworthiness, kept.info.seed)


def _described(points: Points, split: Split) -> pd.DataFrame:
    """One row per point, the four groups one after the other as the points are."""
    train = split.train
    frames = []
    for domain, is_source, matrix, features in (
        (SOURCE, True, train.source, train.source_features),
        (TARGET, False, train.target, train.target_features),
    ):
        for is_item in (True, False):
            rows = np.flatnonzero((points.is_item == is_item) & (points.is_source == is_source))
            numbers = points.numbers[rows]
            counts = np.diff(matrix.tocsc().indptr) if is_item else np.diff(matrix.indptr)
            names = cached.item_names(split, domain) if is_item else train.users.ids
            category = _first_categories(features, numbers) if is_item else NO_CATEGORY
            kind = "item" if is_item else "user"
            frame = {NAME: names[numbers], KIND: kind, DOMAIN: domain, CATEGORY: category}
            frames.append(pd.DataFrame(frame | {COUNT: counts[numbers]}, index=rows))
    return pd.concat(frames).sort_index()


def _first_categories(features: ItemFeatures | None, numbers: IntArray) -> np.ndarray | str:
    if features is None:
        return NO_CATEGORY
    return np.array(
        [str(text).split("|")[0] for text in features.categories[numbers]], dtype=object
    )


# The job that makes a UMAP map: ask for it, watch it, or read why it failed.


def pick_layout(data: MapData, view: View) -> Layout:
    """The layout asked for; PCA, with a word on why, while there is no UMAP map."""
    if view.method != UMAP:
        return pca_layout(data)
    kept = umap_layout(data)
    if kept is not None:
        return kept
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
    return pca_layout(data)


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
