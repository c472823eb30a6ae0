"""Train page, beside ticked runs: one run that asks the best of them for each group of people."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, USER, USERS, VALID
from core.basics.formatting import count, with_interval
from core.data.pair import BINS
from core.evaluation.segments import FEWEST, TARGET_HISTORY, bins_words
from core.metrics.registry import metric_title
from core.models.kernel.training_settings import ONES, SETTING
from core.models.linear.data_steps import Steps
from core.runs.making.route import RoutePlan
from core.store.record import BY_ALL, BY_HAND, BY_VALIDATION
from core.store.run_folder import Run
from core.ui import cached
from core.ui.shell import draw_press
from core.ui.train.derived import ask_for, why_not_used
from core.ui.widgets import plain, show_table

_BEST = "best on validation"
_WHY = {BY_ALL: "best for all", BY_HAND: "chosen by hand"}


def draw_route(runs: list[Run]) -> None:
    """A popover that routes between the runs, or says why that cannot be."""
    with st.popover(f"Route between these {len(runs)}", icon=":material/alt_route:"):
        if reason := why_not_routed(runs):
            st.info(reason)
            return
        target = plain(runs[0].record.target_name, 30)
        st.markdown(
            f"A new run that asks one of these for each person, by how much of their history in "
            f"{target} is known. Scores, parts and reasons stay those of the run that is asked. "
            "It keeps working when its runs are deleted."
        )
        given = {} if _is_automatic() else _pick_by_hand(runs, target)
        if few := _undecided(runs[0], given):
            st.caption(
                f"Validation has fewer than {FEWEST} {few}: they ask what the nearest group asks, "
                "unless you choose a run for them."
            )
        draw_press(
            "Route",
            _start,
            (RoutePlan(tuple(run.id for run in runs), given), runs),
            type="primary",
            key="run_route",
            icon=":material/play_arrow:",
        )


def why_not_routed(runs: list[Run]) -> str | None:
    """Why runs cannot be routed between; None where they can."""
    if len({run.record.split_hash for run in runs}) > 1:
        return "These runs stand on different splits. Train them on one split to route between."
    if len({run.card.task for run in runs}) > 1:
        return "Some of these runs rank and others predict ratings. Choose runs of one kind."
    for run in runs:
        name = plain(run.label)
        if not run.has_model:
            return f"{name} has only lists, and a routed run asks its models for scores."
        if not run.complete:
            return f"{name} was cancelled before it was whole. Train it again or leave it out."
        if run.record.settings.get(SETTING, ONES) != ONES:
            return f"{name} learned from counts. Train it with counts as ones to route to it."
        if Steps.of(run.record.settings).any:
            return (
                f"{name} learned from changed rows. Train it with denoise and fill at 0 to route."
            )
    return why_not_used(runs[0])


def _is_automatic() -> bool:
    return st.toggle(
        "Find every group's run on validation",
        value=True,
        key="route_auto",
        help="The best for validation users of the group; of runs within one standard error of "
        "it, one whose parts are exact, then the one that is best for everybody.",
    )


def _pick_by_hand(runs: list[Run], target: str) -> dict[str, str]:
    """The run of each group that is not left to validation, by the name of the group."""
    labels = {run.id: run.label for run in runs}
    st.markdown(f"Interactions known in {target}, and the run that such people ask:")
    columns, given = st.columns(2, gap="small"), {}
    for place, group in enumerate(BINS):
        chosen = columns[place % 2].selectbox(
            group,
            ["", *labels],
            format_func=lambda run: labels.get(run, _BEST),
            key=f"route_{group}",
        )
        if chosen:
            given[group] = str(chosen)
    return given


def _undecided(run: Run, given: dict[str, str]) -> str:
    """Whom validation has too few of to choose a run for, in words; "" where there is nobody."""
    users = cached.per_user(run, VALID)[USER]
    groups = cached.segments(run.record.split_hash)[TARGET_HISTORY].astype("str").iloc[users]
    few = [name for name in BINS if (groups == name).sum() < FEWEST and name not in given]
    return bins_words(few, plain(run.record.target_name, 30)) if few else ""


def _start(plan: RoutePlan, runs: list[Run]) -> None:
    ask_for("route", plan.to_dict(), f"Routed · {' or '.join(run.label for run in runs)}")


# What a routed run says of itself: whom each group asks, and what all were worth to it.


def show_route(run: Run) -> None:
    """A row per group of people; nothing for a run that is not routed."""
    route = run.record.route
    if route is None:
        return
    st.markdown("**Whom each group asks**")
    show_table(route_table(run), key=f"route_{run.id}", download="routes.csv")
    st.caption(
        f"{metric_title(route['metric'])} on the group's validation users, 95 % bootstrap; test "
        f"users had no say. A group of fewer than {FEWEST} has no figure. As good: within one "
        "standard error of the best, and its parts are exact or it is better for everybody."
    )


def route_table(run: Run) -> pd.DataFrame:
    """Group, the run it asks and why, its validation users, and a column per run in question."""
    route = run.record.route or {"groups": []}
    return pd.DataFrame([_group_row(run, group) for group in route["groups"]])


def _group_row(run: Run, group: dict[str, Any]) -> dict[str, Any]:
    tried = group["tried"]
    asked = next(one for one in tried if one["run"] == group["run"])
    if group["by"] == BY_VALIDATION:
        means = [one[MEAN] for one in tried if one[MEAN] is not None]
        first = min if run.card.task.lower_is_better else max
        why = _BEST if means and asked[MEAN] == first(means) else "as good on validation"
    else:
        why = _WHY.get(group["by"]) or f"as {group['like']}"
    figures = {
        f"{place}. {one['label']}": with_interval(one[MEAN], one[LOW], one[HIGH])
        for place, one in enumerate(tried, start=1)
    }
    return {
        f"Known in {run.record.target_name}": group["segment"],
        "Asks": asked["label"],
        "Why": why,
        "Validation": count(asked[USERS], "user"),
    } | figures
