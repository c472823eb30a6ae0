"""One trial of a search: fit on the training rows, measure on validation users, keep nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.basics.columns import OWN, VALID
from core.basics.errors import RunError
from core.basics.files import write_whole
from core.basics.machine import free_memory
from core.basics.progress import Cancelled, Progress, Report
from core.basics.types import FloatArray
from core.basics.workspace import Workspace
from core.data.snapshot import Split, rating_facts, read_snapshot
from core.evaluation.evaluate import evaluate
from core.evaluation.ratings import RATINGS, Bounds, errors_per_user, predict_held_out
from core.metrics.ratings import RMSE
from core.models.kernel.training_settings import counts_of
from core.models.protocol import CrossDomainModel
from core.models.readiness import check_readiness
from core.models.registry import build, card_of
from core.runs.making.fit import fit_best, measured, watcher
from core.runs.making.plan import RunPlan
from core.store.run_folder import TWIN


@dataclass(frozen=True)
class Measured:
    """What a trial came to; values: (n_validation_users,) one figure per user, in their order."""

    figures: dict[str, Any]  # fields of a Trial
    values: FloatArray


def trial_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Do the trial in the payload: a plan, the role it is tried for, and where its values go."""
    split = read_snapshot(workspace.splits / payload["plan"]["split"])
    found = measure(RunPlan.from_dict(payload["plan"]), payload["role"], split, report)
    folder = workspace.searches / payload["search"]
    keep_values(folder, payload["role"], payload["number"], found.values)
    return found.figures


def measure(plan: RunPlan, role: str, split: Split, report: Report) -> Measured:
    """Validation nDCG@10 (RMSE of a model of ratings), its standard error, and what the fit cost.

    Test rows are never looked at. Raises RunError where the pair, the memory or the settings do not
    allow it, and Cancelled where it was stopped: a shorter fit would not be comparable.
    """
    card = card_of(plan.model)
    train = card.pair_of(split, counts_of(card.settings.of(plan.settings)))
    if role == TWIN:
        train = train.target_only()
    else:
        settings, ratings = card.settings.of(plan.settings), rating_facts(split.folder)
        check_readiness(card, train, settings, free_memory(), ratings)
    model = build(plan.model, plan.settings, plan.device)
    rates = card.task == "rating"
    report(Progress(done=0, total=1, stage="training"))
    with measured() as cost:
        watch = watcher(split, plan.seed, card.task)
        fit = fit_best(model, train, plan.seed, watch, _staged(report), lower_is_better=rates)
    if fit.cancelled:
        raise Cancelled
    report(Progress(done=0, total=1, stage="evaluating on validation"))
    values = _squared_errors(model, split) if rates else _ndcg(model, split)
    mean, error = mean_and_error(values, rates)
    costs = {name: round(getattr(cost, name), 3) for name in ("cpu_seconds", "wall_seconds")}
    return Measured({"mean": mean, "error": error, "epochs": fit.best_epoch} | costs, values)


def mean_and_error(values: FloatArray, rates: bool) -> tuple[float, float]:
    """The figure of these users and its standard error; of a root by the delta method."""
    mean, error = float(values.mean()), standard_error(values)
    if not rates:
        return mean, error
    return mean**0.5, error / max(2 * mean**0.5, 1e-12)


def standard_error(values: FloatArray) -> float:
    """Of the mean over users."""
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else 0.0


def keep_values(folder: Path, role: str, number: int, values: FloatArray) -> None:
    """Write down every user's figure, so that trials can be compared user by user."""
    path = _values_path(folder, role, number)
    write_whole(path, lambda part: part.write_bytes(values.astype("<f4").tobytes()))


def read_values(folder: Path, role: str, number: int) -> FloatArray | None:
    """Every user's figure of a trial; None where they are gone."""
    path = _values_path(folder, role, number)
    return np.frombuffer(path.read_bytes(), "<f4").astype(float) if path.exists() else None


def _values_path(folder: Path, role: str, number: int) -> Path:
    return folder / "users" / f"{role}-{number}.f32"


def _ndcg(model: CrossDomainModel, split: Split) -> FloatArray:
    found = evaluate(model.score, split, VALID, ks=(10,)).per_user["ndcg@10"].dropna()
    if not len(found):
        raise RunError(
            what="No validation user has anything to find.",
            hint="Choose a split with more validation rows.",
        )
    return found.to_numpy(float)


def _squared_errors(model: CrossDomainModel, split: Split) -> FloatArray:
    """(n_users,) such that their mean is the squared error pooled over all ratings."""
    predictions = predict_held_out(model.score, split.rated, VALID)
    bounds = Bounds.of(split.rated.train.target)
    errors = errors_per_user(predictions, predictions[OWN].to_numpy(), bounds)
    counts = errors[RATINGS].to_numpy(float)
    return errors[RMSE].to_numpy(float) ** 2 * counts / counts.mean()


def _staged(report: Report) -> Report:
    return lambda progress: report(replace(progress, stage="training"))
