"""The tabs under the Metrics page's lift; only the open one computes anything."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import MEAN, METRIC, RUN, SOURCE, TARGET, USER
from core.basics.formatting import count, number, signed
from core.charts.data import draw_histogram
from core.charts.fusion import draw_trade_off
from core.evaluation.side_by_side import moved_sentence
from core.metrics.classification import distance_to_utopia, hypervolume, scaled
from core.metrics.registry import METRICS, metric_card, metric_title
from core.store.run_folder import Run
from core.ui.metrics.classification import show_classification, show_rating_fit
from core.ui.metrics.fairness import show_fairness
from core.ui.metrics.figures import Contender, errors_of, floor_name, moved_of, table_of
from core.ui.metrics.lists import show_beyond, styles_of, twin_name, with_list_figures
from core.ui.metrics.overlap import show_overlap
from core.ui.metrics.table import explain
from core.ui.metrics.view import View, too_few
from core.ui.navigation import link_to
from core.ui.recommendations.view import repeats
from core.ui.shell import show_chart
from core.ui.state import linked, one_of
from core.ui.widgets import download_button, plain, show_table


def show_tabs(run: Run, lines: list[Contender], view: View) -> None:
    """Per user first, then what lists are like, whom they serve, and runs against each other."""
    shown = {
        "Per user": lambda: show_users(run, view),
        "Beyond accuracy": lambda: show_beyond(lines, view),
        "Fairness": lambda: show_fairness(lines, view),
        "Classification": lambda: show_classification(lines, view),
        "Ratings": lambda: show_rating_fit(lines, view),
        "Overlap": lambda: show_overlap(run, view),
        "Trade-off": lambda: show_trade_off(lines, view),
    }
    if all(not line.run.card.task.rates for line in lines):
        del shown["Ratings"]
    names = list(shown)
    tabs = st.tabs(names, **linked("metrics_tab", names[0], one_of(names), key="metrics_tab"))
    for tab, show in zip(tabs, shown.values(), strict=True):
        if tab.open:
            with tab:
                show()


# Which users a run helped and harmed: a histogram of differences and the users behind it.

BINS = 41  # an odd number, so that one bin is centred on no difference


def show_users(run: Run, view: View) -> None:
    """Histogram left, table right; a box drawn on the histogram keeps its users in the table."""
    other = run.twin or run.floor
    if other is None:
        words = f"This run is {floor_name(run)} itself: there is nothing to compare its users with."
        st.caption(words)
        return
    if too_few(run, view.part, view.segment):
        return
    against = "its twin" if run.twin else floor_name(run)
    table = moved_of(run, other, view)
    left, right = st.columns([1, 1.2], gap="large")
    with left:
        chosen = _show_histogram(run, table, view, against)
    with right:
        _show_table(run, table[chosen], view, against)


def _show_histogram(run: Run, table: pd.DataFrame, view: View, against: str) -> pd.Series:
    """Draw the users who moved, and return which rows of the table the selection keeps."""
    differences = table["difference"]
    moved = differences[differences != 0]
    if moved.empty:
        st.caption(f"Nobody's {metric_title(view.column)} differs from {against}.")
        return pd.Series(True, index=table.index)
    st.markdown(moved_sentence(table, view.column, against))
    if words := repeats(run):
        st.caption(words[0], help=words[1])
    reach = float(moved.abs().max())
    counts, edges = np.histogram(moved, bins=BINS, range=(-reach, reach))
    answer = show_chart(
        draw_histogram(edges, counts, x=f"difference in {metric_title(view.column)}", y="users"),
        f"Whose {metric_title(view.column)} differs from {against}? "
        f"{count(len(table) - len(moved), 'user')} without a difference not drawn; drag a box over "
        "bars to list their users.",
        "differences",
        on_select="rerun",
        selection_mode=("box",),
    )
    boxes = answer["selection"]["box"] if answer else []
    if not boxes:
        return pd.Series(True, index=differences.index)
    low, high = sorted(float(x) for x in boxes[0]["x"])
    return differences.between(low, high)


def _show_table(run: Run, table: pd.DataFrame, view: View, against: str) -> None:
    title, record = metric_title(view.column), run.record
    names = {
        USER: "User",
        "difference": "Difference",
        "run": title,
        "other": against.capitalize(),
        "source_history": "source history",
        "target_history": "target history",
    }
    shown = table[list(names)].rename(columns=names)
    kept = metric_card(view.column).kept  # figures of lists may be small
    digits = 3 if kept else 4
    written = {names[name]: lambda value: number(value, digits) for name in ("run", "other")}
    written["Difference"] = lambda value: signed(value, digits)
    widths = {
        names[name]: st.column_config.NumberColumn(
            plain(record.name_of(domain), 30), help="How much the user had in training."
        )
        for name, domain in (("source_history", SOURCE), ("target_history", TARGET))
    }
    rows = show_table(
        shown.style.format(written),
        "moved_users",
        column_config=widths,
        selection="single-row",
        height=420,
    )
    download_button(shown, "users.csv", "moved_users_download")
    if rows and rows[0] < len(table):
        user = str(table[USER].iloc[rows[0]])
        link_to("recommendations", f"What {plain(user, 40)} gets, and why", user=user)
    else:
        st.caption("Choose a row to see that user's recommendations.")


# Any metric against any other: one cross per run, and how far each is from the best of both.

DISTANCE, VOLUME = "utopia_distance", "hypervolume"


def show_trade_off(lines: list[Contender], view: View) -> None:
    """Two boxes for the axes, what comes closest to the best of both, the chart and the figures."""
    if too_few(lines[0].run, view.part, view.segment):
        return
    figures = with_list_figures(table_of(lines, view.part, view.k, view.segment), lines, view)
    if any(line.run.card.task.rates for line in lines):
        figures = pd.concat([figures, errors_of(lines, view.part, view.segment)], ignore_index=True)
    metrics = list(dict.fromkeys(figures[METRIC]))
    start = next((place for place, name in enumerate(metrics) if name.startswith("novelty")), 0)
    left, right = st.columns(2)
    x = left.selectbox(
        "Across",
        metrics,
        format_func=metric_title,
        **linked("across", metrics[start], one_of(metrics), key="across"),
    )
    y = right.selectbox(
        "Up",
        metrics,
        format_func=metric_title,
        **linked("up", metrics[0], one_of(metrics), key="up"),
    )
    said = figures[figures[METRIC].isin([x, y]) & figures[MEAN].notna()]
    known = said.groupby(RUN)[METRIC].nunique() == len({x, y})
    both = [line.name for line in lines if known.get(line.name, False)]
    if missing := [line.name for line in lines if line.name not in both]:
        names = ", ".join(plain(name, 80) for name in missing)
        st.caption(f"Without a figure in both, and left out: {names}.")
    if not both:
        return
    across, up = (
        figures[figures[METRIC] == name].set_index(RUN).loc[both].reset_index() for name in (x, y)
    )
    table = _table(across, up, (x, y))
    st.markdown(_words(table, x, y))
    styles = styles_of(lines, twin_name(lines))
    show_chart(
        draw_trade_off(
            across,
            up,
            x=metric_title(x),
            y=metric_title(y),
            colours=[styles[name].colour for name in both],
            utopia=_utopia(across, up, (x, y)),
        ),
        f"What does a run give up for what it gains? The star is the best of both: {_side(x, y)}. "
        "Crosses are 95 % intervals; every run has the colour it has in the other tabs.",
        "trade_off",
    )
    _show_trade_off(table, x, y)


def _table(across: pd.DataFrame, up: pd.DataFrame, metrics: tuple[str, str]) -> pd.DataFrame:
    """RUN, both metrics, DISTANCE and VOLUME, the closest to the best of both first."""
    values = np.column_stack([across[MEAN], up[MEAN]])
    scores = scaled(values, np.array([metric_card(name).higher_is_better for name in metrics]))
    table = pd.DataFrame(
        {
            RUN: across[RUN],
            "x": values[:, 0],
            "y": values[:, 1],
            DISTANCE: distance_to_utopia(scores),
            VOLUME: hypervolume(scores),
        }
    )
    return table.sort_values(DISTANCE, ignore_index=True)


def _utopia(
    across: pd.DataFrame, up: pd.DataFrame, metrics: tuple[str, str]
) -> tuple[float, float]:
    best = [
        part[MEAN].max() if metric_card(name).higher_is_better else part[MEAN].min()
        for part, name in zip((across, up), metrics, strict=True)
    ]
    return float(best[0]), float(best[1])


def _side(x: str, y: str) -> str:
    right, above = (metric_card(name).higher_is_better for name in (x, y))
    words = f"better is {'right' if right else 'left'} and {'up' if above else 'down'}"
    if metric_card(x).neutral or metric_card(y).neutral:
        words += ", as far as more variety and less popularity are wanted"
    return words


def _words(table: pd.DataFrame, x: str, y: str) -> str:
    known = table.dropna(subset=[DISTANCE])
    if x == y:
        return "Choose two different metrics to see what one costs in the other."
    if len(known) < 2:
        return "Fewer than two runs have both figures: there is nothing to weigh."
    first = known.iloc[0]
    words = f"Of the runs shown **{plain(first[RUN], 80)}** comes closest to the best of both"
    if first[DISTANCE] < 1e-9:
        return f"{words}: no run is better in either."
    return (
        f"{words} (distance {number(first[DISTANCE], 2)}; 0 is best in both, 1.41 worst in both); "
        "a small lead may be chance."
    )


def _show_trade_off(table: pd.DataFrame, x: str, y: str) -> None:
    titles = {DISTANCE: METRICS[DISTANCE].title, VOLUME: METRICS[VOLUME].title}
    cells = pd.DataFrame({"Run": table[RUN]})
    for name, column in ((x, "x"), (y, "y")):
        cells[metric_title(name)] = [number(value) for value in table[column]]
    for name, title in titles.items():
        cells[title] = [number(value, 2) for value in table[name]]
    config = {
        title: st.column_config.Column(help=METRICS[name].help) for name, title in titles.items()
    }
    st.dataframe(cells, key="trade_off_table", hide_index=True, column_config=config)
    with st.container(horizontal=True):
        explain([DISTANCE, VOLUME])
        download_button(cells, "trade_off.csv", "trade_off_csv")
