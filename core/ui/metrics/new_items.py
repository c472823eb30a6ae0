"""Metrics page, on a split of new items: the run beside a random order and an oracle's list."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.formatting import count, number, signed
from core.evaluation.new_items import (
    COMPARED,
    TITLES,
    Comparators,
    comparators,
    deciding,
    new_items_sentence,
)
from core.evaluation.ratings import difference_intervals, intervals
from core.metrics.intervals import Interval
from core.metrics.registry import metric_title
from core.store.run_folder import Run
from core.ui import cached
from core.ui.metrics.view import View
from core.ui.texts import plain


def show_new_items(run: Run, view: View) -> None:
    """A row for the run and each comparator; nothing on a split of another kind."""
    split = cached.split_of(run)
    if split.new_items is None:
        return
    own, found = cached.per_user(run, view.part), _comparators(split.info.split_hash, view.part)
    n_items = split.masked(view.part).n_rankable
    metric = deciding(n_items)
    rows = [_row(plain(run.label, 80), own, None, metric)]
    rows += [_row(TITLES[name], frame, own, metric) for name, frame in found.items()]
    st.markdown(
        f"**{count(n_items, 'new item')}**, hidden from training and ranked by themselves, for all "
        "evaluated users:"
    )
    st.table(pd.DataFrame(rows), border="horizontal", hide_index=True)
    said = new_items_sentence(own, found, run.card.new_items, metric)
    st.caption(
        f"{said} The oracle knows how often each new item was chosen in this part, which no model "
        "does. Popularity counts training, where new items have none: its list is one random draw "
        "for everybody, so compare with what a random order is expected to find."
    )


@st.cache_data(show_spinner=False, max_entries=6)
def _comparators(split_hash: str, part: str) -> Comparators:
    return comparators(cached.split(split_hash), part)


def _row(name: str, frame: pd.DataFrame, own: pd.DataFrame | None, metric: str) -> dict[str, str]:
    cells = {"List": name}
    for column, found in zip(COMPARED, intervals(frame, COMPARED), strict=True):
        cells[metric_title(column)] = _cell(number(found.mean), found)
    gap = None if own is None else difference_intervals(own, frame, [metric])[0]
    title = f"The run's {metric_title(metric)} minus it"
    return cells | {title: "–" if gap is None else _cell(signed(gap.mean), gap)}


def _cell(mean: str, found: Interval) -> str:
    if np.isclose(found.low, found.high, rtol=0, atol=1e-9):  # the same for every user
        return mean
    return f"{mean}  \n:gray[:small[{number(found.low)} to {number(found.high)}]]"
