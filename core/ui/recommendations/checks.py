"""Do the reasons hold? One recommendation without its strongest items, and what would drop it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, SOURCE, TARGET
from core.basics.formatting import count, number, percent
from core.basics.types import FloatArray
from core.charts.recommendations import (
    KIND,
    RANDOM,
    STEP,
    STRONGEST,
    draw_removed_places,
    draw_removed_shares,
)
from core.charts.theme import FUSED_COLOUR, SOURCE_COLOUR
from core.runs.explain.one_user import Reasons
from core.runs.explain.reasons import (
    BOTH,
    USERS,
    Counterfactual,
    Faithfulness,
    Removal,
    Scope,
    amounts_in_order,
    check_reasons,
    faithfulness_payload,
    kept_faithfulness,
    smallest_set,
)
from core.runs.explain.what_if import Question
from core.ui import cached
from core.ui.keeping import kept_data
from core.ui.recommendations.view import View
from core.ui.shell import Task, draw_task, show_chart
from core.ui.state import linked, one_of
from core.ui.widgets import plain

LISTED = 6  # items of the smallest set that are named
TOLD = 3  # items taken away in the sentence, or fewer where the history is short


def show_checks(view: View, why: Reasons | None) -> None:
    """The deletion check of the chosen recommendation, and the smallest set that drops it."""
    if why is None:
        return
    st.markdown("**Do these reasons hold?**")
    if not len(why.source_items) and not len(why.target_items):
        st.caption("There is no history to take anything away from.")
        return
    source, target = (plain(view.run.record.name_of(name), 30) for name in (SOURCE, TARGET))
    names = {SOURCE: source, BOTH: f"{source} and {target}"}
    left, right = st.columns([1.35, 1], gap="large")
    with left:
        scopes = [SOURCE, BOTH] if len(why.source_items) else [BOTH]
        scope = st.segmented_control(
            "Taken away",
            scopes,
            format_func=names.__getitem__,
            required=True,
            **linked("taken", scopes[0], one_of(scopes), key="removal_scope"),
        )
        _show_removal(view, why, scope, names[scope])
    with right:
        _show_smallest(view, why)


def _show_removal(view: View, why: Reasons, scope: str, name: str) -> None:
    found = _removal(view, why.item, scope, why)
    st.markdown(removal_words(found, name))
    if not np.isfinite(found.top_place).any():
        return
    show_chart(
        draw_removed_places(
            found.counts,
            found.top_place,
            found.random_place,
            place=found.place,
            k=view.k,
            x=f"items taken away from {name}",
            colour=SOURCE_COLOUR if scope == SOURCE else FUSED_COLOUR,
        ),
        "How far does it fall without what is said to carry it, beside as many random items "
        "(median of five draws)?",
        "removal_chart",
    )


def removal_words(found: Removal, name: str) -> str:
    """Whether the strongest items matter more than random ones, by rule."""
    asked = np.flatnonzero(np.isfinite(found.top_place) & (found.counts <= TOLD))
    if not len(asked):
        return f"One item alone in {name}: there is nothing to choose from."
    # Where the first few tell nothing, the first number of items that does
    known = np.flatnonzero(np.isfinite(found.top_place))
    random_places = np.ceil(found.random_place)
    later = known[(known >= asked[-1]) & (found.top_place[known] != random_places[known])]
    step = int(later[0]) if len(later) else int(known[-1])
    n, strongest = int(found.counts[step]), int(found.top_place[step])
    random = int(random_places[step])
    fall = (
        f"without the strongest {'item' if n == 1 else f'{n} items'} it "
        f"{_goes(found.place, strongest)}, without {'a random one' if n == 1 else f'{n} random'}"
        f"{'' if n == 1 else ' ones'} it {_goes(found.place, random)}."
    )
    if strongest > random:
        return f"These reasons hold: {fall}"
    if strongest == random:
        return f"Neither moves it: {fall}"
    return f"**These reasons do not hold:** {fall}"


def _goes(before: int, after: int) -> str:
    if after == before:
        return f"stays at rank {after:,}"
    return f"{'falls' if after > before else 'rises'} from rank {before:,} to {after:,}"


def _show_smallest(view: View, why: Reasons) -> None:
    source = plain(view.run.record.source_name, 30)
    st.markdown(f"**What in :orange[{source}] would drop it out of the top {view.k}?**")
    found = _smallest(view, why.item, why)
    st.markdown(smallest_words(found, source, len(why.source_items)))
    if found.entries is None:
        return
    row = view.run.train_of(view.split).source[[view.user]]
    titles = cached.item_names(view.split, SOURCE)[row.indices[found.entries]]
    lines = [f"- :orange[{plain(title, 70)}]" for title in titles[:LISTED]]
    if len(titles) > LISTED:
        lines.append(f"- and {len(titles) - LISTED} more")
    st.markdown(
        "\n".join(lines),
        help="Found step by step; none of these can be put back, a smaller set may exist."
        if len(titles) > 1
        else "Found by asking the model without each item in turn.",
    )


def smallest_words(found: Counterfactual, source: str, n_source: int) -> str:
    """What it takes, or that nothing in the source does."""
    if not n_source:
        return f"There is no history in {source}: nothing there carries it."
    if found.place > found.k:
        return f"By edited histories it stands at rank {found.place:,}, out of the list already."
    assert found.place_without_all is not None
    if found.entries is not None:
        items = count(len(found.entries), "item")
        return f"Without {items} of {n_source:,} it falls to rank {found.place_without:,}:"
    if found.place_without_all <= found.k:
        return (
            f"Nothing was found: even without all {count(n_source, 'item')} it stays in the list, "
            f"at rank {found.place_without_all:,}."
        )
    return (
        f"No set of up to 25 items was found; without all {n_source:,} it falls to rank "
        f"{found.place_without_all:,}."
    )


def _question(view: View, why: Reasons) -> tuple[Question, FloatArray]:
    model = cached.model(view.run)
    question = Question.of(view.run, model, view.split, view.part, view.user, view.fusion)
    return question, amounts_in_order(question.histories, why)


@kept_data(max_entries=200)
def _removal(view: View, item: int, scope: str, _why: Reasons) -> Removal:
    question, amounts = _question(view, _why)
    return check_reasons(question, item, amounts, scope, view.k)


@kept_data(max_entries=200)
def _smallest(view: View, item: int, _why: Reasons) -> Counterfactual:
    question, amounts = _question(view, _why)
    return smallest_set(question, item, amounts, view.k)


# The deletion check over many users: asked for once per run, then kept with it.

JOB = "faithfulness"
FEWEST = 10  # users a figure may be shown for


def show_faithfulness(view: View) -> None:
    """The score of the whole run with its interval, or the button that asks for it."""
    with st.expander("And over many users? How far this run's reasons can be believed"):
        found = kept_faithfulness(view.run)
        if found is None:
            # The button, or how far the job is
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
                "Takes the strongest history items away from one recommendation of each, and as "
                "many random ones, and asks the model again; for most models that takes seconds."
            )
            return
        source, target = (plain(view.run.record.name_of(name), 30) for name in (SOURCE, TARGET))
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
        verdict = "no more than random ones, as far as can be told"
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
        f"Without the {found.steps[-1]} strongest, {percent(top.mean)} of the recommendations stay "
        f"in the top {found.k}; without {found.steps[-1]} random ones, {percent(random.mean)} "
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
            rows.append({STEP: step, KIND: kind} | {MEAN: one.mean, LOW: one.low, HIGH: one.high})
    return pd.DataFrame(rows)
