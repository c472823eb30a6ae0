"""What pages read again and again, kept by ids and hashes only; never a whole score matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, USER
from core.basics.errors import CrosswalkError, DataError
from core.basics.sorted_sets import common
from core.basics.types import Candidates
from core.data.attributes import list_attributes
from core.data.knowledge import KnowledgeGraph, knowledge_in
from core.data.snapshot import PARTS, RatingFacts, Split, SplitInfo, read_info, read_snapshot
from core.data.snapshot import rating_facts as read_rating_facts
from core.evaluation.segments import user_segments
from core.models.protocol import CrossDomainModel
from core.models.text.features import TextSettings
from core.runs.making.texts import ItemTexts, read_texts
from core.store.run_folder import Run, read_runs
from core.ui.shell import workspace


def runs() -> list[Run]:
    """Every run of the workspace, newest first; damaged ones are left out."""
    return _read_runs()[0]


def damaged_runs() -> dict[str, CrosswalkError]:
    """Why a folder of the workspace that has a record is no run, by its name."""
    return _read_runs()[1]


def _read_runs() -> tuple[list[Run], dict[str, CrosswalkError]]:
    folder = workspace().runs
    stamps = [(entry.name, entry.stat().st_mtime_ns) for entry in _entries(folder)]
    return _runs(str(folder), tuple(stamps))


@st.cache_resource(show_spinner=False, max_entries=2)
def _runs(
    folder: str, stamps: tuple[tuple[str, int], ...]
) -> tuple[list[Run], dict[str, CrosswalkError]]:
    return read_runs(workspace())


def split_hashes() -> list[str]:
    """Every split of the workspace, the newest first; damaged records are left out."""
    folders = [entry for entry in _entries(workspace().splits) if (entry / "split.json").exists()]
    folders.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    return [folder.name for folder in folders if _is_readable(str(folder))]


def _is_readable(folder: str) -> bool:
    try:
        _split_info(folder)
    except DataError:
        return False
    return True


def split(split_hash: str) -> Split:
    """Matrices, ids and titles of a split; raises DataError where it is gone."""
    return _split(str(workspace().splits / split_hash))


@st.cache_resource(show_spinner=False, max_entries=2)
def _split(folder: str) -> Split:
    return read_snapshot(Path(folder))


def split_info(split_hash: str) -> SplitInfo:
    """What a split is about, without its rows; raises DataError where it is gone."""
    return _split_info(str(workspace().splits / split_hash))


@st.cache_resource(show_spinner=False, max_entries=50)
def _split_info(folder: str) -> SplitInfo:
    return read_info(Path(folder))


def shared_users(split_hash: str) -> int:
    """Number of users with interactions in both domains, held-out ones included."""
    return _shared_users(str(workspace().splits / split_hash))


@st.cache_data(show_spinner=False, max_entries=50)
def _shared_users(folder: str) -> int:
    source, *target = [
        pd.read_parquet(Path(folder) / f"{part}.parquet", columns=[USER])[USER].unique()
        for part in PARTS
    ]
    return len(common(source, np.concatenate(target)))


def rating_facts(split_hash: str) -> RatingFacts:
    """Range of a split's ratings and what was filtered by them."""
    return _rating_facts(str(workspace().splits / split_hash))


@st.cache_data(show_spinner=False, max_entries=50)
def _rating_facts(folder: str) -> RatingFacts:
    return read_rating_facts(Path(folder))


def split_of(run: Run) -> Split:
    """The split a run was trained on."""
    return split(run.record.split_hash)


def per_user(run: Run, part: str) -> pd.DataFrame:
    """Metrics of every user of the part: USER (number) and a column per metric."""
    return _per_user(str(run.folder), part, run)


@st.cache_data(show_spinner=False, max_entries=30)
def _per_user(folder: str, part: str, _run: Run) -> pd.DataFrame:
    return _run.metrics(part)


def segments(split_hash: str) -> pd.DataFrame:
    """Which segments each user is in, one row per user number."""
    return _segments(str(workspace().splits / split_hash), split(split_hash))


@st.cache_resource(show_spinner=False, max_entries=4)
def _segments(folder: str, _split: Split) -> pd.DataFrame:
    return user_segments(_split.train)


def attributes_key(dataset_hash: str) -> str:
    """Changes when attributes of a pair's users are added or taken away."""
    return " ".join(path.name for path in list_attributes(workspace(), dataset_hash))


def candidates(run: Run, part: str) -> Candidates:
    """What can reach a list of the part's users at some weighting."""
    return _candidates(str(run.folder), part, run)


@st.cache_resource(show_spinner=False, max_entries=3)
def _candidates(folder: str, part: str, _run: Run) -> Candidates:
    return _run.candidates(part)


def predictions(run: Run, part: str) -> pd.DataFrame:
    """What a run of ratings predicts for every held-out rating of the part."""
    return _predictions(str(run.folder), part, run)


@st.cache_data(show_spinner=False, max_entries=6)
def _predictions(folder: str, part: str, _run: Run) -> pd.DataFrame:
    return _run.predictions(part)


def model(run: Run) -> CrossDomainModel:
    """The trained model, its weights memory-mapped."""
    return _model(str(run.folder), run)


@st.cache_resource(show_spinner=False, max_entries=2)
def _model(folder: str, _run: Run) -> CrossDomainModel:
    return _run.model(split_of(_run))


def item_names(of: Split, domain: str) -> np.ndarray:
    """(n_items of the domain,) titles, or ids where there is no title."""
    return _item_names(str(of.folder), domain, of)


@st.cache_resource(show_spinner=False, max_entries=4)
def _item_names(folder: str, domain: str, _split: Split) -> np.ndarray:
    train = _split.train
    if domain == SOURCE:
        items, features = train.source_items, train.source_features
    else:
        items, features = train.target_items, train.target_features
    return items.ids if features is None else features.names(items)


def item_texts(of: Split, settings: TextSettings) -> ItemTexts | None:
    """Vectors of both domains' items as the settings read them; None where texts lack theirs."""
    try:
        return _item_texts(str(of.folder), settings.encoder, settings.reads, settings.vectors, of)
    except LookupError:  # what is missing now may be there the next time
        return None


@st.cache_resource(show_spinner=False, max_entries=2)
def _item_texts(folder: str, encoder: str, reads: str, vectors: str, _split: Split) -> ItemTexts:
    settings = TextSettings(encoder=encoder, reads=reads, vectors=vectors)
    found = read_texts(_split.train, settings)
    if found is None:
        raise LookupError(encoder)
    return found


def knowledge(split_hash: str) -> KnowledgeGraph:
    """What the items of both domains of a split have in common."""
    return _knowledge(str(workspace().splits / split_hash))


@st.cache_resource(show_spinner="Reading what items have in common", max_entries=4)
def _knowledge(folder: str) -> KnowledgeGraph:
    return knowledge_in(Path(folder))


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []
