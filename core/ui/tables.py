"""Tables that sort, search and download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.basics.files import fingerprint, to_csv


def show_table(
    frame: pd.DataFrame,
    key: str,
    download: str | None = None,
    column_config: dict[str, Any] | None = None,
    selection: str | None = None,
    height: int | None = None,
    names: Sequence[str] | None = None,
) -> list[int]:
    """Draw the table; answers the positions of the selected rows.

    download: name of the CSV file, without one there is no button. selection: "single-row" or
    "multi-row". names: what the rows are; where they change, nothing is selected any more, so
    that a tick never slips to another row. Headings sort, the glass in the tool bar searches.
    """
    looks: dict[str, Any] = {
        "hide_index": True,
        "column_config": column_config,
        "placeholder": "–",
        "height": height or "auto",
    }
    if selection:
        looks |= {"on_select": "rerun", "selection_mode": selection}
    widget = key if names is None else table_key(key, names)
    answer: Any = st.dataframe(frame, key=widget, **looks)
    if download:
        download_button(frame, download, f"{key}_download")
    return list(answer.selection.rows) if selection else []


def table_key(key: str, names: Sequence[str]) -> str:
    """Key of the table's widget while its rows are these."""
    return f"{key}_{fingerprint(list(names))}"


def download_button(frame: pd.DataFrame, file_name: str, key: str, label: str = "CSV") -> None:
    """A button that makes the CSV when it is pressed; cells that look like formulas are quoted."""
    st.download_button(
        label,
        data=lambda: to_csv(frame),
        file_name=file_name,
        mime="text/csv",
        key=key,
        help="Made for reading: cells that a spreadsheet would run as a formula begin with a quote "
        "mark, ids too.",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )
