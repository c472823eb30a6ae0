"""Fairness of predicted ratings to one group of users against all others (Yao and Huang 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.basics.columns import MEAN, METRIC, RUN, USER
from core.basics.formatting import number
from core.evaluation.groups import BY_LOT, CHANCE, FEWEST_ITEMS, N_ITEMS, unfairness_rows
from core.evaluation.ratings import Bounds
from core.evaluation.segments import FEWEST
from core.metrics.fairness import UNFAIRNESS
from core.metrics.intervals import holm
from core.metrics.registry import METRICS
from core.ui import cached
from core.ui.metrics.figure_table import explain
from core.ui.metrics.groups import segments_of
from core.ui.metrics.lists import Listed
from core.ui.tables import download_button
from core.ui.texts import plain

SURE = 0.05  # chance below which a figure is more than groups by lot bring


def show_score_fairness(found: Listed, by: str) -> None:
    """A box for the group, a sentence, and every run's figures; nothing for runs that rank."""
    run = found.lines[0].run
    if run.card.task != "rating":
        return
    groups = found.large_groups(by)
    if not groups:
        return
    box, _ = st.columns([1, 1])
    group = box.selectbox(
        "Are ratings predicted as well as for all others? For",
        list(groups),
        format_func=lambda name: groups.get(name, name),
        key="unfairness_group",
    )
    view = found.view
    rows = _rows(found.folders, view.part, view.who, by, str(group), view.stamp, found)
    own = rows[rows[RUN] == found.own].set_index(METRIC)
    if own.empty:
        st.caption(
            f"The group or the others have fewer than {FEWEST} users, or they rated fewer than "
            f"{FEWEST_ITEMS} items in common: nothing can be compared."
        )
        return
    st.markdown(_words(own, plain(groups[str(group)], 120)))
    table = pd.DataFrame(
        [
            {"Run": name}
            | {METRICS[m].title: _cell(part.set_index(METRIC).loc[m]) for m in UNFAIRNESS}
            for name, part in rows.groupby(RUN, sort=False)
        ]
    )
    config = {
        METRICS[name].title: st.column_config.Column(help=METRICS[name].help) for name in UNFAIRNESS
    }
    st.dataframe(table, key="fairness_scores", hide_index=True, column_config=config)
    st.caption(
        f"In points of the scale, over {int(own[N_ITEMS].iloc[0]):,} items that both rated; in "
        "brackets the mean over groups of the same size drawn by lot. A group by lot is never at "
        "0, since every item has few ratings: only what lies well above it tells anything."
    )
    with st.container(horizontal=True):
        explain(UNFAIRNESS)
        download_button(rows, "unfairness_of_ratings.csv", "fairness_scores_csv")


def _words(own: pd.DataFrame, users: str) -> str:
    chance = holm(own[CHANCE].to_numpy(float))  # five are asked about
    sure = [METRICS[name].title.lower() for name in own.index[chance < SURE]]
    value = own.loc["value_unfairness"]
    words = (
        f"Errors for **{users}** and for all others differ by {number(value[MEAN])} points an item "
        f"(value unfairness), by {number(value[BY_LOT])} for a group drawn by lot"
    )
    if not sure:
        return f"{words}: none of the five is more than groups by lot bring."
    return f"{words}; beyond what groups by lot bring: {', '.join(sure)}."


def _cell(row: pd.Series) -> str:
    return f"{number(row[MEAN])} ({number(row[BY_LOT])})"


@st.cache_data(show_spinner=False, max_entries=20)
def _rows(
    folders: Sequence[tuple[str, str]],
    part: str,
    segment: str,
    by: str,
    group: str,
    key: str,
    _found: Listed,
) -> pd.DataFrame:
    run = _found.lines[0].run
    frames = {
        line.name: cached.predictions(line.run, part)
        for line in _found.lines
        if line.run.card.task == "rating"
    }
    if _found.users is not None:
        frames = {name: one[one[USER].isin(_found.users)] for name, one in frames.items()}
    bounds = Bounds.of(cached.split_of(run).rated.train.target)
    return unfairness_rows(frames, bounds, segments_of(run)[by], group)
