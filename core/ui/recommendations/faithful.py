"""The deletion check over many users: asked for once per run, then kept with it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, SOURCE, TARGET
from core.basics.formatting import count, number
from core.charts.recommendations import KIND, RANDOM, STEP, STRONGEST, draw_removed_shares
from core.charts.theme import FUSED_COLOUR, SOURCE_COLOUR
from core.metrics.intervals import Interval
from core.runs.explain.reasons import (
    BOTH,
    USERS,
    Faithfulness,
    Scope,
    faithfulness_payload,
    kept_faithfulness,
)
from core.ui.recommendations.view import View
from core.ui.shell import show_chart
from core.ui.task import Task, draw_task
from core.ui.texts import plain

JOB = "faithfulness"
FEWEST = 10  # users a figure may be shown for


def show_faithfulness(view: View) -> None:
    """The score of the whole run with its interval, or the button that asks for it."""
    with st.expander("And over many users? How far this run's reasons can be believed"):
        found = kept_faithfulness(view.run)
        if found is None:
            _ask(view)
            return
        source, target = (plain(view.run.record[f"{name}_name"], 30) for name in (SOURCE, TARGET))
        for scope, name, colour in (
            (SOURCE, source, SOURCE_COLOUR),
            (BOTH, f"{source} and {target}", FUSED_COLOUR),
        ):
            _show_scope(found, found.scopes[scope], scope, name, colour)
        st.caption(
            f"One recommendation of each user, drawn from their first {found.k} by the model's own "
            f"score (seed {found.seed}), random items averaged over five draws. The lead is the "
            "score above the mean of all items that may be listed; what has no choice left is not "
            "counted. Intervals are over users. After Yao, Wang and Li 2022, arXiv 2203.01310."
        )


def score_words(scope: Scope, name: str) -> str:
    """The score in words, by rule."""
    if scope.users < FEWEST:
        return f"{name}: {count(scope.users, 'user')} with two items or more are too few to say."
    lost, kept = scope.deletion, scope.sufficiency
    between = f"95 % {number(lost.low)} to {number(lost.high)}"
    if not lost.excludes_zero:
        verdict = "no more than random ones, beyond user sampling (one seed)"
    else:
        verdict = "more than random ones" if lost.mean > 0 else "less than random ones"
    return (
        f"**Items of {name} that are said to carry a recommendation carry it {verdict}:** without "
        f"them {number(lost.mean)} more of its lead is lost ({between}), and with them alone "
        f"{number(kept.mean)} more of it is kept (95 % {number(kept.low)} to {number(kept.high)}), "
        f"over {count(scope.users, 'user')}{_skipped(scope)}."
    )


def stays_words(found: Faithfulness, scope: Scope) -> str:
    """How many recommendations stay in the list at the longest step, which no scale can bend."""
    top, random = scope.curves["top_stays"][-1], scope.curves["random_stays"][-1]
    return (
        f"Without the {found.steps[-1]} strongest, {top.mean:.0%} of the recommendations stay in "
        f"the top {found.k}; without {found.steps[-1]} random ones, {random.mean:.0%} "
        f"({count(top.users, 'user')} with more items than that)."
    )


def _skipped(scope: Scope) -> str:
    return f"; {count(scope.skipped, 'user')} with fewer than two items left out" * bool(
        scope.skipped
    )


def _show_scope(found: Faithfulness, scope: Scope, key: str, name: str, colour: str) -> None:
    st.markdown(score_words(scope, name))
    if scope.users < FEWEST:
        return
    st.markdown(stays_words(found, scope))
    left, right = st.columns(2, gap="large")
    for column, what, words in (
        (left, "lost", "lead lost without them"),
        (right, "kept", "lead kept with them alone"),
    ):
        rows = _rows(found.steps, scope, what)
        with column:
            show_chart(
                draw_removed_shares(rows, x=f"items of {name}", y=words, colour=colour),
                f"How much of a recommendation's lead is {what} "
                f"{'without' if what == 'lost' else 'with only'} so many items of {name}?",
                f"faithful_{key}_{what}",
            )


def _rows(steps: tuple[int, ...], scope: Scope, what: str) -> pd.DataFrame:
    rows = []
    for kind, name in ((STRONGEST, f"top_{what}"), (RANDOM, f"random_{what}")):
        for step, one in zip(steps, scope.curves[name], strict=True):
            rows.append({STEP: step, KIND: kind} | _bounds(one))
    return pd.DataFrame(rows)


def _bounds(one: Interval) -> dict[str, float]:
    return {MEAN: one.mean, LOW: one.low, HIGH: one.high}


def _ask(view: View) -> None:
    """The button, or how far the job is."""
    payload = faithfulness_payload(view.run.id)
    task = Task(
        JOB,
        (payload,),
        f"Reasons of {view.run.label}",
        f"Check the reasons of {USERS} users",
        "",
        lane="short",
        icon=":material/rule:",
    )
    draw_task(task, "check_faithfulness")
    st.caption(
        "Takes the strongest history items away from one recommendation of each, and as many "
        "random ones, and asks the model again; for most models that takes seconds."
    )
