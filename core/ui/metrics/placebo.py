"""Run, twin and placebo side by side, or the button that deals the source to other people."""

from __future__ import annotations

import streamlit as st

from core.basics.columns import SOURCE, TARGET, USER
from core.basics.formatting import count, duration, number, signed_with_interval
from core.evaluation.lift import digits_of
from core.evaluation.segments import BINS, FEWEST, TARGET_HISTORY
from core.metrics.intervals import Interval
from core.metrics.registry import metric_title
from core.runs.studies.placebo import (
    PlaceboFigures,
    cold_words,
    deals_words,
    default_deals,
    is_dealable,
    placebo_payload,
    seconds_foretold,
)
from core.store.measured import placebos_are_damaged
from core.store.run_folder import Run
from core.ui import cached
from core.ui.metrics.figures import floor_name, placebo_of
from core.ui.metrics.view import View
from core.ui.shell import Task, draw_task
from core.ui.widgets import plain

_WHY = (
    "A model with a source has more rows, steps and neighbours than its twin, and some of that "
    "helps although no taste crosses. So it is trained once more on the same rows, each given to "
    "somebody else of like history in both domains: only who is wrong. What the true source adds "
    "over that is taste."
)


def show_placebo(run: Run, view: View) -> None:
    """Three figures side by side; without a placebo the button that makes one, and what it costs.

    Nothing for a run that has none and cannot have one.
    """
    figures = placebo_of(run, view.part, view.column)
    if figures is not None:
        _show_figures(run, view, figures)
    elif placebo_of(run, view.part, run.card.task.metric) is not None:
        st.caption(
            "A placebo is kept for what a run keeps of every user, such as nDCG; "
            f"{metric_title(view.column)} is made from lists."
        )
    elif is_dealable(run):
        _draw_button(run)


def dealt_words(run: Run, view: View, of_model: bool) -> str:
    """Which of two rows is over what, where a placebo stands below each group.

    of_model: whether a group is drawn in the colour of what the wrong people may do as well.
    """
    if placebo_of(run, view.part, view.column) is None:
        return ""
    return (
        f" Each group over {'the twin' if run.twin else floor_name(run)}, below over the placebo"
        f"{'; purple: sure over the twin and not over the placebo' if of_model else ''}."
    )


def _show_figures(run: Run, view: View, figures: PlaceboFigures) -> None:
    source = plain(run.record.name_of(SOURCE), 40)
    metric, digits = view.column, digits_of(view.column)
    few = figures.run.users < FEWEST
    own, without, dealt = st.columns(3, gap="large")
    title = metric_title(metric)

    def said(level: Interval) -> str:
        return "–" if few else number(level.mean, digits)

    def over(gap: Interval, sure: bool) -> str:
        words = signed_with_interval(gap.mean, gap.low, gap.high, digits)
        return f"The run has {f'**{words}**' if sure else words} over it."

    with own:
        st.metric(f"{title}, the run", said(figures.run))
        st.caption(f"With the history that each person has in {source}.")
    with without:
        if figures.twin is None or figures.over_twin is None:
            st.metric(f"{title}, its twin", "–")
            st.caption(f"This model has none: it is compared with {floor_name(run)}.")
        else:
            st.metric(f"{title}, its twin", said(figures.twin))
            apart = "" if few else over(figures.over_twin, figures.sure_over_twin)
            st.caption(f"Without {source}. {apart}")
    with dealt:
        st.metric(f"{title}, its placebo", said(figures.placebo), help=_WHY)
        st.caption(
            f"With the histories of {source} dealt to other people, "
            f"{deals_words(figures, digits)}. "
            f"{'' if few else over(figures.over_placebo, figures.sure_over_placebo)}"
        )
        if _has_cold(run, view):
            st.caption(cold_words(plain(run.record.name_of(TARGET), 40)))
    if few:
        st.caption(f"{count(figures.run.users, 'user')}: too few to say.")


def _has_cold(run: Run, view: View) -> bool:
    users = cached.per_user(run, view.part)[USER].to_numpy()
    history = cached.segments(run.record.split_hash)[TARGET_HISTORY].astype("str").to_numpy()
    return bool((history[users] == BINS[0]).any())


def _draw_button(run: Run) -> None:
    if placebos_are_damaged(run):
        st.warning("The placebo that was kept cannot be read any more. Make it again.")
    source, deals = plain(run.record.name_of(SOURCE), 40), default_deals(run)
    times = "once more" if deals == 1 else f"{deals} times more"
    words, button = st.columns([2, 1], gap="large", vertical_alignment="center")
    words.caption(
        f"Is it taste, or only more data? A placebo tells, in about "
        f"{duration(seconds_foretold(run))} at most.",
        help=f"The same model with the histories of {source} dealt to other people, trained "
        f"{times}.",
    )
    task = Task(
        "placebo",
        (placebo_payload(run),),
        f"Placebo of {run.label}",
        "Deal the source to other people",
        _WHY,
    )
    with button:
        draw_task(task, "make_placebo")
