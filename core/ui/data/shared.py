"""What the tabs of the Data page share: datasets, the pair they are about, small cached answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.errors import CrosswalkError, DataError
from core.basics.files import said_of_full
from core.basics.formatting import count
from core.basics.progress import silent
from core.data.build_pair import count_inputs, filter_counts
from core.data.checks.check import times_in
from core.data.checks.same_people import SharedIds, compare_ids
from core.data.filters import liked_from
from core.data.pair_folder import (
    PairCounts,
    PairInfo,
    PairInputs,
    PairSettings,
    list_pairs,
    read_rows,
)
from core.data.profile import Overlap, Profile, pair_figures, ratings_like_counts
from core.data.reading.options import Dataset, list_datasets, register_datasets, relation
from core.data.snapshot import SplitInfo
from core.data.splitting import SplitCounts, SplitSettings, check_times, split_counts
from core.jobs.table import ACTIVE, CANCELLED, DONE, Job, dismiss, list_jobs, request_cancel
from core.runs.jobs.worker import work_of
from core.ui import cached
from core.ui.keeping import as_json, kept_data, kept_resource, known_by
from core.ui.shell import (
    NOT_DONE,
    ask_job,
    database,
    guarded,
    safely,
    show_error,
    tend_jobs,
    workspace,
)
from core.ui.state import choose_pair, current_pair, set_current
from core.ui.widgets import plain

TAB = "tab"  # key of the page's tabs


def datasets(kind: str) -> list[Dataset]:
    """Imported datasets of a kind, the newest first, each a table of the database."""
    _register()
    return list_datasets(workspace(), kind)


def _stamps() -> tuple[tuple[str, int], ...]:
    """Changes when a dataset comes or goes."""
    folder = workspace().datasets
    entries = sorted(folder.iterdir()) if folder.exists() else []
    return tuple((entry.name, entry.stat().st_mtime_ns) for entry in entries)


@kept_resource(show_spinner="Taking up imported files", max_entries=1, also=_stamps)
def _register() -> bool:
    with database() as cursor:
        register_datasets(cursor, workspace())
    return True


def pair_of_page() -> PairInfo | None:
    """The pair that every page is about; None where it came as a split, or there is none."""
    now = current_pair()
    pairs = list_pairs(workspace())
    return next((pair for pair in pairs if now and pair.dataset_hash == now.dataset_hash), None)


def pick_pair(key: str) -> PairInfo | None:
    """A box that chooses the pair for all pages; None where there is no pair."""
    pairs, current = list_pairs(workspace()), pair_of_page()
    if not pairs:
        return None
    names = {pair.dataset_hash: describe(pair) for pair in pairs}
    st.session_state[key] = current.dataset_hash if current else None
    st.selectbox(
        "Pair",
        list(names),
        index=0 if current else None,  # without one it would offer to choose none
        format_func=lambda chosen: names.get(chosen, chosen),
        key=key,
        placeholder="The data of the current pair are not here; choose another",
        on_change=lambda: choose_pair(st.session_state[key]),
    )
    return current


def describe(pair: PairInfo) -> str:
    """A pair in one line: names, sizes, and what makes it differ from its other versions."""
    marks = []
    if pair.settings["drop_cross_listed"]:
        marks.append("without cross-listed items")
    if pair.settings.get("drop_double_users"):
        marks.append("without double users")
    if pair.settings["target_core"] != PairSettings().target_core:
        marks.append(f"target {pair.settings['target_core']}-core")
    users = count(pair.after.shared, "shared user")
    return " · ".join([short(pair.title, 80), users, *marks, pair.dataset_hash[:6]])


def short(text: str, longest: int = 40) -> str:
    """A name for the entries of a box, which show Markdown as it stands."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def names_of(pair: PairInfo) -> tuple[str, str]:
    """Names of the source and the target domain."""
    return pair.source_name, pair.target_name


def folder_of(pair: PairInfo) -> Path:
    """Where the pair's files are."""
    return workspace().pairs / pair.dataset_hash


# Figures of a pair are made from its interactions: item tables and names may change
known_by(lambda inputs: (inputs.source, inputs.target, inputs.links))(PairInputs)
known_by(as_json)(PairSettings)
known_by(as_json)(SplitSettings)


@kept_data(show_spinner="Counting", max_entries=200)
def counts_of(inputs: PairInputs, settings: PairSettings) -> tuple[PairCounts, PairCounts]:
    """Sizes before and after the filters."""
    with database() as cursor:
        return count_inputs(cursor, inputs, settings), filter_counts(cursor, inputs, settings)


@kept_data(max_entries=200)
def liked_of(inputs: PairInputs, settings: PairSettings) -> list[str]:
    """From which rating on rows of the source and of the target are liked, in words."""
    files = {SOURCE: inputs.source, TARGET: inputs.target}
    with database() as cursor:
        found = [
            liked_from(cursor, relation(cursor, file), settings, domain)
            for domain, file in files.items()
        ]
    return [liked.words() if liked else "every row counts" for liked in found]


@kept_data(max_entries=200)
def doubts_of_ratings(inputs: PairInputs, settings: PairSettings) -> list[str]:
    """Sentences on ratings that look like counts."""
    with database() as cursor:
        return ratings_like_counts(cursor, inputs, settings)


@kept_data(max_entries=20)
def ids_of(inputs: PairInputs) -> SharedIds:
    """How many users two files share, read in several ways."""
    with database() as cursor:
        return compare_ids(cursor, inputs)


@kept_data(show_spinner="Describing both domains", max_entries=10)
def figures_of(folder: str) -> tuple[Overlap, Profile]:
    """Overlap and profile of the pair in a folder."""
    with database() as cursor:
        return pair_figures(cursor, Path(folder))


@kept_data(max_entries=100)
def split_counts_of(folder: str, settings: SplitSettings, seed: int) -> SplitCounts:
    """Sizes of the parts of a split that is not made yet."""
    return split_counts(*_rows_of(folder), settings, seed)


@kept_data(max_entries=20)
def time_doubt(folder: str) -> tuple[str, str] | None:
    """Why the pair in a folder cannot be split by time, and what to do; None where it can."""
    try:
        check_times(times_in(Path(folder)))
    except DataError as error:
        return error.what, error.hint
    return None


@kept_resource(max_entries=1)
def _rows_of(folder: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    return read_rows(Path(folder), SOURCE), read_rows(Path(folder), TARGET)


def draw_next(label: str, *, tab: str, key: str) -> None:
    """The next step, on another tab of the page, as the button that stands out."""
    st.button(
        label,
        key=key,
        type="primary",
        icon=":material/arrow_forward:",
        on_click=_open_tab,
        args=(tab,),
    )


def _open_tab(tab: str) -> None:
    st.session_state[TAB] = tab
    set_current(**{TAB: tab})


def splits_of(pair: PairInfo) -> list[SplitInfo]:
    """The splits that were made of a pair, the newest first."""
    infos = [cached.split_info(split_hash) for split_hash in cached.split_hashes()]
    return [info for info in infos if info.dataset_hash == pair.dataset_hash]


# Preparing data at once where it is small, as a job where it would block the page.

AT_ONCE = 1_000_000  # rows up to which a pair or a split is made while the page waits
POLL = 1.0  # seconds between two looks at a job
_FAILED = "data_failed_attempt"


def do_or_enqueue(
    kind: str, payload: dict[str, Any], title: str, rows: int
) -> dict[str, Any] | None:
    """The result where there are few rows; None where a job was asked for instead."""
    if rows > AT_ONCE:
        ask_job(kind, payload, title)
        return None
    with st.spinner(f"{title} …"):
        return work_of(kind)(workspace(), payload, silent)


def attempt(work: Callable[[], None]) -> None:
    """Do the work of a button; an error is kept for `draw_failed_attempt`.

    A button's work is done before the page is drawn, where an error of its own would be lost.
    """
    with guarded():
        try:
            work()
        except CrosswalkError as error:
            st.session_state[_FAILED] = said_of_full(error, NOT_DONE) or error


def draw_failed_attempt() -> None:
    """Why the work of the button that was just pressed was not done, said once."""
    if (error := st.session_state.pop(_FAILED, None)) is not None:
        show_error(error)


def draw_work(kind: str) -> Job | None:
    """Draw how the newest job of a kind is doing, and return it while it is under way.

    The page reruns once when the job has ended.
    """
    job = next(iter(list_jobs(workspace(), kind=kind, limit=1)), None)
    if job is None or job.status in (DONE, CANCELLED):
        return None
    if job.status not in ACTIVE:
        st.error(f"{plain(job.title, 80)}: {plain(job.what, 600)} {plain(job.hint, 600)}")
        st.button(
            "Dismiss",
            key=f"dismiss_{job.kind}",
            on_click=safely(dismiss),
            args=(workspace(), job.id),
        )
        return None
    tend_jobs()
    st.fragment(_draw_progress, run_every=POLL)(job.id, kind)
    return job


def _draw_progress(job_id: str, kind: str) -> None:
    with guarded():
        jobs = {job.id: job for job in list_jobs(workspace(), kind=kind, active=True)}
        if job_id not in jobs:
            st.rerun()
        job = jobs[job_id]
        bar, button = st.columns([6, 1], vertical_alignment="center")
        stage = job.stage or "starting"
        bar.progress(job.share, text=f"{plain(job.title, 80)}: {plain(stage, 60)}")
        button.button(
            "Cancel",
            key=f"cancel_{kind}",
            icon=":material/close:",
            disabled=job.cancel_asked is not None,
            on_click=safely(request_cancel),
            args=(workspace(), job.id),
        )
