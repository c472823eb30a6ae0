"""One file on its way in: a drop zone or the import folder, choices, a job, what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.basics.columns import COUNT, EVENT
from core.basics.errors import CrosswalkError
from core.basics.formatting import count
from core.charts.data import draw_import_bar
from core.data.reading.ingest import (
    REJECTS,
    VARIABLE,
    file_in_folder,
    import_folder,
    list_files,
    notes_of,
    skipped_lines,
    vector_counts,
)
from core.data.reading.options import (
    ID_ROLES,
    INTERACTIONS,
    ITEMS,
    KIND_NAMES,
    LABELS,
    LINKS,
    LISTS,
    TRIPLES,
    Dataset,
    ReadOptions,
    check_options,
    delete_dataset,
    list_datasets,
    pairs_using,
    read_dataset,
)
from core.data.reading.roles import SURE
from core.jobs.table import CANCELLED, DONE, Job, read_job, request_cancel
from core.runs.jobs.data_jobs import discard_upload, stage_upload
from core.ui.data.preview import Staged, choose_options, preview_of, size_of
from core.ui.data.values import events_words
from core.ui.keeping import kept_data
from core.ui.shell import (
    ask_job,
    database,
    draw_press,
    guarded,
    safely,
    show_chart,
    show_error,
    tend_jobs,
    workspace,
)
from core.ui.widgets import download_button, plain, show_table

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
    begin: Callable[[Staged, ReadOptions], str]  # ask for the job and return its id
    done: Callable[[str, Job], None]  # draws what became of the file of that slot
    action: str = "Import"


def draw_slot(slot: Slot) -> None:
    """Drop zone, then choices, then the job, then what became of it."""
    with guarded():
        staged = staged_in(slot.name)
        if staged is None:
            draw_uploader(slot)
            return
        _draw_name(slot.name, staged)
        job = job_of(slot.name)
        if job is None or not (job.is_active or job.status == DONE):
            _draw_choices(slot, staged, job)
        elif job.is_active:
            tend_jobs()
            st.fragment(draw_import, run_every=POLL)(slot.name, job.id)
        else:
            slot.done(slot.name, job)


def job_of(slot: str) -> Job | None:
    """The job a slot's file was given to in this session."""
    job_id = st.session_state.get(f"import_{slot}_job")
    return read_job(workspace(), job_id) if job_id else None


def draw_uploader(slot: Slot) -> None:
    """The drop zone, and the files of the import folder where there is one."""
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
        on_click=clear_slot,
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
        start_import,
        (slot, staged, options),
        type="primary",
        icon=":material/download_done:",
        width="stretch",
        key=f"import_{slot.name}_start",
    )


def draw_import(slot: str, job_id: str) -> None:
    """How far the import is, for a fragment; the page reruns when it has ended."""
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


def start_import(slot: Slot, staged: Staged, options: ReadOptions) -> None:
    """Give the file to a job."""
    _keep(slot.name, job=slot.begin(staged, options))


def read_as_guessed(staged: Staged) -> tuple[ReadOptions | None, list[str]]:
    """How a file is read where nobody says otherwise, and sentences on what must be asked first.

    The options are None where there is anything to ask. Raises DataError where it cannot be read.
    """
    preview = preview_of(staged.path, staged.kind)
    asked = [f"{doubt.what.rstrip('.')}. {doubt.hint}" for doubt in preview.doubts]
    guesses = preview.guesses
    for column, guess in guesses.items():
        if guess.role in ID_ROLES[staged.kind] and guess.confidence < SURE:
            asked.append(f"{column} is taken for the {LABELS[guess.role]}: {guess.why}.")
    options = replace(preview.options, roles={name: guess.role for name, guess in guesses.items()})
    check_options(options, list(preview.head.columns))
    if events := options.columns().get(EVENT):
        asked.append(f"{events} holds kinds of events. Say which of them count, and how much.")
    return (None if asked else options), asked


def clear_slot(slot: str) -> None:
    """Forget the slot's file, so that another can be chosen."""
    staged = staged_in(slot)
    if staged is not None:
        discard_upload(workspace(), Path(staged.path))
    turn = f"import_{slot}_turn"
    st.session_state[turn] = st.session_state.get(turn, 0) + 1
    _keep(slot, file=None, job=None)


def staged_in(slot: str) -> Staged | None:
    """The file that waits in a slot, or was imported from it in this session."""
    kept = st.session_state.get(f"import_{slot}_file")
    return Staged(**kept) if kept else None


def _keep(slot: str, **values: Any) -> None:
    for name, value in values.items():
        st.session_state[f"import_{slot}_{name}"] = value


# Data page, Import: two files side by side, looked at, mapped and imported by jobs.


def show_import_tab() -> None:
    """Drop zones for source and target, optional tables below, and what is imported already."""
    # How to read files too large to upload, in one quiet line, where no folder is set
    with guarded():
        if import_folder() is None:
            st.caption(
                f"Files too large to upload: set {VARIABLE} to a folder before Crosswalk starts, "
                "and its files are listed here."
            )
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
    draw_slot(slot_of(slot, kind, label))


def slot_of(name: str, kind: str, label: str) -> Slot:
    """A slot whose file becomes a dataset."""
    return Slot(name, kind, label, _begin, _draw_done)


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
    return ask_job("import", payload, f"Import {staged.name[:60]}")


# Data page, Import: what became of a file's rows, and everything that was imported.

SHOWN_REJECTS = 1_000


def draw_result(dataset: Dataset, key: str) -> None:
    """rows = kept + rejected + merged, as words and as a bar, vectors, and the rejected rows."""
    counts = dataset.record["counts"]
    options = dataset.record["options"]
    added = ", and their counts added up" if {COUNT, EVENT} & {*options["roles"].values()} else ""
    figures = " + ".join(f"{counts[part]:,} {part}" for part in ("kept", "rejected", "merged"))
    show_chart(
        draw_import_bar(counts),
        f"{counts['rows']:,} rows in the file = {figures}. Rows with the same ids are merged into "
        f"the {options['duplicates']} one{added}.",
        key=f"{key}_bar",
    )
    if skipped := skipped_lines(dataset.record):
        st.caption(f"{count(skipped, 'line')} before the table or of comments skipped beside them.")
    for note in notes_of(dataset.record):
        st.warning(plain(note, 300), icon=":material/help:")
    if vectors := vector_counts(dataset.record):
        say = st.warning if vectors.lost or not vectors.width else st.caption
        say(vectors.words())
    if events := dataset.record.get("events"):
        st.caption(events_words(events, options.get("events", {})))
    if counts["rejected"]:
        rejects = _rejects_of(dataset.folder / REJECTS)
        shown = min(len(rejects), SHOWN_REJECTS)
        with st.expander(f"{count(len(rejects), 'rejected row')}: line, column, value, reason"):
            if shown < len(rejects):
                st.caption(f"The first {shown:,}; the download has all of them.")
            show_table(rejects.head(shown), key=f"{key}_rejects", height=260)
            download_button(
                rejects, f"{dataset.name}_rejects.csv", f"{key}_rejects_csv", "All rejected rows"
            )


def draw_datasets() -> int:
    """List what was imported, newest first, and return how many files of interactions there are."""
    datasets = list_datasets(workspace())
    if not datasets:
        return 0
    st.subheader("Imported", anchor=False)
    chosen = show_table(
        pd.DataFrame([_line_of(dataset) for dataset in datasets]),
        key="imported",
        selection="single-row",
        names=[dataset.hash for dataset in datasets],
        column_config={
            name: st.column_config.NumberColumn(format="localized")
            for name in ("rows", "kept", "rejected", "merged")
        },
    )
    if chosen and chosen[0] < len(datasets):
        _draw_chosen(datasets[chosen[0]])
    else:
        st.caption("Choose a row to see its rejects or to delete it.")
    return sum(dataset.kind == INTERACTIONS for dataset in datasets)


def _line_of(dataset: Dataset) -> dict[str, object]:
    counts = dataset.record["counts"]
    return {
        "name": dataset.name,
        "holds": KIND_NAMES[dataset.kind],
        **{part: counts[part] for part in ("rows", "kept", "rejected", "merged")},
        "imported": dataset.record["imported_at"].replace("T", " ").removesuffix("Z") + " UTC",
        "hash": dataset.hash[:8],
    }


def _draw_chosen(dataset: Dataset) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(dataset.name, 80)}** · {KIND_NAMES[dataset.kind]}")
        draw_result(dataset, f"chosen_{dataset.hash}")
        with st.popover("Delete", icon=":material/delete:"):
            used = pairs_using(workspace(), dataset.hash)
            if used:
                names = ", ".join(plain(name, 80) for name in used[:5])
                st.markdown(f"Used by {names}: it stays, but cannot be made again.")
            st.markdown("Pairs, splits and runs made from this file stay as they are.")
            st.button(
                "Delete this dataset",
                key=f"delete_{dataset.hash}",
                type="primary",
                on_click=_delete,
                args=(dataset.hash,),
            )


def _delete(dataset_hash: str) -> None:
    with guarded(), database() as cursor:
        delete_dataset(cursor, workspace(), dataset_hash)


@kept_data(max_entries=10)
def _rejects_of(file: Path) -> pd.DataFrame:
    return pd.read_parquet(file)
