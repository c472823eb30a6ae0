"""What a run will cost, before it starts: memory against what is free, seconds from what is known.

Seconds come from the nearest thing that was really timed here: the same run, the model on this
split with other settings, a measured step on this split, or the model on another split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from core.basics.machine import free_memory
from core.data.profile import RatingFacts
from core.data.snapshot import NEW_ITEMS, SplitInfo
from core.models.protocol import ModelCard, PairSizes
from core.models.readiness import Readiness, readiness
from core.models.registry import card_of
from core.runs.plan import RunPlan
from core.store.run_folder import Run

Basis = Literal["same", "other settings", "measured", "other split"]
SAME: Basis = "same"
OTHER_SETTINGS: Basis = "other settings"
MEASURED: Basis = "measured"
OTHER_SPLIT: Basis = "other split"
Infos = Callable[[str], SplitInfo | None]  # what is known about a split, by its hash
GROWTH = 1.4  # time of a closed form by its memory: between n^2 entries read and n^3 operations
SECONDS_TO_START = 1.5  # of a child: Python, the libraries, the split


@dataclass(frozen=True)
class Timing:
    """Wall seconds of a run with its twin, and what they were taken from."""

    fit: float
    evaluate: float
    basis: Basis
    at_most: bool = False  # whether early stopping will make it shorter

    @property
    def seconds(self) -> float:
        """All of the run."""
        return self.fit + self.evaluate


@dataclass(frozen=True)
class Estimate:
    """memory, free: bytes; timing: None where nothing like it was ever timed here."""

    memory: int
    free: int
    timing: Timing | None
    readiness: Readiness

    @property
    def fits(self) -> bool:
        """Whether the run may be started."""
        return self.readiness.light != "red"


def estimate(
    plan: RunPlan,
    info: SplitInfo,
    shared_users: int,
    timing: Timing | None,
    free: int | None = None,
    facts: RatingFacts | None = None,
) -> Estimate:
    """What the plan will cost on this split; free: bytes, what the machine has now if None.

    facts: what is known of the split's texts and vectors; without them the model can read some.
    """
    card = card_of(plan.model)
    settings = card.settings.of(plan.settings)
    sizes = sizes_of(info, facts)
    free = free_memory() if free is None else free
    return Estimate(
        memory=card.memory(sizes, settings),
        free=free,
        timing=timing,
        readiness=readiness(
            card, sizes, shared_users, settings, free, facts, info.kind == NEW_ITEMS
        ),
    )


def sizes_of(info: SplitInfo, facts: RatingFacts | None = None) -> PairSizes:
    """Sizes of the pair a split trains on, without reading its rows."""
    counts, width = info.counts, 0 if facts is None else max(facts.vectors)
    return PairSizes(
        counts["users"],
        counts["source_items"],
        counts["target_items"],
        counts["source_train"],
        counts["target_train"],
        width,
    )


def time_of(
    plan: RunPlan, runs: Iterable[Run], infos: Infos, measured: dict[str, Any] | None = None
) -> Timing | None:
    """Seconds the plan will take, from the nearest thing that was timed; None without any.

    runs: newest first. measured: what a timing job found for this model, split and device.
    """
    alike = [run for run in runs if _is_like(run, plan)]
    here = [run for run in alike if run.record["split_hash"] == plan.split]
    values = card_of(plan.model).settings.of(plan.settings).to_dict()
    for run in here:
        if run.record["settings"] == values:
            return Timing(_seconds(run, "fit"), _seconds(run, "evaluate"), SAME)
    if here:
        return _scaled_run(plan, here[0], infos, OTHER_SETTINGS)
    if measured is not None:
        return _from_steps(plan, measured, infos)
    return next((t for run in alike if (t := _scaled_run(plan, run, infos, OTHER_SPLIT))), None)


def search_seconds(timing: Timing, trials: int, places: int) -> float:
    """Seconds of as many trials of a model and of its twin, `places` of them side by side.

    A trial fits once and evaluates validation only: half of what a run evaluates.
    """
    each = timing.fit + timing.evaluate / 2 + 2 * SECONDS_TO_START
    return trials * each / max(1, places)


def work(card: ModelCard, sizes: PairSizes, settings: Any) -> float:
    """A number that grows as the time of a fit does; only ratios of it mean anything.

    Epochs x rows x factors (x layers) for what is trained by gradients; alternating least squares
    solves a system per user and item, so factors count squared; a closed form by its memory.
    """
    if not hasattr(settings, "epochs"):
        return float(card.memory(sizes, settings) ** GROWTH)
    rows = sizes.source_rows + sizes.target_rows
    factors = getattr(settings, "factors", 1) ** (1 if card.gradient else 2)
    return float(settings.epochs * max(1, rows) * factors * getattr(settings, "layers", 1))


def _is_like(run: Run, plan: RunPlan) -> bool:
    """Whether a whole run of the same model and device was really trained, not derived."""
    record = run.record
    same = record["model"] == plan.model and record.get("device", "auto") == plan.device
    return same and run.complete and "making" not in record and "wall_seconds" in record["fit"]


def _seconds(run: Run, step: str) -> float:
    parts = (run, run.twin, run.popularity)
    return sum(part.record[step]["wall_seconds"] for part in parts if part is not None)


def _scaled_run(plan: RunPlan, run: Run, infos: Infos, basis: Basis) -> Timing | None:
    """A run's seconds times the ratio of the work; None where its split is unknown."""
    here, there = infos(plan.split), infos(run.record["split_hash"])
    if here is None or there is None:
        return None
    card = card_of(plan.model)
    ours = work(card, sizes_of(here), card.settings.of(plan.settings))
    theirs = work(card, sizes_of(there), card.settings.of(run.record["settings"]))
    looked = _ranked_cells(here) / max(1, _ranked_cells(there))
    fit, evaluate = _seconds(run, "fit"), _seconds(run, "evaluate")
    return Timing(fit * ours / max(1.0, theirs), evaluate * looked, basis)


def _ranked_cells(info: SplitInfo) -> int:
    """Held-out rows times target items: evaluation ranks all items of every user."""
    counts = info.counts
    return int((counts["target_valid"] + counts["target_test"]) * counts["target_items"])


def _from_steps(plan: RunPlan, measured: dict[str, Any], infos: Infos) -> Timing | None:
    """First step and further steps as measured, times what these settings change."""
    info = infos(plan.split)
    if info is None:
        return None
    card, sizes = card_of(plan.model), sizes_of(info)
    settings, then = card.settings.of(plan.settings), card.settings.of(measured["settings"])
    steps, steps_then = (getattr(each, "epochs", 1) for each in (settings, then))
    ratio = work(card, sizes, settings) / steps / (work(card, sizes, then) / steps_then)
    fit = sum(ratio * (part["first"] + part["step"] * (steps - 1)) for part in measured["parts"])
    early = bool(getattr(settings, "patience", 0))
    return Timing(fit, measured["evaluate"], MEASURED, at_most=early)
