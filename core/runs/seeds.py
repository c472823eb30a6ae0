"""The same run with other seeds: finding them, and the plans of two more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.basics.errors import RunError, SettingsError
from core.models.registry import CARDS, card_of
from core.runs.plan import RunPlan
from core.store.run_folder import Run

MORE = 2  # seeds that one click adds
_MADE_OF_RUNS = ("members", "compression")  # what only the record of a derived run has


def is_trained(run: Run) -> bool:
    """Whether the run was trained from data here, and so can be trained again."""
    record = run.record
    return record["model"] in CARDS and not any(name in record for name in _MADE_OF_RUNS)


def check_trained(run: Run) -> None:
    """Refuse a run that cannot be trained again; raises RunError."""
    if not is_trained(run):
        raise RunError(
            what=f"{run.label} was made of other runs or lists and cannot be trained again.",
            hint="Choose one of the runs it was made of.",
        )


def same_but_seed(run: Run, runs: Sequence[Run]) -> list[Run]:
    """Whole runs with its model, settings and split and a seed of their own, by seed."""
    if not is_trained(run) or run.twin is None:
        return []
    wanted, found = _identity(run), {run.record["seed"]: run}
    for other in sorted(runs, key=lambda one: one.record["created"]):
        is_whole = is_trained(other) and other.complete and other.twin is not None
        if is_whole and _identity(other) == wanted:
            found.setdefault(other.record["seed"], other)
    return [found[seed] for seed in sorted(found) if seed != run.record["seed"]]


def plans_of_more_seeds(run: Run, runs: Sequence[Run]) -> list[RunPlan]:
    """Plans of the same run with the next seeds that are not there yet."""
    check_trained(run)
    record, taken = run.record, {run.record["seed"]}
    taken |= {other.record["seed"] for other in same_but_seed(run, runs)}
    free = (seed for seed in range(record["seed"] + 1, 2**31) if seed not in taken)
    twin = run.twin.record["settings"] if run.twin else None
    device, own = record.get("device", "auto"), twin if twin != record["settings"] else None
    return [
        RunPlan(
            record["split_hash"],
            record["model"],
            record["settings"],
            seed,
            device,
            twin_settings=own,
        )
        for seed, _ in zip(free, range(MORE), strict=False)
    ]


def what_it_is(run: Run) -> tuple[Any, ...]:
    """Model and settings of a run and its twin; newer settings it lacks stand at their defaults."""
    records = [one.record for one in (run, run.twin) if one]
    return run.record["model"], *(_settings(record) for record in records)


def _identity(run: Run) -> tuple[Any, ...]:
    return run.record["split_hash"], what_it_is(run)


def _settings(record: dict[str, Any]) -> dict[str, Any]:
    try:
        return card_of(record["model"]).settings.of(record["settings"]).to_dict()
    except SettingsError:  # a version that had others
        return dict(record["settings"])
