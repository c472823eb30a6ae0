"""How far a run's reasons can be believed: the deletion check over many users, kept with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.basics.columns import TEST
from core.basics.errors import DataError, RunError
from core.basics.files import read_json, still_there, write_json
from core.basics.progress import Progress, Report
from core.basics.types import FloatArray
from core.basics.workspace import Workspace
from core.data.snapshot import Split, read_snapshot
from core.metrics.intervals import Interval, bootstrap_means
from core.runs.asking import Question
from core.runs.deletion import SCOPES, Removal, amounts_in_order, check_reasons
from core.store.run_folder import RECORD, Run, read_run

KEPT = "faithfulness.json"
DEFINITION = 1  # of the figures; those kept by another one are not read
USERS, K, SEED, STEPS = 100, 10, 0, (1, 2, 3, 5)
CURVES = (
    "top_lost",
    "random_lost",
    "top_kept",
    "random_kept",
    "top_stays",
    "random_stays",
)


@dataclass(frozen=True)
class Scope:
    """Figures of one scope, whose items are taken away: those of the source, or of both domains.

    deletion: share of an item's lead lost without its strongest history items less the share lost
    without random ones, averaged over the steps; sufficiency: the same for the share kept with
    them alone, strongest less random. curves: by name of CURVES one interval per step.
    """

    users: int
    skipped: int  # with too short a history to choose from
    deletion: Interval
    sufficiency: Interval
    curves: dict[str, list[Interval]]


@dataclass(frozen=True)
class Faithfulness:
    """The check of one recommendation of each of some users, drawn from their first k."""

    k: int
    seed: int
    steps: tuple[int, ...]
    scopes: dict[str, Scope]


def faithfulness_payload(run_id: str) -> dict[str, Any]:
    """What a job of kind "faithfulness" is given; equal payloads are one job."""
    return {"run_id": run_id}


def faithfulness_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict:
    """Check a run's reasons and keep the figures in its folder; answers how many users."""
    run = read_run(workspace.runs / payload["run_id"])
    split, record = read_snapshot(workspace.splits / run.record["split_hash"]), run.folder / RECORD
    with still_there(record):
        found = check_run(run, split, report)
        write_json(run.folder / KEPT, {"definition": DEFINITION} | _plain(found), record)
    return {"users": max(scope.users for scope in found.scopes.values())}


def kept_faithfulness(run: Run) -> Faithfulness | None:
    """The figures of a run that was checked, None where it was not."""
    try:
        kept = read_json(run.folder / KEPT)
        if kept["definition"] != DEFINITION:
            return None
        scopes = {name: _scope(values) for name, values in kept["scopes"].items()}
        return Faithfulness(kept["k"], kept["seed"], tuple(kept["steps"]), scopes)
    except (DataError, KeyError, TypeError, AttributeError):
        return None  # not there, or damaged: it can be checked again


def check_run(run: Run, split: Split, report: Report, n_users: int = USERS) -> Faithfulness:
    """The deletion check of one recommendation of each of `n_users` test users, by own score.

    Raises RunError for a run whose model cannot be asked about other histories.
    """
    if not run.has_model or run.card.fold_in == "none":
        raise RunError(
            what=f"{run.label} cannot be asked about other histories.",
            hint="Choose a run whose model was trained here.",
        )
    rng = np.random.default_rng(SEED)
    tested = split.users(TEST)
    users = np.sort(rng.choice(tested, min(n_users, len(tested)), replace=False))
    model, found = run.model(split), []
    for done, user in enumerate(users.tolist()):
        report(Progress(done, len(users), "checking reasons"))
        question = Question.of(run, model, split, TEST, user)
        found.append(_check_one(question, int(rng.integers(0, K))))
    scopes = {name: _summarised([one[name] for one in found]) for name in SCOPES}
    return Faithfulness(K, SEED, STEPS, scopes)


def _check_one(question: Question, place: int) -> dict[str, Removal]:
    """The check of the item at a place of the user's list, by scope."""
    items = question.listed(K)
    item, rows = int(items[min(place, len(items) - 1)]), question.histories
    said = question.model.explain(rows.source, rows.target, item)
    amounts = amounts_in_order(rows, said)
    return {
        scope: check_reasons(question, item, amounts, scope, K, steps=STEPS) for scope in SCOPES
    }


def _summarised(found: list[Removal]) -> Scope:
    curves = {name: np.stack([getattr(one, name) for one in found]) for name in CURVES}
    asked = ~np.isnan(curves["top_lost"]).all(axis=1)
    deletion = _mean_of_steps(curves["top_lost"] - curves["random_lost"])
    sufficiency = _mean_of_steps(curves["top_kept"] - curves["random_kept"])
    both = bootstrap_means(np.column_stack([deletion, sufficiency]), SEED)
    return Scope(
        users=int(asked.sum()),
        skipped=int((~asked).sum()),
        deletion=both[0],
        sufficiency=both[1],
        curves={name: bootstrap_means(values, SEED) for name, values in curves.items()},
    )


def _mean_of_steps(values: FloatArray) -> FloatArray:
    """(users, steps) → (users,), over the steps a history is long enough for; NaN without any."""
    there = ~np.isnan(values)
    total = np.where(there, values, 0.0).sum(axis=1)
    return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)


def _plain(found: Faithfulness) -> dict[str, Any]:
    """As JSON takes it: no answer is None there."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [plain(inner) for inner in value]
        return None if isinstance(value, float) and not np.isfinite(value) else value

    return dict(plain(asdict(found)))


def _scope(kept: dict[str, Any]) -> Scope:
    return Scope(
        users=kept["users"],
        skipped=kept["skipped"],
        deletion=_interval(kept["deletion"]),
        sufficiency=_interval(kept["sufficiency"]),
        curves={name: [_interval(one) for one in steps] for name, steps in kept["curves"].items()},
    )


def _interval(kept: dict[str, Any]) -> Interval:
    values: dict[str, Any] = {name: np.nan if kept[name] is None else kept[name] for name in kept}
    return Interval(**values)
