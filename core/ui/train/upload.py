"""Train page, below: lists of another system taken up as a run, and what became of them."""

from __future__ import annotations

import streamlit as st

from core.basics.columns import TEST, USERS
from core.data.reading.options import LISTS, ReadOptions
from core.data.snapshot import SplitInfo
from core.evaluation.given_lists import given_words, is_odd
from core.jobs.table import Job, enqueue
from core.store.run_folder import Run
from core.ui import cached
from core.ui.data.preview import Staged
from core.ui.data.upload import Slot, draw_slot
from core.ui.navigation import link_to
from core.ui.shell import workspace
from core.ui.state import set_current
from core.ui.train.choose import split_line
from core.ui.widgets import plain

SLOT = "lists"
_NAME = "lists_name"


def draw_upload(info: SplitInfo | None) -> None:
    """A drop zone for recommendation lists, measured on the chosen split."""
    if info is None:
        return
    with st.expander("Upload lists of another system", icon=":material/upload_file:"):
        st.markdown(
            "Measured like any run: every target item could be recommended (of a split of new "
            "items, these alone), what is in training is masked, users without a list count with "
            "0. It has no model, so there is nothing to weigh or to explain."
        )
        st.caption(f"The split the lists must be made for: {split_line(info)}")
        st.text_input(
            "What to call it",
            key=_NAME,
            max_chars=120,
            placeholder="The name of the file",
            persist_state="session",
        )
        split = info.split_hash
        draw_slot(
            Slot(
                SLOT,
                LISTS,
                "Recommendation lists",
                lambda staged, options: _begin(split, staged, options),
                _draw_done,
                action="Measure these lists",
            )
        )


def draw_upload_notes(run: Run) -> None:
    """What became of an uploaded run's rows and users; nothing for other runs."""
    upload = run.record.upload
    words = given_words(upload, run.record.counts[TEST][USERS])
    if not upload or not words:
        return
    said = " ".join(plain(word, 300) for word in words)
    if is_odd(upload):
        st.warning(said, icon=":material/upload_file:")
    else:
        st.info(said, icon=":material/upload_file:")


def _begin(split: str, staged: Staged, options: ReadOptions) -> str:
    label = st.session_state.get(_NAME, "")
    payload = {
        "path": staged.path,
        "options": options.to_dict(),
        "name": staged.name,
        "split": split,
        "label": label,
    }
    title = f"Measure {label or staged.name}"[:80]
    return enqueue(workspace(), "upload", payload, "short", title)


def _draw_done(slot: str, job: Job) -> None:
    run = next((run for run in cached.runs() if run.id == job.result["run"]), None)
    if run is None:
        st.info("This run was deleted since. Choose another file to measure it again.")
        return
    st.success(f"{plain(run.label)} is in the table of runs.", icon=":material/check:")
    draw_upload_notes(run)
    st.button(
        "Use it on every page",
        key="upload_use",
        icon=":material/visibility:",
        on_click=set_current,
        kwargs={"run": run.id, "split": run.record.split_hash},
    )
    link_to("metrics", "Compare it with other runs", run=run.id)
