"""What a run will cost, before it starts: memory against what is free, seconds as they were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.basics.memory import free_memory
from core.data.snapshot import SplitInfo
from core.models.protocol import PairSizes
from core.models.readiness import Readiness, readiness
from core.models.registry import card_of
from core.runs.plan import RunPlan
from core.store.run_folder import Run


@dataclass(frozen=True)
class Estimate:
    """memory, free: bytes; seconds: None where no run like it was ever made here."""

    memory: int
    free: int
    seconds: float | None
    readiness: Readiness

    @property
    def fits(self) -> bool:
        """Whether the run may be started."""
        return self.readiness.light != "red"


def estimate(
    plan: RunPlan, info: SplitInfo, shared_users: int, runs: Iterable[Run], free: int | None = None
) -> Estimate:
    """What the plan will cost on this split; free: bytes, what the machine has now if None."""
    card = card_of(plan.model)
    settings = card.settings.of(plan.settings)
    sizes = sizes_of(info)
    free = free_memory() if free is None else free
    return Estimate(
        memory=card.memory(sizes, settings),
        free=free,
        seconds=usual_seconds(runs, plan.model, plan.split),
        readiness=readiness(card, sizes, shared_users, settings, free),
    )


def sizes_of(info: SplitInfo) -> PairSizes:
    """Sizes of the pair a split trains on, without reading its rows."""
    counts = info.counts
    return PairSizes(
        counts["users"], counts["source_items"], counts["target_items"],
        counts["source_train"], counts["target_train"],
    )  # fmt: skip


def usual_seconds(runs: Iterable[Run], model: str, split_hash: str) -> float | None:
    """Wall seconds the newest whole run of this model on this split took, its twin included."""
    for run in runs:
        record = run.record
        like_it = record["model"] == model and record["split_hash"] == split_hash
        if like_it and not record.get("cancelled"):
            parts = [part.record for part in (run, run.twin) if part is not None]
            return sum(part[step]["wall_seconds"] for part in parts for step in STEPS)
    return None


STEPS = ("fit", "evaluate")  # keys of a record that hold a cost
