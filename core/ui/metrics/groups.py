"""Kinds of segments a run can be looked at by: its histories, where users were seen, attributes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import USER
from core.basics.errors import CrosswalkError, DataError
from core.basics.formatting import count
from core.data.attributes import (
    AttributeCounts,
    is_damaged,
    keep_attributes,
    list_attributes,
    read_counts,
    remove_attributes,
    user_attributes,
)
from core.evaluation.attributes import ATTRIBUTE, attribute_segments
from core.evaluation.segments import TITLES
from core.store.run_folder import Run
from core.ui import cached
from core.ui.shell import safely, show_error, workspace
from core.ui.texts import plain

_ADDED, _REFUSED = "attributes_added", "attributes_refused"


def titles_of(run: Run) -> dict[str, str]:
    """What each kind of segment is called, by the name the address bar uses."""
    names = segments_of(run).columns
    return TITLES | {name: plain(name.partition(":")[2], 40) for name in names[len(TITLES) :]}


def segments_of(run: Run) -> pd.DataFrame:
    """Which segments each user is in, one row per user number and one column per kind."""
    return _kinds(run)[0]


def refused_attributes(run: Run) -> list[str]:
    """Attributes that make no segments, each with the reason."""
    return _kinds(run)[1]


def _kinds(run: Run) -> tuple[pd.DataFrame, list[str]]:
    record = run.record
    key = cached.attributes_key(record["dataset_hash"])
    return _segments(record["split_hash"], record["dataset_hash"], key)


def missing_words(run: Run, part: str, by: str) -> str:
    """How many evaluated users have no value of an attribute; "" where all have."""
    users = cached.per_user(run, part)[USER].to_numpy()
    known = segments_of(run)[by].notna().to_numpy()[users]
    without = int((~known).sum())
    return f" {count(without, 'evaluated user')} without a value are left out." if without else ""


def draw_upload(run: Run) -> None:
    """Take up a table of attributes; says what came of it."""
    with st.popover("User attributes", icon=":material/group_add:"):
        st.markdown(
            "A CSV with a header: `user`, then one column per attribute, such as age or country. "
            "Numbers become quartiles; of words the 11 commonest are kept apart."
        )
        st.file_uploader("Table of users", type=["csv", "tsv", "txt"], key="attributes_file")
        st.button(
            "Add these attributes",
            key="attributes_add",
            on_click=safely(_add),
            args=(run,),
            disabled=st.session_state.get("attributes_file") is None,
        )
        if refused := st.session_state.pop(_REFUSED, None):
            show_error(refused)
        if added := st.session_state.get(f"{_ADDED}_{run.record['dataset_hash']}"):
            st.success(_said(added))
        for reason in refused_attributes(run):
            st.warning(plain(reason, 400))
        _draw_files(run)


def _draw_files(run: Run) -> None:
    """Every kept file with what is in it, and a button that takes it away."""
    dataset_hash = run.record["dataset_hash"]
    for folder in list_attributes(workspace(), dataset_hash):
        words, button = st.columns([3, 1], vertical_alignment="center")
        if is_damaged(folder):
            words.caption(":orange[A kept file cannot be read any more. Add it again.]")
        else:
            counts = read_counts(folder)
            names = plain(", ".join(counts.attributes), 120)
            words.caption(f"Kept: {names} of {count(counts.matched, 'user')}")
        button.button(
            "Remove",
            key=f"attributes_remove_{folder.name}",
            icon=":material/delete:",
            on_click=safely(_remove),
            args=(dataset_hash, folder.name),
            type="tertiary",
        )


def _remove(dataset_hash: str, name: str) -> None:
    remove_attributes(workspace(), dataset_hash, name)
    st.session_state.pop(f"{_ADDED}_{dataset_hash}", None)


def _add(run: Run) -> None:
    data = st.session_state["attributes_file"].getvalue()
    dataset_hash = run.record["dataset_hash"]
    try:
        users = cached.split_of(run).train.users
        counts = keep_attributes(workspace(), dataset_hash, data, users)
    except CrosswalkError as error:
        st.session_state[_REFUSED] = error
    else:
        st.session_state[f"{_ADDED}_{dataset_hash}"] = counts


def _said(counts: AttributeCounts) -> str:
    words = [f"{plain(', '.join(counts.attributes), 300)}: {count(counts.matched, 'user')}"]
    for n, what in (
        (counts.missing, "of the pair are not in the file"),
        (counts.unknown, "of the file are not in the pair"),
    ):
        if n:
            words.append(f"{count(n, 'user')} {what}")
    if counts.repeated:
        words.append(f"{count(counts.repeated, 'row')} of a user who came again, the last counts")
    if counts.unnamed:
        words.append(f"{count(counts.unnamed, 'row')} without a user or of another length left out")
    return "; ".join(words) + "."


@st.cache_resource(show_spinner=False, max_entries=4)
def _segments(split_hash: str, dataset_hash: str, key: str) -> tuple[pd.DataFrame, list[str]]:
    segments = cached.segments(split_hash)
    users = cached.split(split_hash).train.users
    refused: list[str] = []
    extra: dict[str, np.ndarray] = user_attributes(workspace(), dataset_hash, users)
    for name, values in extra.items():
        try:
            found = attribute_segments(values)
        except DataError as error:
            refused.append(f"{name}: {error.what} {error.hint}")
        else:
            segments = segments.assign(**{f"{ATTRIBUTE}:{name}": found})
    return segments, refused
