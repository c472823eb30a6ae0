"""The users the Metrics page is about: everybody, or one segment by history or attribute."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import USER
from core.basics.formatting import count
from core.basics.types import IntArray
from core.evaluation.lift import segment_names
from core.evaluation.segments import FEWEST, TITLES
from core.evaluation.side_by_side import users_in
from core.store.run_folder import Run
from core.ui import cached
from core.ui.metrics.groups import segments_of

EVERYBODY = "all"
LONGEST = 40  # characters of an attribute's name in a box


def choices(run: Run) -> dict[str, tuple[str, str]]:
    """Kind and name of every segment with users in it, by the name the address bar uses."""
    record = run.record
    key = cached.attributes_key(record["dataset_hash"])
    return _choices(record["split_hash"], record["dataset_hash"], key, segments_of(run))


@st.cache_data(show_spinner=False, max_entries=8)
def _choices(
    split_hash: str, dataset_hash: str, key: str, _segments: pd.DataFrame
) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for by in _segments:
        there = set(_segments[by].dropna().astype("str"))
        for name in segment_names(_segments, by):
            if name in there:
                found.setdefault(f"{by}:{name}", (by, name))
    return found


def titles(run: Run) -> dict[str, str]:
    """What a person calls everybody and every segment."""
    return {EVERYBODY: "All users"} | {
        key: f"{_kind(by)}: {name[:LONGEST]}" for key, (by, name) in choices(run).items()
    }


def users_of(run: Run, segment: str) -> IntArray | None:
    """Numbers of the users of a segment; None for everybody."""
    place = choices(run).get(segment)
    return None if place is None else users_in(segments_of(run), *place)


def too_few(run: Run, part: str, segment: str) -> bool:
    """Whether under FEWEST of the segment's users were evaluated; then a word says so."""
    evaluated, users = cached.per_user(run, part)[USER].to_numpy(), users_of(run, segment)
    n = len(evaluated) if users is None else int(np.isin(evaluated, users).sum())
    if n < FEWEST:
        st.info(f"{count(n, 'user')} of this segment evaluated: too few to say.")
    return n < FEWEST


def _kind(by: str) -> str:
    title = TITLES.get(by) or by.partition(":")[2]
    return f"{title[:1].upper()}{title[1:LONGEST]}"
