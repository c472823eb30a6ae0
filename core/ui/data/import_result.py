"""Data page, Import: what became of a file's rows, and everything that was imported."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import COUNT, EVENT
from core.basics.formatting import count
from core.charts.data import draw_import_bar
from core.data.reading.ingest import REJECTS, notes_of, skipped_lines, vector_counts
from core.data.reading.options import (
    INTERACTIONS,
    KIND_NAMES,
    Dataset,
    delete_dataset,
    list_datasets,
    pairs_using,
)
from core.ui.data.import_events import events_words
from core.ui.shell import database, guarded, show_chart, workspace
from core.ui.tables import download_button, show_table
from core.ui.texts import plain

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
        _draw_rejects(dataset, key)


def draw_datasets() -> int:
    """Everything imported, newest first; answers how many files of interactions there are."""
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


def _draw_rejects(dataset: Dataset, key: str) -> None:
    rejects = _rejects_of(str(dataset.folder / REJECTS))
    shown = min(len(rejects), SHOWN_REJECTS)
    with st.expander(f"{count(len(rejects), 'rejected row')}: line, column, value, reason"):
        if shown < len(rejects):
            st.caption(f"The first {shown:,}; the download has all of them.")
        show_table(rejects.head(shown), key=f"{key}_rejects", height=260)
        download_button(
            rejects, f"{dataset.name}_rejects.csv", f"{key}_rejects_csv", "All rejected rows"
        )


@st.cache_data(show_spinner=False, max_entries=10)
def _rejects_of(file: str) -> pd.DataFrame:
    return pd.read_parquet(file)
