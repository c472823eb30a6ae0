"""Fairness: which users a run serves worse, and which items it shows less than their share."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import MEAN, METRIC, RUN, SEGMENT, SOURCE, TARGET, USER, USERS
from core.basics.formatting import interval, number, signed
from core.charts.intervals import draw_group_dots
from core.evaluation.groups import (
    BY_LOT,
    CHANCE,
    FEWEST_ITEMS,
    N_ITEMS,
    Gap,
    delta_gap_rows,
    gaps,
    group_rows,
    unfairness_rows,
)
from core.evaluation.ratings import Bounds
from core.evaluation.segments import FEWEST, TARGET_HISTORY, who
from core.metrics.fairness import TRIES, UNFAIRNESS
from core.metrics.intervals import holm
from core.metrics.registry import METRICS, metric_card, metric_title
from core.ui import cached
from core.ui.keeping import kept_data
from core.ui.metrics.figures import Contender
from core.ui.metrics.item_fairness import show_items
from core.ui.metrics.lists import Listed, listed
from core.ui.metrics.table import explain
from core.ui.metrics.view import View, column_of, metrics_of, missing_words, segments_of, titles_of
from core.ui.shell import show_chart
from core.ui.widgets import download_button, plain

SURE = 0.05  # chance below which a gap is more than random groups bring
CAUTION = (
    "Measures of fairness contradict each other: a run can look fair by one and unfair by another, "
    "and a fair one can be bad for everybody (Rampisela et al. 2024). Read several, beside quality."
)


def show_fairness(lines: list[Contender], view: View) -> None:
    """Users by group first, then items."""
    st.caption(f":material/balance: {CAUTION}")
    found = listed(lines, view)
    if found is None:
        return
    st.subheader("Users", anchor=False)
    by = _show_users(found)
    st.subheader("Items", anchor=False)
    show_items(found, by)


def _show_users(found: Listed) -> str:
    """Any metric by group, then popularity, and return the kind of group."""
    run, view = found.lines[0].run, found.view
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    names = _metrics(found)
    name = left.selectbox(
        "Metric",
        names,
        index=names.index(view.metric) if view.metric in names else 0,
        format_func=lambda name: METRICS[name].title,
        key="fairness_metric",
        help="Any figure that every user has, from the run or from its lists.",
    )
    metric = column_of(name, view.k)
    # One of the kinds of segment of the run's users, uploaded attributes among them
    kinds = titles_of(run)
    by = right.segmented_control(
        "Groups by",
        list(kinds),
        format_func=lambda by: kinds.get(by, by),
        default=TARGET_HISTORY,
        required=True,
        key="fairness_by",
    )
    rows, apart = _groups(found, view.k, metric, by)
    st.markdown(_gap_words(apart, metric, found, by))
    show_chart(
        draw_group_dots(rows, found.styles(), x=f"{metric_title(metric)}, mean of the group"),
        _caption(
            rows,
            "Who is served well, and who is not? Bars are 95 % intervals over users."
            + missing_words(run, view.part, by),
        ),
        "fairness_groups",
    )
    _show_gaps(apart, metric)
    show_score_fairness(found, by)
    _show_popularity(found, by)
    return by


def _metrics(found: Listed) -> list[str]:
    """Names of what every user has: kept ones of the run, then those of its lists."""
    run, view = found.lines[0].run, found.view
    there = cached.per_user(run, view.part)
    kept = [name for name in metrics_of(run) if column_of(name, view.k) in there]
    made = found.frames(view.k)[found.own].columns.drop(USER)
    return kept + [column.split("@")[0] for column in made]


def _who(found: Listed, by: str, group: str) -> str:
    record = found.lines[0].run.record
    words = who(by, [group], record.name_of(SOURCE), record.name_of(TARGET))
    return f"**{plain(words, 120)}**"


@kept_data(max_entries=30)
def _groups(found: Listed, k: int, metric: str, by: str) -> tuple[pd.DataFrame, list[Gap]]:
    of_user = segments_of(found.lines[0].run)[by]
    # Frames with the metric of every run that has it, for the users of the segment
    frames = {}
    for line, made in zip(found.lines, found.frames(k).values(), strict=True):
        kept = cached.per_user(line.run, found.view.part)
        frame = kept if metric in kept else made
        if metric in frame:
            frames[line.name] = (
                frame if found.users is None else frame[frame[USER].isin(found.users)]
            )
    rows = group_rows(frames, of_user, metric)
    return rows, gaps(frames, of_user, metric, rows)


def _gap_words(apart: list[Gap], metric: str, found: Listed, by: str) -> str:
    """The run's best and worst group, the gap, and the twin's."""
    said = {gap.run: gap for gap in apart}
    if found.own not in said:
        return f"Fewer than two groups have {FEWEST} users: nothing can be compared."
    own = said[found.own]
    words = (
        f"The run does best for {_who(found, by, own.best)} and worst for "
        f"{_who(found, by, own.worst)}: a gap of {number(own.gap.mean)} {metric_title(metric)}"
    )
    often = f"random groups of the same sizes are as far apart in {own.chance:.1%} of tries"
    words += f"; {often}. " if own.chance < SURE else f", which may be chance: {often}. "
    twin = said.get(found.twin or "")
    return words + (f"With its twin the gap is {number(twin.gap.mean)}." if twin else "")


def _caption(rows: pd.DataFrame, question: str) -> str:
    few = rows[rows[MEAN].isna()].groupby(SEGMENT, sort=False)[USERS].max()
    if few.empty:
        return question
    names = ", ".join(f"{plain(name)} ({users:,})" for name, users in few.items())
    return f"{question} Too few users to say anything of: {names}."


def _show_gaps(apart: list[Gap], metric: str) -> None:
    better = "highest" if metric_card(metric).higher_is_better else "lowest"
    table = pd.DataFrame(
        [
            {
                "Run": gap.run,
                "best group": gap.best,
                "worst group": gap.worst,
                "gap": number(gap.gap.mean),
                "95 %": interval(gap.gap.low, gap.gap.high),
                "by chance": f"{gap.chance:.1%}",
                "UserMAD": number(gap.mad),
                "groups": gap.groups,
            }
            for gap in apart
        ]
    )
    if table.empty:
        return
    helps = {
        "best group": f"The group with the {better} mean.",
        "gap": METRICS["gap"].help,
        "95 %": "Of these two groups; they were picked after looking, so it is too sure.",
        "by chance": f"How often random groups of the same sizes are as far apart, in {TRIES:,} "
        "tries: this allows for the picking.",
        "UserMAD": METRICS["user_mad"].help,
        "groups": f"Groups with at least {FEWEST} users.",
    }
    config = {name: st.column_config.Column(help=text) for name, text in helps.items()}
    st.dataframe(table, key="fairness_gaps", hide_index=True, column_config=config)
    with st.container(horizontal=True):
        explain(["gap", "user_mad", "delta_gap"])
        download_button(table, "gaps_between_groups.csv", "fairness_gaps_csv")


def _show_popularity(found: Listed, by: str) -> None:
    """Delta-GAP by group: whose lists are more popular than what they took."""
    view = found.view
    run = found.lines[0].run
    rows = _popularity(found, view.k, by)
    said = rows[(rows[RUN] == found.own)].dropna(subset=[MEAN])
    target = plain(run.record.name_of(TARGET))
    if said.empty:
        st.caption(f"Nobody has history in {target}: lists cannot be compared with it.")
        return
    top = said.loc[said[MEAN].abs().idxmax()]
    more = "more" if top[MEAN] >= 0 else "less"
    st.markdown(
        f"Lists are {abs(top[MEAN]):.0%} {more} popular than histories for "
        f"{_who(found, by, str(top[SEGMENT]))}, further than for any other group (Delta-GAP "
        f"{signed(top[MEAN], 2)}; over groups {signed(said[MEAN].min(), 2)} to "
        f"{signed(said[MEAN].max(), 2)})."
    )
    show_chart(
        draw_group_dots(rows, found.styles(), x=f"Delta-GAP@{view.k}", zero=True),
        _caption(
            rows,
            "Whose lists are more popular than what they took? At 0 a list keeps the "
            f"level of the history in {target}; users without one are left out.",
        ),
        "delta_gap",
    )


@kept_data(max_entries=20)
def _popularity(found: Listed, k: int, by: str) -> pd.DataFrame:
    of_user = segments_of(found.lines[0].run)[by]
    return delta_gap_rows(found.judged(), found.world, of_user, k)


# Fairness of predicted ratings to one group of users against all others (Yao and Huang 2017).


def show_score_fairness(found: Listed, by: str) -> None:
    """A box for the group, a sentence, and every run's figures; nothing for runs that rank."""
    run = found.lines[0].run
    if not run.card.task.rates:
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
    rows = _rows(found, by, str(group))
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


@kept_data(max_entries=20)
def _rows(found: Listed, by: str, group: str) -> pd.DataFrame:
    run = found.lines[0].run
    frames = {
        line.name: cached.predictions(line.run, found.view.part)
        for line in found.lines
        if line.run.card.task.rates
    }
    if found.users is not None:
        frames = {name: one[one[USER].isin(found.users)] for name, one in frames.items()}
    bounds = Bounds.of(cached.split_of(run).rated.train.target)
    return unfairness_rows(frames, bounds, segments_of(run)[by], group)
