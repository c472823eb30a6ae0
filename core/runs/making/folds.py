"""Cross-validation: a run per fold, and what all of them find together, every user once.

Folds of cold users test every shared user once without any target history; folds of rows test every
row of every user once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from core.basics.columns import TEST, USER, VALID
from core.basics.errors import RunError
from core.basics.formatting import count
from core.basics.progress import Cancelled, Report, silent
from core.basics.workspace import Workspace
from core.data.snapshot import SplitInfo, read_info
from core.data.splitting import COLD_FOLD, FOLDS, SplitSettings, split_folds
from core.evaluation.lift import lift, summarise
from core.evaluation.ratings import RATINGS
from core.metrics.ratings import ERRORS, MAE
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import BIAS, POPULARITY, RUN, TWIN, Run, list_runs, read_run

PARTS = (VALID, TEST)


def train_folds(
    plans: Sequence[RunPlan], workspace: Workspace, report: Report = silent
) -> dict[str, Any]:
    """Train one run per fold and return what `folds_answer` says of them."""
    infos = [read_info(workspace.splits / plan.split) for plan in plans]
    return folds_answer(_trained(plans, workspace, report), infos)


def folds_answer(runs: Sequence[Run], infos: Sequence[SplitInfo]) -> dict[str, Any]:
    """What the runs of all folds find together, every user counting once.

    Has model, settings, the folds' run_dirs and split_hashes, fit and evaluate (summed over folds),
    valid and test over the users of all folds, the same of twin and popularity, the lift over
    either on test, and `tested`: who was tested how often, in words.
    """
    pooled = {role: pooled_users(runs, role) for role in (RUN, TWIN, POPULARITY, BIAS)}
    ours = pooled.pop(RUN)
    assert ours is not None
    record = runs[0].record
    lifts = {
        "lift" if role == TWIN else f"lift_over_{role}": users and lift(ours[TEST], users[TEST])
        for role, users in pooled.items()
    }
    return {
        "model": record.model,
        "settings": record.settings,
        "dataset_hash": record.dataset_hash,
        "split_hash": [run.record.split_hash for run in runs],
        "run_dir": [str(run.folder) for run in runs],
        "folds": len(runs),
        "kind": infos[0].kind,
        "tested": tested_words(infos),
        "fit": _summed([run.record.fit for run in runs]),
        "evaluate": _summed([run.record.evaluate or {} for run in runs]),
        **_figures(ours),
        **{role: users and _figures(users) for role, users in pooled.items()},
        **lifts,
    }


def pooled_users(runs: Sequence[Run], role: str) -> dict[str, pd.DataFrame] | None:
    """Metrics by part of the users of all folds; None where a fold has no such contender."""
    found = [run if role == RUN else getattr(run, role) for run in runs]
    if any(side is None for side in found):
        return None
    return {part: pooled([side.metrics(part) for side in found]) for part in PARTS}


def pooled(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One row per user: the mean of each metric over the folds that tested them.

    Users are numbered alike in every fold. Folds in which a user has no figure are left out. Errors
    of ratings are pooled over the user's ratings of all folds, of RMSE the root of mean squares.
    """
    rows = pd.concat(frames, ignore_index=True)
    by = rows[USER].to_numpy()
    found = rows.groupby(USER).mean()
    if RATINGS in rows:
        ratings = rows[RATINGS].groupby(by).sum()
        for metric in (metric for metric in ERRORS if metric in rows):
            power = 1 if metric == MAE else 2
            total = (rows[metric] ** power * rows[RATINGS]).groupby(by).sum()
            found[metric] = (total / ratings.where(ratings > 0)) ** (1 / power)
        found[RATINGS] = ratings
    return found.reset_index().astype({USER: np.int32})


def tested_words(infos: Sequence[SplitInfo]) -> str:
    """Who was tested how often in these folds, and how a user counts, in sentences."""
    rows = sum(info.counts["target_test"] for info in infos)
    if infos[0].kind == COLD_FOLD:
        return f"{len(infos)} folds tested every shared user once, without target history."
    return (
        f"{len(infos)} folds tested {count(rows, 'row')}, each once. A user counts once, by the "
        "mean over their folds, and the interval is over users."
    )


def _figures(users: dict[str, pd.DataFrame]) -> dict[str, Any]:
    return {part: summarise(frame) for part, frame in users.items()}


def _summed(costs: list[dict[str, float]]) -> dict[str, float]:
    """Seconds added up over the folds, and the highest peak of memory."""
    total = {name: round(sum(cost[name] for cost in costs), 3) for name in costs[0]}
    return total | {"peak_rss_mib": max(cost["peak_rss_mib"] for cost in costs)}


def _trained(plans: Sequence[RunPlan], workspace: Workspace, report: Report) -> list[Run]:
    runs = []
    for fold, plan in enumerate(plans, 1):
        prefix = f"fold {fold} of {len(plans)}: "
        runs.append(read_run(train_run(plan, workspace, _prefixed(report, prefix))))
        if not runs[-1].complete:
            raise Cancelled
    return runs


def _prefixed(report: Report, prefix: str) -> Report:
    return lambda progress: report(replace(progress, stage=prefix + progress.stage))


# The folds of a split: which there are, which runs are of them, and a job that trains the rest.


@dataclass(frozen=True)
class Family:
    """The folds that belong together: one number each, of one draw."""

    infos: dict[int, SplitInfo]  # by number, those that were made
    folds: int  # how many there are

    @property
    def whole(self) -> bool:
        """Whether every fold was made."""
        return len(self.infos) == self.folds


def family_of(info: SplitInfo, infos: Iterable[SplitInfo]) -> Family | None:
    """The folds that this split is one of; None for a split of another kind."""
    if info.kind not in FOLDS:
        return None
    mine = {int(one.settings["fold"]): one for one in infos if _draw(one) == _draw(info)}
    return Family(dict(sorted(mine.items())), int(info.settings["folds"]))


def _draw(info: SplitInfo) -> tuple[Any, ...]:
    settings = {name: value for name, value in info.settings.items() if name != "fold"}
    return info.kind, info.seed, info.dataset_hash, settings


def runs_of(family: Family, run: Run, runs: Iterable[Run]) -> list[Run]:
    """The newest whole run alike to this one on each fold, in the order of the folds."""
    found: dict[str, Run] = {}
    for other in sorted([*runs], key=lambda one: one.record.created):
        if other.complete and _told(other) == _told(run):
            found[other.record.split_hash] = other
    hashes = [info.split_hash for info in family.infos.values()]
    return [found[one] for one in hashes if one in found]


def _told(run: Run) -> list[tuple[Any, ...]]:
    """What decides a run and its twin, the split apart."""
    sides = [side.record for side in (run, run.twin) if side is not None]
    return [(record.model, record.settings, record.seed) for record in sides]


def folds_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Train a plan on every fold of its split, those apart that have such a run already.

    payload: a RunPlan as plain values; folds that were not made yet are made of their pair. Raises
    RunError where its split is no fold, or a fold is missing and its pair is gone.
    """
    plan = RunPlan.from_dict({key: payload[key] for key in payload if key != "resume"})
    info = read_info(workspace.splits / plan.split)
    family = family_of(info, _infos(workspace))
    if family is None:
        raise RunError(
            what=f"A {info.kind} split is no fold of others.",
            hint="Make a fold of rows or a cold-start fold under Data, Split, and train on it.",
        )
    if not family.whole:
        pair = workspace.pairs / info.dataset_hash
        if not pair.exists():
            raise RunError(
                what=f"Only {len(family.infos)} of {family.folds} folds are in this workspace, and "
                "the pair they were made of is not.",
                hint="Give its files to `python -m core run --folds`, or import them again.",
            )
        split_folds(pair, SplitSettings.of(info.settings), info.seed, workspace.splits)
        family = family_of(info, _infos(workspace)) or family
    ours = {one.split_hash for one in family.infos.values()}
    there = {
        run.record.split_hash: run
        for run in list_runs(workspace)
        if run.record.split_hash in ours and _is_of(run, plan)
    }
    missing = [
        replace(plan, split=one.split_hash)
        for one in family.infos.values()
        if one.split_hash not in there
    ]
    made = _trained(missing, workspace, report)
    return {"runs": [*(run.id for run in there.values()), *(run.id for run in made)]}


def _infos(workspace: Workspace) -> list[SplitInfo]:
    return [read_info(path) for path in workspace.splits.glob("*") if not path.suffix]


def _is_of(run: Run, plan: RunPlan) -> bool:
    """Whether a run is what the plan asks for, on whichever fold."""
    card, record = run.card, run.record
    own = card.settings.of(plan.settings).to_dict()
    same = (record.model, record.settings, record.seed) == (plan.model, own, plan.seed)
    return same and run.complete and (not card.has_twin or run.twin is not None)
