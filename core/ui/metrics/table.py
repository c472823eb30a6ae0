"""Runs against metrics: a number, its interval under it, the leader in bold where it is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, SKIPPED, USERS
from core.basics.formatting import count, number, signed
from core.data.snapshot import Split
from core.evaluation.lift import is_gain
from core.evaluation.list_figures import DIFFERENCE
from core.evaluation.new_items import (
    COMPARED,
    TITLES,
    Comparators,
    comparators,
    deciding,
    new_items_sentence,
)
from core.evaluation.ratings import difference_intervals, intervals
from core.evaluation.side_by_side import BEST
from core.metrics.card import WHAT_IS_KNOWN
from core.metrics.intervals import Interval
from core.metrics.ratings import ERRORS
from core.metrics.registry import METRICS, metric_card, metric_title
from core.store.run_folder import Run
from core.ui import cached
from core.ui.keeping import kept_data
from core.ui.metrics.figures import Contender, errors_of, gaps_of
from core.ui.metrics.view import PARTS, View
from core.ui.state import linked, one_of
from core.ui.widgets import download_button, plain

_JOIN, _SPACE = "\u2060", "\u00a0"  # keep an interval on one line


GAPS, FIGURES = "differences", "figures"
TITLES_OF_TABLES = {GAPS: "This run minus the others", FIGURES: "Figures"}


def show_runs(lines: list[Contender], figures: pd.DataFrame, view: View) -> None:
    """Differences to the others, coloured by their intervals; or every figure, by choice."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = st.segmented_control(
            "Shown",
            list(TITLES_OF_TABLES),
            format_func=TITLES_OF_TABLES.__getitem__,
            required=True,
            label_visibility="collapsed",
            **linked("shown", GAPS, one_of(list(TITLES_OF_TABLES))),
        )
        with st.popover("What these numbers are", icon=":material/help:", type="tertiary"):
            _explain(figures, view, cached.split_of(lines[0].run).new_items is not None)
        download_button(figures, "runs_by_metric.csv", "runs_csv")
    if shown == GAPS and len(lines) > 1:
        _show_gaps(lines, figures, view)
        return
    cells = pd.DataFrame({"Run": [plain(line.name, 80) for line in lines]})
    for metric, part in figures.groupby(METRIC, sort=False):
        cells[metric_title(str(metric))] = [_cell(row) for row in _rows_of(part, lines)]
    if coverage := [_coverage(line, view) for line in lines]:
        cells[f"Coverage@{view.k}"] = coverage
    st.table(cells, border="horizontal", hide_index=True)
    st.caption(_caption(figures))


def _show_gaps(lines: list[Contender], figures: pd.DataFrame, view: View) -> None:
    """A row per figure: the run's own, then the run minus every other line."""
    first, *others = lines
    metrics = [str(metric) for metric in dict.fromkeys(figures[METRIC])]
    gaps = gaps_of(lines, view.part, metrics, view.segment)
    found = {(row[RUN], row[METRIC]): row for row in gaps.to_dict("records")}
    own = figures[figures[RUN] == first.name].set_index(METRIC)
    table = [
        {"Figure": metric_title(metric), "This run": f"**{number(own[MEAN][metric])}**"}
        | {
            _minus(line, first): heat_cell(row, metric)
            if (row := found.get((line.name, metric)))
            else "–"
            for line in others
        }
        for metric in metrics
    ]
    coverage = f"coverage@{view.k}"
    kept = {line.name: line.run.record.figures(view.part).get(coverage, {}) for line in lines}
    levels = {
        name: np.nan if (mean := one.get(MEAN)) is None else mean for name, one in kept.items()
    }
    mine = levels[first.name]
    table.append(
        {"Figure": metric_title(coverage), "This run": f"**{number(mine)}**"}
        | {_minus(line, first): signed(mine - levels[line.name]) for line in others}
    )
    st.table(pd.DataFrame(table), border="horizontal", hide_index=True)
    st.caption(
        f"Means over {count(int(figures[USERS].max()), 'user')}; plain: no difference shown.",
        help="Paired differences with 95 % intervals. :green-background[Green]: this run is "
        "better; :red-background[red]: worse; :violet-background[violet]: a matter of purpose.",
    )


def _minus(line: Contender, first: Contender) -> str:
    """Heading of a column of differences."""
    name = line.name.removeprefix(f"{first.name}: ").removesuffix(", beside the run")
    return f"minus {plain(name, 60)}"


def heat_cell(row: pd.Series | dict, metric: str, digits: int = 3) -> str:
    """A difference with its sign, coloured where its interval leaves zero out, over the interval.

    Green is better and red worse; violet is neither by itself. Without an interval it is plain.
    """
    if pd.isna(row[MEAN]):
        return "–"
    said = signed(row[MEAN], digits)
    if pd.isna(row[LOW]):
        return said
    small = f"{signed(row[LOW], digits)}{_SPACE}to{_SPACE}{signed(row[HIGH], digits)}"
    if row[LOW] > 0 or row[HIGH] < 0:
        colour = "green" if is_gain(row[MEAN], metric) else "red"
        colour = "violet" if metric_card(metric).neutral else colour
        said = f":{colour}-background[**{said}**]"
    return f"{said} {_small(small)}"


def _rows_of(part: pd.DataFrame, lines: list[Contender]) -> list[pd.Series]:
    by_run = part.set_index(RUN)
    return [by_run.loc[line.name] for line in lines]


def _cell(row: pd.Series) -> str:
    if pd.isna(row[MEAN]):
        return "–"
    mean = f"**{number(row[MEAN])}**" if row[BEST] else number(row[MEAN])
    return f"{mean}  \n{_small(f'{number(row[LOW])}–{_JOIN}{number(row[HIGH])}')}"


def _small(text: str) -> str:
    return f":gray[:small[{text}]]"


def _coverage(line: Contender, view: View) -> str:
    """Of all users: a share of the catalogue that a segment's users get means little."""
    said = line.run.record.figures(view.part).get(f"coverage@{view.k}")
    return f"{number(said[MEAN])}  \n{_small(f'all{_SPACE}users')}" if said else "–"


def _caption(figures: pd.DataFrame) -> str:
    # what only some runs or metrics lack, as AUC of uploaded lists, is a dash in its own cell
    users, skipped = int(figures[USERS].max()), int(figures[SKIPPED].min())
    words = f"Means over {users:,} users, 95 % intervals. "
    if skipped:
        words += f"{skipped:,} have nothing to find and are left out. "
    if figures[BEST].any():
        return f"{words}Bold: surely ahead of the next one."
    return f"{words}Nothing is bold: no lead is sure."


def _explain(figures: pd.DataFrame, view: View, new: bool) -> None:
    among = "every** item of the target; what a user has in training is left out of the lists."
    if new:
        among = "new** items of the part alone; everything else is left out of the lists."
    st.markdown(f"{PARTS[view.part]} interactions are to be found among **{among} {WHAT_IS_KNOWN}")
    for metric in [*dict.fromkeys(figures[METRIC]), f"coverage@{view.k}"]:
        card = metric_card(metric)
        st.markdown(
            f"**{metric_title(metric)}**: {card.help}  \n{card.formula}  \n:gray[{card.source}]"
        )


# Runs that predict ratings: RMSE and MAE with intervals, beside the metrics of their lists.

DIGITS = 4  # errors differ late


def show_ratings(lines: list[Contender], view: View) -> None:
    """A row per run, with dashes where it predicts no ratings; nothing where none of them does."""
    tasks = {line.run.card.task for line in lines}
    if "rating" not in tasks:
        return
    figures = errors_of(lines, view.part, view.segment)
    st.markdown("**Predicted ratings**: how far they lie from the held-out ones; less is better.")
    cells = pd.DataFrame({"Run": [plain(line.name, 80) for line in lines]})
    for metric in ERRORS:
        by_run = figures[figures[METRIC] == metric].set_index(RUN)
        cells[metric_title(metric)] = [
            _error_cell(by_run.loc[line.name]) if line.name in by_run.index else "–"
            for line in lines
        ]
    st.table(cells, border="horizontal", hide_index=True)
    with st.container(horizontal=True):
        with st.popover("What these errors are", icon=":material/help:", type="tertiary"):
            for metric in ERRORS:
                card = metric_card(metric)
                st.markdown(
                    f"**{card.title}**: {card.help}  \n{card.formula}  \n:gray[{card.source}]"
                )
        download_button(figures, "rating_errors.csv", "errors_csv")
    led = figures[BEST].any()
    st.caption(
        f"{int(figures[USERS].max()):,} users, 95 % intervals from resampling them with all their "
        "ratings. "
        + ("Bold: surely ahead of the next one." if led else "Nothing is bold: no lead is sure.")
        + (" A dash: the run ranks items and predicts no ratings." if len(tasks) > 1 else "")
    )
    if lines[0].run.card.task.rates:  # else the lists stand above
        alone = "**Their lists**, ranked by predicted rating:"
        mixed = "**Lists of every run**, of those that predict ratings by predicted rating:"
        st.markdown(mixed if len(tasks) > 1 else alone)


def _error_cell(row: pd.Series) -> str:
    mean = f"**{number(row[MEAN], DIGITS)}**" if row[BEST] else number(row[MEAN], DIGITS)
    return f"{mean}  \n:gray[:small[{number(row[LOW], DIGITS)}–{number(row[HIGH], DIGITS)}]]"


# Metrics page, on a split of new items: the run beside a random order and an oracle's list.


def show_new_items(run: Run, view: View) -> None:
    """A row for the run and each comparator; nothing on a split of another kind."""
    split = cached.split_of(run)
    if split.new_items is None:
        return
    own, found = cached.per_user(run, view.part), _comparators(split, view.part)
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


@kept_data(max_entries=6)
def _comparators(split: Split, part: str) -> Comparators:
    return comparators(split, part)


def _row(name: str, frame: pd.DataFrame, own: pd.DataFrame | None, metric: str) -> dict[str, str]:
    cells = {"List": name}
    for column, found in zip(COMPARED, intervals(frame, COMPARED), strict=True):
        cells[metric_title(column)] = _recall_cell(number(found.mean), found)
    gap = None if own is None else difference_intervals(own, frame, [metric])[0]
    title = f"The run's {metric_title(metric)} minus it"
    return cells | {title: "–" if gap is None else _recall_cell(signed(gap.mean), gap)}


def _recall_cell(mean: str, found: Interval) -> str:
    if np.isclose(found.low, found.high, rtol=0, atol=1e-9):  # the same for every user
        return mean
    return f"{mean}  \n:gray[:small[{number(found.low)} to {number(found.high)}]]"


# A figure per row: the run, its twin, and the difference coloured by its interval.


def show_against_twin(
    rows: pd.DataFrame, own: str, twin: str | None, groups: Mapping[str, Sequence[str]], key: str
) -> None:
    """rows: as `compared` gives them; groups: columns of figures by the heading they stand under.

    A difference of figures that are of the catalogue as a whole has no interval and no colour.
    """
    by_place = {(row[RUN], row[METRIC]): row for row in rows.to_dict("records")}
    table = []
    for heading, metrics in groups.items():
        for place, metric in enumerate(metrics):
            ours, theirs = by_place.get((own, metric)), by_place.get((twin, metric))
            digits = _digits(rows.loc[rows[METRIC] == metric, MEAN])
            cells = {
                "": f"**{heading}**" if place == 0 else "",
                "Figure": plain(metric_title(metric)),
                "This run": number(ours[MEAN], digits) if ours else "–",
            }
            if twin is not None:
                cells["Its twin"] = number(theirs[MEAN], digits) if theirs else "–"
                gap = by_place.get((DIFFERENCE, metric))
                if gap is None and ours and theirs:
                    gap = {MEAN: ours[MEAN] - theirs[MEAN], LOW: np.nan, HIGH: np.nan}
                cells["Difference"] = heat_cell(gap, metric, digits) if gap else "–"
            table.append(cells)
    st.table(pd.DataFrame(table), border="horizontal", hide_index=True)
    with st.container(horizontal=True):
        explain([metric.split("@")[0] for metrics in groups.values() for metric in metrics])
        download_button(rows, f"{key}.csv", f"{key}_csv")


# Tables of figures: a row per run, an interval behind each number, help on every heading.

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
                _figure_cell(
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


def _figure_cell(row: dict | None, difference: bool, digits: int) -> str:
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
