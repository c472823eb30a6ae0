"""How much the source's help owes to shared users: a curve, or a button that measures it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.charts.intervals import draw_overlap_curve
from core.metrics.registry import metric_card, metric_title
from core.runs.making.train_again import is_trained
from core.runs.studies.overlap import overlap_payload, overlap_rows, overlap_sentence
from core.store.measured import overlap_is_damaged, overlap_metrics, read_overlap
from core.store.run_folder import Run
from core.ui import cached
from core.ui.keeping import kept_data
from core.ui.metrics.view import View
from core.ui.shell import Task, draw_task, show_chart

_WHAT = (
    "The run is trained four times more: none, a quarter, half and three quarters of the shared "
    "users stay linked. The source histories of the others stay too, as those of strangers."
)


def show_overlap(run: Run, view: View) -> None:
    """The curve of the run where it was measured; else what it would say, and the button."""
    if not (run.card.cross_domain and is_trained(run)):
        st.caption("Only a cross-domain run that was trained here has such a curve.")
        return
    if not metric_card(view.column).kept:
        st.caption(
            f"The curve is kept for what a run keeps of every user; {metric_title(view.column)} is "
            "made from lists. Choose another metric above, such as nDCG."
        )
        return
    info = read_overlap(run)
    if info is None:
        st.markdown("How many shared users does the lift need?")
        if overlap_is_damaged(run):
            st.warning("The curve that was kept cannot be read any more. Measure it again.")
        st.caption(_WHAT)
        task = Task(
            "overlap",
            (overlap_payload(run.id),),
            f"Overlap curve of {run.label}",
            "Measure the curve",
            _WHAT,
        )
        draw_task(task, "measure_overlap")
        return
    rows = _curve(run, view.part, view.column, info.wall_seconds)
    st.markdown(f"**{overlap_sentence(rows, view.column)}**")
    if rows.empty:
        return
    show_chart(
        draw_overlap_curve(rows, y=metric_title(view.column)),
        f"How does quality grow with the shared users that training knows? {info.shared:,} are "
        "shared; those left out keep their source history as strangers. Dashed: the twin, which "
        "knows no source at all. Bands: 95 % interval of the difference to it over users; one "
        "draw, one seed.",
        "overlap_curve",
    )


@kept_data(max_entries=10)
def _curve(run: Run, part: str, column: str, stamp: float) -> pd.DataFrame:
    """stamp: of the measured curve, which may be measured again."""
    frames = overlap_metrics(run, part)
    twin = run.twin.metrics(part) if run.twin else None
    return overlap_rows(frames, twin, cached.segments(run.record.split_hash), column)
