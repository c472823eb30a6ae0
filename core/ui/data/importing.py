"""Data page, Import: two files side by side, looked at, mapped and imported by jobs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st

from core.basics.errors import CrosswalkError
from core.data.datasets import INTERACTIONS, ITEMS, LINKS, read_dataset
from core.data.read_options import ReadOptions
from core.jobs.job import CANCELLED, DONE, Job
from core.jobs.lock import ensure_supervisor
from core.jobs.table import enqueue, read_job, request_cancel
from core.runs.import_file import discard_upload, stage_upload
from core.ui.data.import_file import Staged, choose_options, size_of
from core.ui.data.import_result import draw_datasets, draw_result
from core.ui.shell import guarded, show_error, workspace
from core.ui.texts import plain

POLL = 1.0  # seconds between two looks at a job
_TAKES = "CSV, TSV or any other delimiter, gzip or Parquet."
_HOLDS = {
    INTERACTIONS: "One row per interaction: a user and an item, perhaps a rating and a time.",
    ITEMS: "One row per item: its id, perhaps a title, categories and a description.",
    LINKS: "One row per person: the id in the source, the id in the target.",
}


def show_import_tab() -> None:
    """Drop zones for source and target, optional tables below, and what is imported already."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("### :orange[Source]: where taste is known")
        _draw_slot("source", INTERACTIONS, "Interactions of the source domain")
    with right:
        st.markdown("### :blue[Target]: where items are recommended")
        _draw_slot("target", INTERACTIONS, "Interactions of the target domain")
    with st.expander("Item tables and user links (optional)", icon=":material/library_add:"):
        left, right = st.columns(2, gap="large")
        with left:
            _draw_slot("items_source", ITEMS, "Titles and categories of the source's items")
        with right:
            _draw_slot("items_target", ITEMS, "Titles and categories of the target's items")
        _draw_slot("links", LINKS, "Which source user is which target user, if ids differ")
    if draw_datasets() >= 2:
        st.caption("Next: put two domains together under **Pair**.")


def imported_in(slot: str) -> str | None:
    """Hash of the dataset a slot's file became in this session; None before it is imported."""
    job = _job_of(slot)
    return job.result["hash"] if job is not None and job.status == DONE else None


def _draw_slot(slot: str, kind: str, label: str) -> None:
    """One file on its way in: drop zone, then choices, then its job, then what became of it."""
    with guarded():
        staged = _staged(slot)
        if staged is None:
            _draw_uploader(slot, kind, label)
            return
        _draw_name(slot, staged)
        job = _job_of(slot)
        if job is None or not (job.is_active or job.status == DONE):
            _draw_choices(slot, staged, job)
        elif job.is_active:
            ensure_supervisor(workspace())
            st.fragment(_draw_progress, run_every=POLL)(slot, job.id)
        else:
            _draw_done(slot, job)


def _draw_uploader(slot: str, kind: str, label: str) -> None:
    turn = st.session_state.get(f"import_{slot}_turn", 0)
    upload = st.file_uploader(label, key=f"upload_{slot}_{turn}")
    if upload is None:
        st.caption(f"{_HOLDS[kind]} {_TAKES}")
        return
    path = stage_upload(workspace(), upload)
    key = f"import_{slot}_{path.parent.name}"
    _keep(slot, file=asdict(Staged(str(path), upload.name, upload.size, kind, key)))
    st.rerun()


def _draw_name(slot: str, staged: Staged) -> None:
    name, button = st.columns([5, 3], vertical_alignment="center")
    name.markdown(f"**{plain(staged.name, 60)}** · {size_of(staged.size)}")
    button.button(
        "Another file", icon=":material/upload_file:", key=f"import_{slot}_clear",
        width="stretch", on_click=_clear, args=(slot,),
    )  # fmt: skip


def _draw_choices(slot: str, staged: Staged, failed: Job | None) -> None:
    try:
        options = choose_options(staged)
    except CrosswalkError as error:
        show_error(error)
        return
    finally:
        if failed is not None and failed.what and failed.status != CANCELLED:
            st.error(f"{plain(failed.what, 600)} {plain(failed.hint, 600)}")
    st.button(
        "Import", type="primary", icon=":material/download_done:", width="stretch",
        key=f"import_{slot}_start", on_click=_start, args=(slot, staged, options),
    )  # fmt: skip


def _draw_progress(slot: str, job_id: str) -> None:
    with guarded():
        job = read_job(workspace(), job_id)
        if not job.is_active:
            st.rerun()
        rows = f" · {job.done:,} of {job.total:,} rows" if job.total else ""
        st.progress(job.share, text=plain(f"{job.stage or 'waiting'}{rows}"))
        st.button(
            "Cancel", icon=":material/close:", key=f"import_{slot}_cancel",
            disabled=job.cancel_asked is not None, on_click=request_cancel,
            args=(workspace(), job.id),
        )  # fmt: skip


def _draw_done(slot: str, job: Job) -> None:
    dataset = read_dataset(workspace(), job.result["hash"])
    if job.result["already_there"]:
        st.info(
            f"This file was there already, imported the same way as {plain(dataset.name, 60)}. "
            "Nothing was added.",
            icon=":material/content_copy:",
        )
    else:
        _say_imported(dataset.record["counts"])
    draw_result(dataset, f"import_{slot}")


def _say_imported(counts: dict[str, int]) -> None:
    if counts["rejected"] <= counts["rows"] / 10:
        st.success("Imported.", icon=":material/check:")
        return
    st.warning(
        f"Imported, but {counts['rejected']:,} of {counts['rows']:,} rows were rejected. Look at "
        "the reasons below, change delimiter, columns or the file, and import it again.",
        icon=":material/warning:",
    )


def _start(slot: str, staged: Staged, options: ReadOptions) -> None:
    with guarded():
        payload = {"path": staged.path, "options": options.to_dict(), "name": staged.name}
        title = f"Import {staged.name[:60]}"
        _keep(slot, job=enqueue(workspace(), "import", payload, "short", title))
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


def _job_of(slot: str) -> Job | None:
    job_id = st.session_state.get(f"import_{slot}_job")
    return read_job(workspace(), job_id) if job_id else None


def _keep(slot: str, **values: Any) -> None:
    for name, value in values.items():
        st.session_state[f"import_{slot}_{name}"] = value
