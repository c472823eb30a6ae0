"""Fairness: which users a run serves worse, and which items it shows less than their share."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, SEGMENT, SOURCE, TARGET, USER, USERS
from core.basics.formatting import interval, number, percent, signed
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
from core.evaluation.lift import lift_rows
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
from core.ui.metrics.table import explain, heat_cell
from core.ui.metrics.view import (
    View,
    column_of,
    group_label,
    metrics_of,
    missing_words,
    segments_of,
    titles_of,
)
from core.ui.shell import show_chart
from core.ui.widgets import download_button, plain

EVERY_RUN, POPULAR, ERRORS, ITEMS = (
    "Every run by group",
    "Popularity of lists",
    "Errors of ratings",
    "Items and categories",
)
SURE = 0.05  # chance below which a gap is more than random groups bring
CAUTION = (
    "Measures of fairness contradict each other, and a fair run can be bad for everybody "
    "(Rampisela et al. 2024): read several, beside quality."
)


def show_fairness(lines: list[Contender], view: View) -> None:
    """Users by group first, then items."""
    found = listed(lines, view)
    if found is None:
        return
    metric, by = _pick_groups(found)
    rows, apart = _groups(found, view.k, metric, by)
    st.markdown(_gap_words(apart, metric, found, by))
    if found.twin:
        _show_heat(found, rows, metric, by)
    st.caption(f":material/balance: {CAUTION}")
    looks = [EVERY_RUN, POPULAR, ITEMS]
    if found.lines[0].run.card.task.rates:
        looks.insert(2, ERRORS)
    look = st.segmented_control("In detail", looks, default=None, key="fairness_look", wrap=True)
    if look == EVERY_RUN:
        _show_users(found, rows, apart, metric, by)
    elif look == POPULAR:
        _show_popularity(found, by)
    elif look == ERRORS:
        show_score_fairness(found, by)
    elif look == ITEMS:
        show_items(found, by)


def _show_heat(found: Listed, rows: pd.DataFrame, metric: str, by: str) -> None:
    """A row per group of users: the run, its twin, and the difference coloured by its interval."""
    assert found.twin is not None
    gaps = _differences(found, found.view.k, metric, by)
    means = rows.set_index([RUN, SEGMENT])
    table = []
    for group in dict.fromkeys(rows[SEGMENT]):
        ours, theirs = (means.loc[(name, group)] for name in (found.own, found.twin))
        silent = pd.isna(ours[MEAN]) or group not in gaps.index
        table.append(
            {
                "Group": plain(f"{group_label(found.lines[0].run, by, str(group))}", 60),
                "Users": f"{int(ours[USERS]):,}",
                "This run": number(ours[MEAN]),
                "Its twin": number(theirs[MEAN]),
                "Difference": "too few to say" if silent else heat_cell(gaps.loc[group], metric),
            }
        )
    st.table(pd.DataFrame(table), border="horizontal", hide_index=True)


def _pick_groups(found: Listed) -> tuple[str, str]:
    """The metric, as a column, and the kind of group."""
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
    return metric, str(by)


def _show_users(found: Listed, rows: pd.DataFrame, apart: list[Gap], metric: str, by: str) -> None:
    """Every run by group, and how far its groups are apart."""
    run, view = found.lines[0].run, found.view
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
    frames = _frames(found, k, metric)
    rows = group_rows(frames, of_user, metric)
    return rows, gaps(frames, of_user, metric, rows)


@kept_data(max_entries=30)
def _differences(found: Listed, k: int, metric: str, by: str) -> pd.DataFrame:
    """MEAN, LOW, HIGH of the run minus its twin by SEGMENT, those with FEWEST users."""
    assert found.twin is not None
    of_user, frames = segments_of(found.lines[0].run)[by], _frames(found, k, metric)
    if found.twin not in frames:
        return pd.DataFrame(columns=[MEAN, LOW, HIGH])
    rows = lift_rows(frames[found.own], frames[found.twin], of_user.to_frame(), by, metric)
    return rows[rows[USERS] >= FEWEST].set_index(SEGMENT)[[MEAN, LOW, HIGH]]


def _frames(found: Listed, k: int, metric: str) -> dict[str, pd.DataFrame]:
    """Frames with the metric of every run that has it, for the users of the segment."""
    frames = {}
    for line, made in zip(found.lines, found.frames(k).values(), strict=True):
        kept = cached.per_user(line.run, found.view.part)
        frame = kept if metric in kept else made
        if metric in frame:
            frames[line.name] = (
                frame if found.users is None else frame[frame[USER].isin(found.users)]
            )
    return frames


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
    often = f"random groups of the same sizes are as far apart in {percent(own.chance, 1)} of tries"
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
                "Best group": gap.best,
                "Worst group": gap.worst,
                "Gap": number(gap.gap.mean),
                "95 %": interval(gap.gap.low, gap.gap.high),
                "By chance": f"{percent(gap.chance, 1)}",
                "UserMAD": number(gap.mad),
                "Groups": gap.groups,
            }
            for gap in apart
        ]
    )
    if table.empty:
        return
    helps = {
        "Best group": f"The group with the {better} mean.",
        "Gap": METRICS["gap"].help,
        "95 %": "Of these two groups; they were picked after looking, so it is too sure.",
        "By chance": f"How often random groups of the same sizes are as far apart, in {TRIES:,} "
        "tries: this allows for the picking.",
        "UserMAD": METRICS["user_mad"].help,
        "Groups": f"Groups with at least {FEWEST} users.",
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
        f"Lists are {percent(abs(top[MEAN]))} {more} popular than histories for "
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
