"""The texts of both domains on a map: of the run's split, or of the current one without a run."""

from __future__ import annotations

import streamlit as st

from core.basics.columns import DESCRIPTION, TITLE
from core.data.snapshot import Split
from core.embedding.maps import MAP_TEXTS
from core.models.text.encoders import ENCODERS
from core.models.text.features import TextSettings
from core.models.text.vectors import ALONE, BESIDE, NOT_USED, beside_nothing, why_not
from core.store.run_folder import Run
from core.ui import cached
from core.ui.embeddings.data import MapData, map_data, text_data
from core.ui.embeddings.map import Found, show_meaning, show_neighbours
from core.ui.embeddings.view import View
from core.ui.navigation import link_to
from core.ui.state import current_run, current_split, current_split_hash, require_model
from core.ui.text_vectors import ask_for_texts, vector_of_words
from core.ui.widgets import plain


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
    st.caption(f"{why}, so the items are shown by {shown}.")
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


def show_found(data: MapData, view: View) -> Found | None:
    """What the words or the title that was typed finds; the words where there are both."""
    if not view.meaning or data.run is not None:
        return show_neighbours(data, view.search)
    vector = vector_of_words(view.meaning, view.texts.encoder, "search_meaning")
    if vector is None:
        return None
    by_meaning = ENCODERS[view.texts.encoder].by_meaning
    wanted = beside_nothing(vector[None], data.points.vectors.shape[1])[0]
    return show_meaning(data, view.meaning, wanted, by_meaning)
