"""Beyond accuracy: variety, popularity, categories and further ranking metrics of the lists."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, USER, USERS
from core.basics.formatting import count, number
from core.charts.intervals import draw_lorenz
from core.evaluation.list_figures import (
    DIFFERENCE,
    RBO,
    catalogue_figures,
    compared,
    gauc,
    half_share,
    lorenz_points,
    overlap_with,
)
from core.evaluation.segments import FEWEST
from core.metrics.registry import METRICS
from core.ui import cached
from core.ui.metrics.figure_table import moved_words, show_figures
from core.ui.metrics.figures import Contender
from core.ui.metrics.lists import Listed, listed
from core.ui.metrics.view import View
from core.ui.shell import show_chart

ITS_TWIN = "its twin"


def show_beyond(lines: list[Contender], view: View) -> None:
    """A table per group of metrics with a sentence above each, and the picture of exposure."""
    found = listed(lines, view)
    if found is None:
        return
    rows = _rows(found.folders, view.part, view.k, view.who, found)
    users = int(rows[USERS].max())
    st.caption(
        f"From the lists of {users:,} users at k = {view.k}; 95 % intervals from resampling them, "
        "not corrected for the number of figures. Figures of the catalogue as a whole have none: "
        "their headings say why."
    )
    _show("Variety", "diversity", rows, found, _variety_words)
    _show("Surprise", "surprise", rows, found, lambda rows, found: "")
    _show_exposure(rows, found)
    _show("Categories and change", "mix", rows, found, _mix_words)
    _show("Further ranking metrics", "further", rows, found, lambda rows, found: "")
    _show("Areas under the curve", "area", rows, found, lambda rows, found: "")


def with_list_figures(figures: pd.DataFrame, lines: list[Contender], view: View) -> pd.DataFrame:
    """The figures of the runs with those of their lists below; as they are if one kept none."""
    found = listed(lines, view) if all(line.run.has_lists for line in lines) else None
    if found is None:
        return figures
    rows = _rows(found.folders, view.part, view.k, view.who, found)
    rows = rows[rows[RUN] != DIFFERENCE]
    everywhere = rows.groupby(METRIC)[RUN].nunique() == len(lines)  # not RBO, which has no own
    return pd.concat([figures, rows[rows[METRIC].map(everywhere)]], ignore_index=True)


def _show(title: str, group: str, rows: pd.DataFrame, found: Listed, words) -> None:  # type: ignore[no-untyped-def]
    metrics = _metrics(rows, group, found.view.k)
    st.subheader(title, anchor=False)
    said = [words(rows, found), moved_words(rows, metrics, ITS_TWIN) if found.twin else ""]
    st.markdown(" ".join(sentence for sentence in said if sentence))
    show_figures(rows, metrics, f"beyond_{group}")


def _show_exposure(rows: pd.DataFrame, found: Listed) -> None:
    _show("Popularity and exposure", "popularity", rows, found, _exposure_words)
    curves = _curves(found.folders, found.view.part, found.view.k, found.view.who, found)
    show_chart(
        draw_lorenz(curves, found.styles(), k=found.view.k),
        "How evenly do lists share out the catalogue? On the diagonal every item is shown as "
        "often; the further below it, the fewer items take all the places.",
        "lorenz",
    )


def _metrics(rows: pd.DataFrame, group: str, k: int) -> list[str]:
    """Columns of a group's figures that the rows have, in the order of the cards."""
    there = set(rows[METRIC])
    columns = [f"{c.name}@{k}" if c.at_k else c.name for c in METRICS.values() if c.group == group]
    extra = [f"coverage@{k}"] if group == "popularity" else []
    return [column for column in columns + extra if column in there and not _told(rows, column)]


def _told(rows: pd.DataFrame, column: str) -> bool:
    """Whether every run gives every user a full list, or any: then a sentence says it shorter."""
    part = rows[(rows[METRIC] == column) & (rows[RUN] != DIFFERENCE)]
    return column.split("@")[0] in ("full_list", "user_coverage") and bool((part[MEAN] == 1).all())


def _variety_words(rows: pd.DataFrame, found: Listed) -> str:
    column = f"personalisation@{found.view.k}"
    own = _mean(rows, found.own, column)
    words = f"Two users' lists have {1 - own:.0%} of their items in common on average"
    if found.twin:
        words += f", {1 - _mean(rows, found.twin, column):.0%} with {ITS_TWIN}"
    if _told(rows, f"full_list@{found.view.k}"):
        words += "; every run gives everybody a full list"
    return f"{words}."


def _exposure_words(rows: pd.DataFrame, found: Listed) -> str:
    judged = found.judged()
    halves = {name: half_share(one, found.world, found.view.k) for name, one in judged.items()}
    items, share = halves[found.own]
    words = f"Half of all places in lists go to {items:,} items ({share:.1%} of the catalogue)"
    if found.twin:
        words += f", {halves[found.twin][0]:,} with {ITS_TWIN}"
    return f"{words}."


def _mix_words(rows: pd.DataFrame, found: Listed) -> str:
    words = []
    if found.world.categories is None:
        words.append("The target's items have no categories, so nothing is said of their mix.")
    own = rows[(rows[RUN] == found.own) & (rows[METRIC] == f"domain_mix@{found.view.k}")]
    if len(own) and own[USERS].iloc[0] >= FEWEST:
        words.append(
            f"{own[MEAN].iloc[0]:.0%} of the scores in the run's lists come from the source, of "
            f"{count(int(own[USERS].iloc[0]), 'user')} with evidence in both domains."
        )
    if found.twin:
        overlap = _mean(rows, found.twin, f"{RBO}@{found.view.k}")
        words.append(f"A user's list and the one of {ITS_TWIN} overlap by {number(overlap)} (RBO).")
    return " ".join(words)


def _mean(rows: pd.DataFrame, run: str, metric: str) -> float:
    return float(rows[(rows[RUN] == run) & (rows[METRIC] == metric)][MEAN].iloc[0])


@st.cache_data(show_spinner="Looking at every list …", max_entries=20)
def _rows(
    folders: Sequence[tuple[str, str]], part: str, k: int, segment: str, _found: Listed
) -> pd.DataFrame:
    judged, frames = _found.judged(), _found.frames(k)
    for name in list(frames)[1:]:
        overlap = overlap_with(judged[name], judged[_found.own], k)
        frames[name] = frames[name].merge(overlap, on=USER, how="left")
    rows = compared(frames, _found.twin)
    catalogue = [
        (name, metric, value, float("nan"), float("nan"), len(one.users))
        for name, one in judged.items()
        for metric, value in catalogue_figures(one, _found.world, k).items()
    ]
    whole = pd.DataFrame(catalogue, columns=[RUN, METRIC, MEAN, LOW, HIGH, USERS])
    found = pd.concat([rows, whole, _pooled(_found)], ignore_index=True)
    few = found[USERS] < FEWEST  # of the segment those who have this figure at all
    return found.assign(**{name: found[name].mask(few) for name in (MEAN, LOW, HIGH)})


def _pooled(found: Listed) -> pd.DataFrame:
    """GAUC of every run whose users' AUC was kept."""
    rows = []
    for line, judged in zip(found.lines, found.judged().values(), strict=True):
        kept = cached.per_user(line.run, found.view.part).set_index(USER)
        if "auc" in kept:
            auc = kept["auc"].reindex(judged.users).to_numpy()
            said = gauc(judged, auc)
            rows.append((line.name, "gauc", said.mean, said.low, said.high, said.users))
    return pd.DataFrame(rows, columns=[RUN, METRIC, MEAN, LOW, HIGH, USERS])


@st.cache_data(show_spinner=False, max_entries=20)
def _curves(
    folders: Sequence[tuple[str, str]], part: str, k: int, segment: str, _found: Listed
) -> dict[str, pd.DataFrame]:
    return {name: lorenz_points(one, _found.world, k) for name, one in _found.judged().items()}
