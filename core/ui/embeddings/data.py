"""What a map shows: its points with names, categories and counts, kept by run or by encoder."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.basics.columns import DESCRIPTION, SOURCE, TARGET, TEST, TITLE, USER
from core.basics.files import fingerprint
from core.basics.types import FloatArray, IntArray
from core.charts.maps import Area, inside
from core.data.knowledge import names_in
from core.data.pair import ItemFeatures
from core.data.snapshot import Split
from core.embedding.distinct import Facts, facts_of_points, group_names
from core.embedding.maps import MAP_TEXTS, Points, pca_map
from core.embedding.neighbours import NO_GROUP, clusters_of, islands_of, trustworthiness
from core.embedding.umap_map import map_name, read_map
from core.evaluation.lift import differences
from core.models.text.features import TextSettings
from core.models.text.vectors import ALONE, BESIDE, NOT_USED, why_not
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
from core.ui.embeddings.view import PCA, UMAP, View, pick_method
from core.ui.keeping import kept_resource, known_by
from core.ui.navigation import link_to
from core.ui.shell import Task, ask_task, draw_task, workspace
from core.ui.state import current_run, current_split, current_split_hash, require_model
from core.ui.text_vectors import ask_for_texts
from core.ui.widgets import plain

NAME, KIND, DOMAIN = "name", "kind", "domain"
CATEGORY, CATEGORIES, COUNT = "category", "categories", "interactions"
LIFT = "ndcg@10"  # whose difference to the twin colours users
NO_CATEGORY = ""


@known_by(lambda data: (data.key, data.what))
@dataclass(frozen=True)
class MapData:
    """Points of a map and what is known about each.

    table: one row per point with NAME, KIND ("item" or "user"), DOMAIN ("source" or "target"),
    CATEGORY (the first, "" if unknown), CATEGORIES (all, as a person reads them) and COUNT (its
    training interactions in that domain).
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


@known_by(lambda layout: (layout.method, layout.seed, layout.until, layout.area))
@dataclass(frozen=True)
class Layout:
    """Where the points that are drawn stand on the map; of the same points one a method."""

    method: str
    rows: IntArray  # which points are drawn
    places: FloatArray  # (n_rows, 2)
    trustworthiness: float | None
    seed: int
    until: str = ""  # the layout it stands in for while that is drawn
    area: Area | None = None  # the part that is looked at; None for all of it


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
    if data.run is None:
        return None
    by_user = user_lifts(data.run)
    if by_user is None:
        return None
    found = np.full(len(data.points), np.nan)
    is_user = ~data.points.is_item
    found[is_user] = by_user[data.points.numbers[is_user]]
    return found


def user_lifts(run: Run) -> FloatArray | None:
    """Difference in test nDCG@10 to the twin of each user, (n_users,); NaN where not evaluated."""
    if run.twin is None:
        return None
    ours, theirs = (cached.per_user(one, TEST) for one in (run, run.twin))
    if LIFT not in ours:
        return None
    moved = differences(ours[[USER, LIFT]], theirs[[USER, LIFT]])
    by_user = np.full(len(cached.split_of(run).train.users), np.nan)
    by_user[moved[USER].to_numpy()] = moved[LIFT].to_numpy()
    return by_user


@kept_resource(max_entries=3)
def facts(data: MapData) -> Facts:
    """What is known of the points: categories, words, domain, counts and lift."""
    run = data.run
    split = cached.split(data.split_hash) if run is None else cached.split_of(run)
    return facts_of_points(data.points, split.train, list(data.names.values()), lifts(data))


def groups(data: MapData, layout: Layout) -> IntArray:
    """Number of the group of each point, (n_points,): what a person sees as one on the map.

    These are the islands of UMAP, finer ones where a part of it is looked at, and NO_GROUP for what
    is in none; where the layout has no islands, the clusters of the original space.
    """
    if layout.method != UMAP:
        return clusters(data)
    found = np.full(len(data.points), NO_GROUP)
    if layout.area is None:
        found[layout.rows] = islands_of(layout.places, clusters(data)[layout.rows])
    else:  # in a part of the map, one island may well be most of it
        seen = inside(layout.places, layout.area)
        found[layout.rows[seen]] = islands_of(layout.places[seen])
    return found


@kept_resource(max_entries=6)
def names_of_groups(data: MapData, layout: Layout) -> list[str]:
    """What to call each group, by what its points have in common."""
    return group_names(facts(data), groups(data, layout))


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
            kind = "item" if is_item else "user"
            frame = {NAME: names[numbers], KIND: kind, DOMAIN: domain}
            frame |= _categories(features if is_item else None, numbers)
            frames.append(pd.DataFrame(frame | {COUNT: counts[numbers]}, index=rows))
    return pd.concat(frames).sort_index()


def _categories(features: ItemFeatures | None, numbers: IntArray) -> dict[str, np.ndarray]:
    """The first category of each item and all of them, (n_items,) each; "" where unknown."""
    found = [names_in(cell) for cell in features.categories[numbers]] if features else []
    found = found or [[] for _ in numbers]
    return {
        CATEGORY: np.array([names[0] if names else NO_CATEGORY for names in found], dtype=object),
        CATEGORIES: np.array([" · ".join(names) for names in found], dtype=object),
    }


# Whose points are shown: the run's, or the texts of its split, or of the current one without a run.


def run_or_texts() -> Run | None:
    """The current run where it has a model; None where the split's texts are all there is."""
    run = current_run()
    if run is not None and run.has_model:
        return run
    found = readings(run)
    if not found:
        return require_model()
    why = "There is no run yet" if run is None else f"{plain(run.label)} has only lists"
    shown = "their uploaded vectors" if found == (ALONE,) else "what is written about them"
    st.markdown(f"{why}, so the items are shown by {shown}.")
    return None


def split_of_texts(run: Run | None) -> Split | None:
    """The split whose texts are shown."""
    return current_split() if run is None else cached.split_of(run)


def readings(run: Run | None) -> tuple[str, ...]:
    """How items can be read with their texts or uploaded vectors, of VECTORS; () for not at all."""
    split_hash = current_split_hash() if run is None else str(run.record.split_hash)
    if split_hash is None:
        return ()
    facts = cached.rating_facts(split_hash)
    with_texts = any({TITLE, DESCRIPTION} & filled for filled in facts.texts)
    possible = {
        NOT_USED: with_texts,
        BESIDE: with_texts and why_not(facts.vectors, TextSettings(vectors=BESIDE)) is None,
        ALONE: why_not(facts.vectors, TextSettings(vectors=ALONE)) is None,
    }
    return tuple(use for use, possibly in possible.items() if possibly)


def points_of(run: Run | None, view: View) -> MapData:
    """What the map shows; where texts are missing, how they are made, and the page ends."""
    if run is not None and view.what != MAP_TEXTS:
        return map_data(run, view.what)
    split = split_of_texts(run)
    if split is None or not readings(run):
        st.info(
            "The items of this split have no titles, no descriptions and no vectors of one kind. "
            "Import an item table and choose it as “Titles and categories” of the pair."
        )
        link_to("data", "Import an item table")
        st.stop()
    data = text_data(split, view.texts)
    if data is None:
        ask_for_texts(split, view.texts)
        st.stop()
    return data


# The job that makes a UMAP map: ask for it, watch it, or read why it failed.


def pick_layout(data: MapData, view: View, place: DeltaGenerator) -> Layout:
    """UMAP as soon as there is one, unless a person chose; choosing it has it drawn.

    Until it is there the points stand as PCA, and say so. place: where the choice is drawn.
    """
    kept = umap_layout(data)
    method = pick_method(place, PCA if kept is None else UMAP)
    if method == UMAP and kept is not None:
        return kept
    task = _task(data, view)
    if method == PCA and not (kept is None and task.is_active):
        return pca_layout(data)
    if method == UMAP and not task.jobs:
        ask_task(task)
    draw_task(task, "draw_umap")
    return replace(pca_layout(data), until=UMAP if task.is_active else "")


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
