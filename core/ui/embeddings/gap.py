"""How far apart the domains are, before and after alignment: two linked maps and the figures."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.formatting import count, number
from core.charts.maps import draw_before_after
from core.runs.studies.gap import BeforeAfter, before_after
from core.store.run_folder import Run
from core.ui import cached
from core.ui.embeddings.gap_lift import show_gap_against_lift
from core.ui.embeddings.gap_words import MEASURES, figures_caption, sentence
from core.ui.shell import show_chart
from core.ui.tables import download_button
from core.ui.texts import plain

LINES = (0, 25, 50, 100, 250)
_ASKED = "gaps_of_split"


def show_before_after(run: Run) -> None:
    """A sentence, two linked maps, the figures, and the gap against the lift of all runs."""
    found = _before_after(str(run.folder), run)
    names = plain(run.record["source_name"], 40), plain(run.record["target_name"], 40)
    st.markdown(sentence(found, names))
    if found.from_interactions:
        st.caption(
            "This model has no vectors of users; “after” shows vectors from the interactions of "
            "both domains together."
        )
    _show_maps(found, run)
    _show_figures(found)
    with st.expander("Does a smaller gap go with a larger lift? All runs of this split"):
        split = run.record["split_hash"]
        st.button("Measure the gap of every run", key="measure_gaps", on_click=_ask, args=(split,))
        if st.session_state.get(_ASKED) == split:
            show_gap_against_lift(run)


def _ask(split_hash: str) -> None:
    st.session_state[_ASKED] = split_hash


@st.cache_resource(show_spinner="Comparing the two domains …", max_entries=4)
def _before_after(folder: str, _run: Run) -> BeforeAfter:
    return before_after(cached.split_of(_run), cached.model(_run))


def _show_maps(found: BeforeAfter, run: Run) -> None:
    lines = st.segmented_control(
        "Lines between a user's two places, longest first",
        LINES,
        default=50,
        required=True,
        key="gap_lines",
        help="Longest in the model's own space, not on the map.",
    )
    longest = np.argsort(-found.lengths, kind="stable")[:lines]
    ids = cached.split_of(run).train.users.names(found.users)
    hover = [
        f"{user} · distance {length:.2f}" for user, length in zip(ids, found.lengths, strict=True)
    ]
    names = run.record["source_name"], run.record["target_name"]
    show_chart(
        draw_before_after(found.places["before"], found.places["after"], hover, names, longest),
        f"Do both domains draw a person to the same place? {count(len(found.users), 'shared user')}"
        ", each once by either history; both maps are one layout (principal components), so places "
        "can be compared. Distances between clusters mean little.",
        "before_after",
    )


def _show_figures(found: BeforeAfter) -> None:
    rows = [
        {
            "figure": f"**{measure.title}**",
            "before": number(getattr(found.before, measure.name)),
            "after": number(getattr(found.after, measure.name)),
            "closer is": measure.closer,
            "what it is": f":small[{measure.help}]",
        }
        for measure in MEASURES
    ]
    table = pd.DataFrame(rows)
    st.table(table, border="horizontal", hide_index=True)
    st.caption(figures_caption(found))
    figures = {
        name: asdict(gap) for name, gap in (("before", found.before), ("after", found.after))
    }
    download_button(pd.DataFrame(figures).T, "gap.csv", "gap_csv")
