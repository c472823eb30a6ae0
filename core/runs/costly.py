"""Before a costly model is started: how much a cheap one costs beside it, and to train that first.

Seconds are said where both were timed on this machine. Where not, the two are compared by their
work, and what is said is a floor: the least that was seen of models trained by gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from core.basics.formatting import duration
from core.basics.machine import AUTO
from core.data.snapshot import NEW_ITEMS, SplitInfo
from core.models.linear.item_weights import solves_dual
from core.models.protocol import PairSizes
from core.models.registry import card_of
from core.runs.estimate import Estimate, Timing, sizes_of, work
from core.runs.plan import RunPlan

CHEAP = {"ranking": "ease", "rating": "mf_rating"}  # by task
TIMES, SECONDS = 10.0, 30.0  # as costly as the cheap one at least, and so long at least
# Seconds on one core, with the twin, of sixteen models on pairs of 3,300 users and 57,000 items and
# of 20,000 users and 8,000 items. By a unit of `work`: the least of models trained by gradients,
# the most of alternating least squares. Of EASE: by side^3 of what it inverts, and by byte.
_GRADIENT, _ALTERNATING = 2e-7, 1e-8
_INVERTED, _MOVED = 6e-11, 5e-9


@dataclass(frozen=True)
class CheaperFirst:
    """What to say before a costly run, and the cheap one to train first."""

    words: str
    plan: RunPlan


def cheap_plan(plan: RunPlan, info: SplitInfo) -> RunPlan | None:
    """The cheap model with its own settings on the same split.

    None where nothing sensible is cheaper: for the cheap model itself, and on a split of new
    items for one that cannot tell these apart.
    """
    card = card_of(plan.model)
    cheap = card_of(CHEAP[card.task])
    if cheap.name == plan.model or (info.kind == NEW_ITEMS and not cheap.new_items):
        return None
    label = f"{cheap.title} · seed {plan.seed}"
    return RunPlan(plan.split, cheap.name, cheap.settings().to_dict(), plan.seed, AUTO, label)


def cheaper_first(
    plans: Iterable[RunPlan],
    info: SplitInfo,
    known: Iterable[tuple[str, str]],
    cost_of: Callable[[RunPlan], Estimate],
) -> CheaperFirst | None:
    """The costliest of the plans beside the cheap model; None where none of them is costly.

    known: model and split of every run that is there or on its way. cost_of: what a plan will
    take. Nothing is said where the cheap model is known, planned too, or does not fit.
    """
    plans = list(plans)
    there = {*known, *((plan.model, plan.split) for plan in plans)}
    found: list[tuple[float, CheaperFirst]] = []
    for plan in plans:
        cheap = cheap_plan(plan, info)
        if cheap is None or (cheap.model, cheap.split) in there:
            continue
        its, other = cost_of(plan), cost_of(cheap)
        if not (its.fits and other.fits):
            continue
        said = _in_seconds if its.timing and other.timing else _in_times
        if told := said(plan, cheap, info, its.timing, other.timing):
            seconds, words = told
            found.append((seconds, CheaperFirst(words, cheap)))
    return max(found, key=lambda one: one[0])[1] if found else None


def _in_seconds(
    plan: RunPlan, cheap: RunPlan, info: SplitInfo, its: Timing | None, other: Timing | None
) -> tuple[float, str] | None:
    """Seconds of the plan and the words about them; None where it is not costly."""
    assert its is not None
    assert other is not None
    if its.seconds < max(SECONDS, TIMES * other.seconds):
        return None
    about = "at most about" if its.at_most else "about"
    briefly = "under a second" if other.seconds < 1 else f"about {duration(other.seconds)}"
    return its.seconds, (
        f"{card_of(plan.model).title} takes {about} {duration(its.seconds)} on this pair; "
        f"{card_of(cheap.model).title} takes {briefly} and is often as good."
    )


def _in_times(
    plan: RunPlan, cheap: RunPlan, info: SplitInfo, its: Timing | None, other: Timing | None
) -> tuple[float, str] | None:
    """The same by the work where one of the two was not timed; for models trained by gradients."""
    card, first, sizes = card_of(plan.model), card_of(cheap.model), sizes_of(info)
    if not card.gradient:
        return None
    least = _cheap_seconds(cheap, sizes)
    floor = _GRADIENT * work(card, sizes, card.settings.of(plan.settings))
    seconds = its.seconds if its else floor
    if seconds < SECONDS or floor < TIMES * least:
        return None
    takes = f"takes about {duration(seconds)} on this pair" if its else "was not timed here yet"
    return seconds, (
        f"{card.title} {takes}; on a CPU it is more than {_rounded_down(floor / least):,} times "
        f"the work of {first.title}, which is often as good."
    )


def _cheap_seconds(cheap: RunPlan, sizes: PairSizes) -> float:
    """Seconds of a fit of the cheap model at most, as its work lets expect them."""
    card = card_of(cheap.model)
    settings: Any = card.settings.of(cheap.settings)
    if hasattr(settings, "epochs"):
        return _ALTERNATING * work(card, sizes, settings)
    items = sizes.source_items + sizes.target_items
    rows = sizes.source_rows + sizes.target_rows
    dual = solves_dual(settings.solver, sizes.users, items, sizes.target_items, rows)
    side = sizes.users if dual else items
    return _INVERTED * side**3 + _MOVED * card.memory(sizes, settings)


def _rounded_down(times: float) -> int:
    """Its first figure, so that a rough number looks rough: 487 is 400."""
    digits = 10 ** (len(str(int(times))) - 1)
    return int(times) // digits * digits
