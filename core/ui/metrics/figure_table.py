"""Tables of figures: a row per run, an interval behind each number, help on every heading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN
from core.basics.formatting import number, signed
from core.evaluation.list_figures import DIFFERENCE
from core.evaluation.verdict import difference_words
from core.metrics.intervals import Interval
from core.metrics.registry import METRICS, metric_card, metric_title
from core.ui.tables import download_button

SMALL = 0.02  # figures up to here are shown with four decimals


def show_figures(
    rows: pd.DataFrame, metrics: Sequence[str], key: str, titles: Mapping[str, str] | None = None
) -> None:
    """rows: as `compared` gives them; figures of the catalogue stand in them without an interval.

    The row of differences, if there is one, is the first run minus its twin, with signs. titles:
    headings other than those of the cards.
    """
    titles = titles or {metric: metric_title(metric) for metric in metrics}
    said = rows[rows[METRIC].isin(list(metrics)) & rows[MEAN].notna()]
    runs = [r for r in dict.fromkeys(rows[RUN]) if r != DIFFERENCE or (said[RUN] == r).any()]
    by_place = {(row[RUN], row[METRIC]): row for row in rows.to_dict("records")}
    digits = {
        (apart, metric): _digits(part[part[METRIC] == metric][MEAN])
        for apart, part in rows.groupby(rows[RUN] == DIFFERENCE)
        for metric in metrics
    }
    names = ["run − its twin" if run == DIFFERENCE else run for run in runs]
    cells = pd.DataFrame(
        {"Run": names}
        | {
            titles[metric]: [
                _cell(
                    by_place.get((run, metric)),
                    run == DIFFERENCE,
                    digits[run == DIFFERENCE, metric],
                )
                for run in runs
            ]
            for metric in metrics
        }
    )
    st.dataframe(
        cells,
        key=key,
        hide_index=True,
        column_config={titles[metric]: column_help(metric) for metric in metrics},
    )
    with st.container(horizontal=True):
        explain([metric.split("@")[0] for metric in metrics])
        download_button(rows[rows[METRIC].isin(metrics)], f"{key}.csv", f"{key}_csv")


def column_help(metric: str) -> Any:
    """The heading's help: what the figure is, in words."""
    return st.column_config.TextColumn(help=metric_card(metric).help)


def explain(names: Sequence[str], label: str = "What these numbers are") -> None:
    """A box with help, formula and source of every metric named."""
    with st.popover(label, icon=":material/help:", type="tertiary"):
        for name in dict.fromkeys(names):
            card = METRICS[name]
            better = "More is better." if card.higher_is_better else "Less is better."
            better = "Read it beside quality." if card.neutral else better
            st.markdown(
                f"**{card.title}**: {card.help} {better}  \n{card.formula}  \n:gray[{card.source}]"
            )


def moved_words(rows: pd.DataFrame, metrics: Sequence[str], against: str) -> str:
    """Which figures differ from the twin's beyond user sampling, with sign and interval."""
    found = rows[(rows[RUN] == DIFFERENCE) & rows[METRIC].isin(list(metrics))].dropna(subset=[LOW])
    moved = found[((found[LOW] > 0) | (found[HIGH] < 0)) & (found[MEAN].abs() >= 0.0005)]
    if found.empty:
        return ""
    if moved.empty:
        return (
            f"In none of these does the run differ from {against} beyond user sampling (one seed)."
        )
    said = "; ".join(
        difference_words(Interval(row[MEAN], row[LOW], row[HIGH], 0, 0), str(row[METRIC]))
        for _, row in moved.iterrows()
    )
    words = f"Against {against} the run differs in {said}."
    if len(moved) == len(found):
        return words
    return f"{words} In the others no difference beyond user sampling (one seed)."


def _cell(row: dict | None, difference: bool, digits: int) -> str:
    if row is None or pd.isna(row[MEAN]):
        return "–"
    write = signed if difference else number
    middle = write(row[MEAN], digits)
    if pd.isna(row[LOW]):
        return middle
    return f"{middle} ({write(row[LOW], digits)} to {write(row[HIGH], digits)})"


def _digits(means: pd.Series) -> int:
    largest = means.abs().max()
    return 4 if largest < SMALL else 3 if largest < 10 else 1
