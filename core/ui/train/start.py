"""Train page, left: the button that starts the chosen runs, and what they will cost."""

from __future__ import annotations

import streamlit as st

from core.basics.columns import VALID
from core.basics.errors import CrosswalkError
from core.basics.formatting import count, duration
from core.data.snapshot import SplitInfo
from core.jobs.table import Job, list_jobs
from core.models.readiness import TIGHT, in_gib, refused_words
from core.models.registry import card_of
from core.runs.making.estimate import (
    MEASURED,
    OTHER_SETTINGS,
    OTHER_SPLIT,
    SAME,
    Estimate,
    Timing,
    cheaper_first,
    estimate,
    measured_steps,
    time_of,
)
from core.runs.making.fit import few_will_choose
from core.runs.making.plan import RunPlan
from core.store.record import few_to_choose_by
from core.ui import cached
from core.ui.folds import draw_train_folds
from core.ui.shell import ask_jobs, draw_press, guarded, workspace
from core.ui.train.choose import device_memory

POLL = 1.0  # seconds between two looks while a model is being measured


def draw_start(info: SplitInfo, plans: list[RunPlan]) -> None:
    """Start, and below it what every plan costs; one that cannot fit is refused with the reason.

    Start is asked first: the costs may begin the page anew, and a press would be lost with it.
    """
    costs = _costs(info, plans)
    allowed = [plan for plan, cost in zip(plans, costs, strict=True) if cost.fits]
    draw_press(
        f"Start {count(len(allowed), 'run')}" if allowed else "Start",
        _start,
        (allowed,),
        type="primary",
        width="stretch",
        icon=":material/play_arrow:",
        key="train_start",
        disabled=not allowed,
    )
    draw_train_folds(info, allowed)
    valid = workspace().splits / info.split_hash / "target_valid.parquet"
    if few := next(filter(None, (few_will_choose(plan.model, valid) for plan in allowed)), ""):
        st.warning(few)
    measuring = bool(_measuring(allowed))
    st.fragment(_draw_costs, run_every=POLL if measuring else None)(info, plans, measuring)
    if unknown := _measurable(allowed):
        draw_press(
            "Measure how long it takes" if len(unknown) == 1 else "Measure how long they take",
            _measure,
            (unknown,),
            key="train_measure",
            icon=":material/timer:",
            type="tertiary",
            help="Runs the first steps in the background; nothing is kept but the time.",
        )
    _draw_cheaper(info, allowed)
    if not plans:
        st.caption("Tick at least one model.")


def _draw_cheaper(info: SplitInfo, plans: list[RunPlan]) -> None:
    """Where a plan is costly: what a cheap model takes beside it, and a button that trains it."""
    jobs = list_jobs(workspace(), kind="train", active=True, dismissed=True, limit=1000)
    asked = [(str(job.payload.get("model")), str(job.payload.get("split"))) for job in jobs]
    kept = [(str(run.record.model), run.record.split_hash) for run in cached.runs()]
    first = cheaper_first(plans, info, [*asked, *kept], lambda plan: _costs(info, [plan])[0])
    if first is None:
        return
    st.info(first.words, icon=":material/timer:")
    draw_press(
        f"Train {card_of(first.plan.model).title} first",
        _start,
        ([first.plan],),
        width="stretch",
        icon=":material/bolt:",
        key="train_cheaper",
    )


def _costs(info: SplitInfo, plans: list[RunPlan]) -> list[Estimate]:
    shared, facts = cached.shared_users(info.split_hash), cached.rating_facts(info.split_hash)
    return [
        estimate(
            plan,
            info,
            shared,
            expected_time(plan),
            device_memory(plan.device) if card_of(plan.model).gradient else None,
            facts,
        )
        for plan in plans
    ]


def _draw_costs(info: SplitInfo, plans: list[RunPlan], was_measuring: bool) -> None:
    """A line per plan; keeps itself up to date while somebody measures how long a model takes."""
    with guarded():
        costs = _costs(info, plans)
        fitting = [plan for plan, cost in zip(plans, costs, strict=True) if cost.fits]
        measuring = _measuring(fitting)
        if was_measuring and not measuring:
            st.rerun()  # the polling can stop, and a search knows its time
        with st.container(gap="xxsmall"):
            for plan, cost in zip(plans, costs, strict=True):
                _draw_cost(plan, cost, plan in measuring)
        total = total_words(
            {
                card_of(plan.model).title: cost.timing.seconds if cost.timing else None
                for plan, cost in zip(plans, costs, strict=True)
                if cost.fits
            }
        )
        if total:
            st.caption(f"All one after the other: {total}.")


def _draw_cost(plan: RunPlan, cost: Estimate, measured_now: bool) -> None:
    card = card_of(plan.model)
    if not cost.fits:
        st.error(
            f"{refused_words(card, cost.readiness.reason)} {cost.readiness.hint}",
            icon=":material/block:",
        )
        return
    memory = in_gib(cost.memory)
    if cost.memory > TIGHT * cost.free:
        memory = f"{memory} of {in_gib(cost.free)} free"
    twin = " and its twin" if card.has_twin else ""
    st.caption(f"{card.title}{twin}: {time_words(cost.timing, measured_now)} · {memory}")


def _start(plans: list[RunPlan]) -> None:
    """One job per plan; one that is under way already is not started twice."""
    before = {job.id for job in list_jobs(workspace(), active=True, dismissed=True, limit=1000)}
    ids = ask_jobs("train", [(plan.to_dict(), plan.label) for plan in plans], "training")
    again = sum(job_id in before for job_id in ids)
    if again:
        verb = "is" if again == 1 else "are"
        st.toast(f"{count(again, 'run')} of these {verb} already under way.")


# How long a run will take, and the short jobs that find it out where a person asks for it.

KIND = "timing"
SAID = {
    SAME: "as last time",
    OTHER_SETTINGS: "from a run with other settings",
    MEASURED: "from its first steps, timed here",
    OTHER_SPLIT: "from a run on another split",
}


def expected_time(plan: RunPlan) -> Timing | None:
    """Seconds the plan will take, from what was timed in this workspace; None without any."""
    measured = measured_steps(workspace(), plan.model, plan.split, plan.device)
    return time_of(plan, cached.runs(), _info_of, measured)


def warn_of_few(split_hash: str) -> None:
    """Say where few people of validation choose among settings; nothing where the split is gone."""
    if split_hash in cached.split_hashes():
        users = len(cached.split(split_hash).users(VALID))
        if few := few_to_choose_by(users, "the settings"):
            st.warning(few)


def _measurable(plans: list[RunPlan]) -> list[RunPlan]:
    """Plans whose time nobody knows; one that was measured in vain once is not offered again."""
    tried = [job.payload for job in _jobs()]
    return [plan for plan in plans if expected_time(plan) is None and _timed(plan) not in tried]


def _measuring(plans: list[RunPlan]) -> list[RunPlan]:
    """Plans that are being measured now."""
    now = [job.payload for job in _jobs() if job.is_active]
    return [plan for plan in plans if _timed(plan) in now]


def _measure(plans: list[RunPlan]) -> None:
    ask_jobs(
        KIND,
        [(_timed(plan), f"Measuring how long {card_of(plan.model).title} takes") for plan in plans],
    )


def _timed(plan: RunPlan) -> dict[str, str]:
    """What a job that measures the plan's model is asked for."""
    return {"model": plan.model, "split": plan.split, "device": plan.device}


def time_words(timing: Timing | None, measured_now: bool) -> str:
    """`about 40 s, as last time`, or that it is being found out."""
    if timing is None:
        return "its first steps are being timed" if measured_now else "not timed yet"
    if timing.seconds < 1:
        return f"under a second, {SAID[timing.basis]}"
    return f"{timing.words}, {SAID[timing.basis]}"


def total_words(seconds: dict[str, float | None]) -> str | None:
    """`about 40 s`, or `more than 26 s: Two-tower not timed yet`; None where no sum says more.

    seconds: by the title of each model that fits, None for one that nobody has timed.
    """
    known = [each for each in seconds.values() if each is not None]
    unknown = [title for title, each in seconds.items() if each is None]
    if not known or len(seconds) < 2:
        return None
    if not unknown:
        return f"about {duration(sum(known))}"
    return f"more than {duration(sum(known))}: {', '.join(unknown)} not timed yet"


def _jobs() -> list[Job]:
    return list_jobs(workspace(), kind=KIND, dismissed=True, limit=1000)


def _info_of(split_hash: str) -> SplitInfo | None:
    try:
        return cached.split_info(split_hash)
    except CrosswalkError:  # the split of an old run may be gone
        return None
