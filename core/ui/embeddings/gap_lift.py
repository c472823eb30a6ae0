"""Whether runs whose domains lie closer gain more: a dot per run."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, RUN
from core.basics.formatting import signed_with_interval
from core.charts.fusion import draw_trade_off
from core.runs.studies.gap import after_gap
from core.store.run_folder import Run
from core.ui import cached
from core.ui.run_names import run_names
from core.ui.shell import show_chart
from core.ui.tables import show_table

MOST_RUNS = 12  # whose gaps are measured for one picture
LIFT = "ndcg@10"
TITLES = {"a_distance": "A-distance", "mmd": "MMD²", "retrieval_mrr": "retrieval MRR"}


def show_gap_against_lift(run: Run) -> None:
    """A dot per run: its gap across, its lift up."""
    frame, lifts = _gaps_and_lifts(run)
    if len(frame) < 2:
        st.caption("Fewer than two runs of this split have user vectors and a lift to compare.")
        return
    across = frame.assign(**{MEAN: frame["a_distance"], LOW: np.nan, HIGH: np.nan})
    show_chart(
        draw_trade_off(
            across,
            lifts,
            x="proxy A-distance after alignment (0 alike, 2 apart)",
            y="lift in nDCG@10",
        ),
        "Do runs whose domains lie closer gain more? Lift is over the target-only twin, or over "
        "popularity for models without one; bars are 95 % intervals over users.",
        "gap_against_lift",
    )
    shown = frame.rename(columns=TITLES).assign(
        lift=[
            signed_with_interval(*row)
            for row in lifts[[MEAN, LOW, HIGH]].itertuples(index=False, name=None)
        ]
    )
    show_table(shown, "gap_runs", download="gap_of_runs.csv")


def _gaps_and_lifts(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    runs = [
        other
        for other in cached.runs()
        if other.record["split_hash"] == run.record["split_hash"] and _lift(other)
    ][:MOST_RUNS]
    names, gaps, lifts = run_names(runs), [], []
    for other in runs:
        gap = _gap(str(other.folder), other)
        if gap is None:
            continue
        figures = {key: gap[key] for key in ("a_distance", "mmd", "retrieval_mrr")}
        gaps.append({RUN: names[other.id]} | figures)
        lift = _lift(other)
        assert lift is not None
        lifts.append({RUN: names[other.id]} | {key: lift[key] for key in (MEAN, LOW, HIGH)})
    return pd.DataFrame(gaps), pd.DataFrame(lifts)


def _lift(run: Run) -> dict | None:
    found = run.record.get("lift") or run.record.get("lift_over_popularity") or {}
    return found.get(LIFT)


@st.cache_data(show_spinner="Reading vectors …", max_entries=100)
def _gap(folder: str, _run: Run) -> dict[str, float] | None:
    gap = after_gap(cached.split_of(_run), cached.model(_run))
    return None if gap is None else asdict(gap)
