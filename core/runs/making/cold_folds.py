"""Cold-start by k folds: every shared user is tested once, without any target history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from core.basics.columns import TEST, VALID
from core.basics.progress import Cancelled, Report, silent
from core.basics.workspace import Workspace
from core.evaluation.lift import lift, summarise
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import BIAS, POPULARITY, RUN, TWIN, Run, read_run


def train_folds(
    plans: Sequence[RunPlan], workspace: Workspace, report: Report = silent
) -> dict[str, Any]:
    """Train one run per fold and measure all their users together.

    Answers model, settings, the folds' run_dirs and split_hashes, fit (summed over folds), valid
    and test over the users of all folds, the same of twin and popularity, and the lift over either
    on test.
    """
    runs = []
    for fold, plan in enumerate(plans, 1):
        prefix = f"fold {fold} of {len(plans)}: "
        runs.append(read_run(train_run(plan, workspace, _prefixed(report, prefix))))
        if not runs[-1].complete:
            raise Cancelled
    ours = _users(runs, RUN)
    twin, popularity, bias = (_users(runs, role) for role in (TWIN, POPULARITY, BIAS))
    assert ours is not None
    record = runs[0].record
    return {
        "model": record.model,
        "settings": record.settings,
        "dataset_hash": record.dataset_hash,
        "split_hash": [run.record.split_hash for run in runs],
        "run_dir": [str(run.folder) for run in runs],
        "folds": len(runs),
        "fit": _summed([run.record.fit for run in runs]),
        "evaluate": _summed([run.record.evaluate or {} for run in runs]),
        **_figures(ours),
        "twin": None if twin is None else _figures(twin),
        "popularity": None if popularity is None else _figures(popularity),
        "bias": None if bias is None else _figures(bias),
        "lift": None if twin is None else lift(ours[TEST], twin[TEST]),
        "lift_over_popularity": None if popularity is None else lift(ours[TEST], popularity[TEST]),
        "lift_over_bias": None if bias is None else lift(ours[TEST], bias[TEST]),
    }


def _users(runs: list[Run], role: str) -> dict[str, pd.DataFrame] | None:
    """Metrics of all folds' users by part; users are numbered alike in every fold."""
    found = [run if role == RUN else getattr(run, role) for run in runs]
    if any(side is None for side in found):
        return None
    return {
        part: pd.concat([side.metrics(part) for side in found], ignore_index=True)
        for part in (VALID, TEST)
    }


def _figures(users: dict[str, pd.DataFrame]) -> dict[str, Any]:
    return {part: summarise(frame) for part, frame in users.items()}


def _summed(costs: list[dict[str, float]]) -> dict[str, float]:
    """Seconds added up over the folds, and the highest peak of memory."""
    total = {name: round(sum(cost[name] for cost in costs), 3) for name in costs[0]}
    return total | {"peak_rss_mib": max(cost["peak_rss_mib"] for cost in costs)}


def _prefixed(report: Report, prefix: str) -> Report:
    return lambda progress: report(replace(progress, stage=prefix + progress.stage))
