"""One trial of a search: fit on the training rows, measure on validation users, keep nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from core.basics.columns import VALID
from core.basics.errors import RunError
from core.basics.memory import free_memory
from core.basics.progress import Cancelled, Progress, Report
from core.basics.workspace import Workspace
from core.data.snapshot import Split, read_snapshot
from core.evaluation.evaluate import evaluate
from core.models.readiness import check_readiness
from core.models.registry import build, card_of
from core.runs.cost import measured
from core.runs.fit import fit_best
from core.runs.plan import RunPlan
from core.runs.watch import watcher
from core.store.run_folder import TWIN

METRIC = "ndcg@10"


def trial_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Do the trial in the payload: a plan, and the role it is tried for."""
    split = read_snapshot(workspace.splits / payload["plan"]["split"])
    return measure(RunPlan.from_dict(payload["plan"]), payload["role"], split, report)


def measure(plan: RunPlan, role: str, split: Split, report: Report) -> dict[str, Any]:
    """Mean validation nDCG@10 with its standard error, and what the fit cost.

    Test rows are never looked at. Raises RunError where the pair, the memory or the settings do not
    allow it, and Cancelled where it was stopped: a shorter fit would not be comparable.
    """
    card = card_of(plan.model)
    train = split.train.target_only() if role == TWIN else split.train
    settings = card.settings.of(plan.settings)
    if role != TWIN:
        check_readiness(card, train, settings, free_memory())
    model = build(plan.model, plan.settings, plan.device)
    report(Progress(done=0, total=1, stage="training"))
    with measured() as cost:
        watch = _staged(report)
        fit = fit_best(model, train, plan.seed, watcher(split, plan.seed), watch)
    if fit.cancelled:
        raise Cancelled
    report(Progress(done=0, total=1, stage="evaluating on validation"))
    found = evaluate(model.score, split, VALID, ks=(10,)).per_user[METRIC].dropna()
    if not len(found) or not math.isfinite(float(found.mean())):
        raise RunError(
            what="Validation quality is not a number.",
            hint="Choose a split with validation users, or a smaller learning rate.",
        )
    return {
        "mean": float(found.mean()),
        "error": float(found.sem()) if len(found) > 1 else 0.0,
        "epochs": fit.best_epoch,
        "cpu_seconds": round(cost.cpu_seconds, 3),
        "wall_seconds": round(cost.wall_seconds, 3),
    }


def _staged(report: Report) -> Report:
    return lambda progress: report(replace(progress, stage="training"))
