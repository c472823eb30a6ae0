"""Train page, beside a ticked run: the figures its model found out about itself."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from core.basics.formatting import number
from core.store.run_folder import Run
from core.ui.texts import plain


def draw_findings(run: Run) -> None:
    """One figure each, with its explanation; nothing where the model found out nothing."""
    found = findings(run.record)
    if not found:
        return
    st.markdown("**What the model found out about itself**")
    with st.container(horizontal=True):
        for finding in found:
            st.metric(
                plain(finding["title"], 60),
                number(finding["value"], 4),
                help=plain(finding["help"], 600),
                width="content",
            )


def findings(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The record's findings that can be shown; [] in a record older than findings."""
    entries = record.get("findings")
    return [entry for entry in entries if _whole(entry)] if isinstance(entries, list) else []


def _whole(entry: Any) -> bool:
    """A run file may come from anywhere, so each part is looked at."""
    if not isinstance(entry, dict):
        return False
    value = entry.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return all(isinstance(entry.get(name), str) for name in ("title", "help"))
