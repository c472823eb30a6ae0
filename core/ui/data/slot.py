"""One file on its way in: a drop zone or the import folder, choices, a job, what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.basics.errors import CrosswalkError
from core.data.reading.ingest import file_in_folder, import_folder, list_files
from core.data.reading.options import INTERACTIONS, ITEMS, LINKS, LISTS, TRIPLES, ReadOptions
from core.jobs.supervisor import ensure_supervisor
from core.jobs.table import CANCELLED, DONE, Job, read_job, request_cancel
from core.runs.making.import_file import discard_upload, stage_upload
from core.ui.data.import_file import Staged, choose_options, size_of
from core.ui.press import draw_press
from core.ui.shell import guarded, safely, show_error, workspace
from core.ui.texts import plain

POLL = 1.0  # seconds between two looks at a job
_TAKES = "CSV, TSV or any other delimiter, JSON lines, RecBole, MovieLens, gzip or Parquet."
_HOLDS = {
    INTERACTIONS: "One row per interaction: a user and an item, perhaps a rating and a time.",
    ITEMS: "One row per item: its id, perhaps a title, categories, a description and attributes "
    "such as brand or author; perhaps a vector of its image or sound, as an array or in columns.",
    LINKS: "One row per person: the id in the source, the id in the target.",
    TRIPLES: "One row per fact: an item or a thing, a relation, and another item or thing. An id "
    "that both domains have is written source:17 or target:17.",
    LISTS: "One row per recommendation: a user, an item, and a rank, a score or a distance; or one "
    "row per user with the items in one cell or in columns, the best first.",
}


@dataclass(frozen=True)
class Slot:
    """Where one file is asked for, and what is done with it."""

    name: str
    kind: str
    label: str
    begin: Callable[[Staged, ReadOptions], str]  # asks for the job, answers its id
    done: Callable[[str, Job], None]  # draws what became of the file of that slot
    action: str = "Import"


def draw_slot(slot: Slot) -> None:
    """Drop zone, then choices, then the job, then what became of it."""
    with guarded():
        staged = _staged(slot.name)
        if staged is None:
            _draw_uploader(slot)
            return
        _draw_name(slot.name, staged)
        job = job_of(slot.name)
        if job is None or not (job.is_active or job.status == DONE):
            _draw_choices(slot, staged, job)
        elif job.is_active:
            ensure_supervisor(workspace())
            st.fragment(_draw_progress, run_every=POLL)(slot.name, job.id)
        else:
            slot.done(slot.name, job)


def job_of(slot: str) -> Job | None:
    """The job a slot's file was given to in this session."""
    job_id = st.session_state.get(f"import_{slot}_job")
    return read_job(workspace(), job_id) if job_id else None


def _draw_uploader(slot: Slot) -> None:
    turn = st.session_state.get(f"import_{slot.name}_turn", 0)
    upload = st.file_uploader(slot.label, key=f"upload_{slot.name}_{turn}")
    if upload is None:
        st.caption(f"{_HOLDS[slot.kind]} {_TAKES}")
        _draw_folder(slot, turn)
        return
    path = stage_upload(workspace(), upload)
    _take(slot, path, upload.name, upload.size, path.parent.name)
    st.rerun()


def _draw_folder(slot: Slot, turn: int) -> None:
    """A box with the files of the import folder, where there is one."""
    if import_folder() is None:
        return
    files = {file.name: file.size for file in list_files()}
    chosen = st.selectbox(
        "Or from the import folder",
        list(files),
        index=None,
        key=f"folder_{slot.name}_{turn}",
        format_func=lambda name: f"{name} · {size_of(files.get(name, 0))}",
        placeholder=f"{len(files):,} files" if files else "It holds no files",
        disabled=not files,
        help="Files too large to upload are read where they stand.",
    )
    if chosen:
        _take(slot, file_in_folder(chosen), chosen, files[chosen], f"folder_{turn}")
        st.rerun()


def _take(slot: Slot, path: Path, name: str, size: int, key: str) -> None:
    staged = Staged(str(path), name, size, slot.kind, f"import_{slot.name}_{key}")
    _keep(slot.name, file=asdict(staged))


def _draw_name(slot: str, staged: Staged) -> None:
    name, button = st.columns([5, 3], vertical_alignment="center")
    name.markdown(f"**{plain(staged.name, 60)}** · {size_of(staged.size)}")
    button.button(
        "Another file",
        icon=":material/upload_file:",
        key=f"import_{slot}_clear",
        width="stretch",
        on_click=_clear,
        args=(slot,),
    )


def _draw_choices(slot: Slot, staged: Staged, failed: Job | None) -> None:
    try:
        options = choose_options(staged)
    except CrosswalkError as error:
        show_error(error)
        return
    finally:
        if failed is not None and failed.what and failed.status != CANCELLED:
            st.error(f"{plain(failed.what, 600)} {plain(failed.hint, 600)}")
    draw_press(
        slot.action,
        _start,
        (slot, staged, options),
        type="primary",
        icon=":material/download_done:",
        width="stretch",
        key=f"import_{slot.name}_start",
    )


def _draw_progress(slot: str, job_id: str) -> None:
    with guarded():
        job = read_job(workspace(), job_id)
        if not job.is_active:
            st.rerun()
        rows = f" · {job.done:,} of {job.total:,} rows" if job.total else ""
        st.progress(job.share, text=plain(f"{job.stage or 'waiting'}{rows}"))
        st.button(
            "Cancel",
            icon=":material/close:",
            key=f"import_{slot}_cancel",
            disabled=job.cancel_asked is not None,
            on_click=safely(request_cancel),
            args=(workspace(), job.id),
        )


def _start(slot: Slot, staged: Staged, options: ReadOptions) -> None:
    _keep(slot.name, job=slot.begin(staged, options))
    ensure_supervisor(workspace())


def _clear(slot: str) -> None:
    staged = _staged(slot)
    if staged is not None:
        discard_upload(workspace(), Path(staged.path))
    turn = f"import_{slot}_turn"
    st.session_state[turn] = st.session_state.get(turn, 0) + 1
    _keep(slot, file=None, job=None)


def _staged(slot: str) -> Staged | None:
    kept = st.session_state.get(f"import_{slot}_file")
    return Staged(**kept) if kept else None


def _keep(slot: str, **values: Any) -> None:
    for name, value in values.items():
        st.session_state[f"import_{slot}_{name}"] = value
