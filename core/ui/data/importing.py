"""Data page, Import: two files side by side, looked at, mapped and imported by jobs."""

from __future__ import annotations

import streamlit as st

from core.data.reading.ingest import VARIABLE, import_folder
from core.data.reading.options import INTERACTIONS, ITEMS, LINKS, TRIPLES, ReadOptions, read_dataset
from core.jobs.table import DONE, Job, enqueue
from core.ui.data.import_file import Staged
from core.ui.data.import_result import draw_datasets, draw_result
from core.ui.data.slot import Slot, draw_slot, job_of
from core.ui.shell import guarded, workspace
from core.ui.texts import plain


def show_import_tab() -> None:
    """Drop zones for source and target, optional tables below, and what is imported already."""
    _say_folder()
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("### :orange[Source]: where taste is known")
        _draw("source", INTERACTIONS, "Interactions of the source domain")
    with right:
        st.markdown("### :blue[Target]: where items are recommended")
        _draw("target", INTERACTIONS, "Interactions of the target domain")
    with st.expander(
        "Item tables and user links, triples (optional)", icon=":material/library_add:"
    ):
        left, right = st.columns(2, gap="large")
        with left:
            _draw("items_source", ITEMS, "Titles, categories, vectors of the source's items")
        with right:
            _draw("items_target", ITEMS, "Titles, categories, vectors of the target's items")
        left, right = st.columns(2, gap="large")
        with left:
            _draw("links", LINKS, "Which source user is which target user, if ids differ")
        with right:
            _draw("triples", TRIPLES, "Triples that say what items have in common")
    if draw_datasets() >= 2:
        st.caption("Next: put two domains together under **Pair**.")


def imported_in(slot: str) -> str | None:
    """Hash of the dataset a slot's file became in this session; None before it is imported."""
    job = job_of(slot)
    return job.result["hash"] if job is not None and job.status == DONE else None


def _draw(slot: str, kind: str, label: str) -> None:
    draw_slot(Slot(slot, kind, label, _begin, _draw_done))


def _say_folder() -> None:
    """How to read files too large to upload, in one quiet line, where no folder is set."""
    with guarded():
        if import_folder() is None:
            st.caption(
                f"Files too large to upload: set {VARIABLE} to a folder before Crosswalk starts, "
                "and its files are listed here."
            )


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


def _begin(staged: Staged, options: ReadOptions) -> str:
    payload = {"path": staged.path, "options": options.to_dict(), "name": staged.name}
    return enqueue(workspace(), "import", payload, "short", f"Import {staged.name[:60]}")
