"""Lift with and without: the same model on versions of one pair that share their test rows."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT
from core.basics.formatting import number, signed_with_interval
from core.evaluation.lift import ALL_USERS
from core.evaluation.segments import TARGET_HISTORY
from core.metrics.registry import metric_title
from core.runs.studies.versions import other_versions, version_names
from core.store.run_folder import Run
from core.ui import cached
from core.ui.metrics.evidence import lifts_of
from core.ui.metrics.run_lists import reader_of
from core.ui.metrics.view import View
from core.ui.shell import workspace
from core.ui.texts import plain


def show_versions(run: Run, view: View) -> None:
    """A line per version with level, twin and lift; nothing where there is one version only."""
    versions = [run, *_others(run)]
    if len(versions) < 2 or run.twin is None:
        return
    names = version_names(workspace(), versions)
    st.markdown("**With and without: the same model on other versions of this pair**")
    rows = [_row(one, name, view) for one, name in zip(versions, names, strict=True)]
    st.table(pd.DataFrame(rows), border="horizontal", hide_index=True)
    words = "The first line is this run. All test rows are the same, so lifts may be compared."
    if any("cross-listed" in name for name in names):
        words += " A lift that goes with the cross-listed items was their leak and no transfer."
    st.caption(words)


def _row(run: Run, name: str, view: View) -> dict[str, str]:
    lifts = lifts_of(run, view.part, view.column, TARGET_HISTORY).over_twin
    assert lifts is not None
    assert run.twin is not None
    row, title = lifts.set_index(SEGMENT).loc[ALL_USERS], metric_title(view.column)
    levels = [_level(one, view) for one in (run, run.twin)]
    return {
        "Version": plain(name, 120),
        title: number(levels[0]),
        f"{title}, its twin": number(levels[1]),
        "Lift over the twin": plain(signed_with_interval(row[MEAN], row[LOW], row[HIGH])),
    }


def _level(run: Run, view: View) -> float:
    """As the run has it on record, or the mean over its users."""
    said = run.record[view.part].get(view.column)
    return float(said[MEAN] if said else reader_of(view.column)(run, view.part)[view.column].mean())


def _others(run: Run) -> list[Run]:
    runs = cached.runs()
    key = tuple(one.id for one in runs)
    ids = _other_ids(run.id, key, run, runs)
    return [one for one in runs if one.id in ids]


@st.cache_data(show_spinner=False, max_entries=20)
def _other_ids(run_id: str, key: tuple[str, ...], _run: Run, _runs: list[Run]) -> list[str]:
    return [one.id for one in other_versions(workspace(), _run, _runs)]
