"""Train page: how long a run will take, and the short jobs that find it out."""

from __future__ import annotations

from core.basics.errors import CrosswalkError
from core.basics.formatting import duration
from core.data.snapshot import SplitInfo
from core.jobs.supervisor import ensure_supervisor
from core.jobs.table import Job, enqueue, list_jobs
from core.models.registry import card_of
from core.runs.making.estimate import (
    MEASURED,
    OTHER_SETTINGS,
    OTHER_SPLIT,
    SAME,
    Timing,
    measured_steps,
    time_of,
)
from core.runs.making.plan import RunPlan
from core.ui import cached
from core.ui.shell import workspace

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


def time_unknown(plans: list[RunPlan]) -> bool:
    """Set jobs going that time models nobody knows yet; whether one is under way.

    A model whose timing failed once is not timed again.
    """
    wanted = [_payload(plan) for plan in plans if expected_time(plan) is None]
    if not wanted:
        return False
    known = [job.payload for job in _jobs()]
    for payload in wanted:
        if payload not in known:
            title = f"Timing {card_of(str(payload['model'])).title}"
            enqueue(workspace(), KIND, payload, "short", title)
    ensure_supervisor(workspace())
    return any(job.is_active and job.payload in wanted for job in _jobs())


def time_words(timing: Timing | None, timing_now: bool) -> str:
    """`about 40 s, as last time`, or that it is being found out."""
    if timing is None:
        return "its first steps are being timed" if timing_now else "nobody knows how long"
    if timing.seconds < 1:
        return f"under a second, {SAID[timing.basis]}"
    about = "at most about" if timing.at_most else "about"
    return f"{about} {duration(timing.seconds)}, {SAID[timing.basis]}"


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


def _payload(plan: RunPlan) -> dict[str, object]:
    return {"model": plan.model, "split": plan.split, "device": plan.device}


def _info_of(split_hash: str) -> SplitInfo | None:
    try:
        return cached.split_info(split_hash)
    except CrosswalkError:  # the split of an old run may be gone
        return None
