"""Which run stands for a pair: pinned by a person, else the best on validation once it was chosen.

Every page opens on it. A run that ends later never takes its place by itself, however good it is:
it is named beside it, and a person says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.basics.columns import HIGH, LOW, MEAN
from core.basics.errors import CrosswalkError
from core.basics.files import read_json, write_json
from core.basics.workspace import Workspace
from core.data.snapshot import NEW_ITEMS, read_info
from core.data.splitting import COLD_USERS, FOLDS
from core.metrics.registry import metric_card
from core.store.run_folder import Run, list_runs

SPECIAL = (COLD_USERS, *FOLDS, NEW_ITEMS)  # splits of some people, items or a turn of rows alone
_Z = 1.959964  # a 95 % interval is the mean and so many standard errors on either side


@dataclass(frozen=True)
class Standing:
    """The run that stands for a pair."""

    run: Run
    pinned: bool  # by a person
    better: Run | None  # a later run of the same split, beyond one standard error on validation


def standing(workspace: Workspace, dataset_hash: str, runs: Iterable[Run]) -> Standing | None:
    """Who stands for the pair among the workspace's runs; None where it has none.

    What was chosen is kept by `choose`; before that, or once the chosen run was deleted, it is the
    best there is.
    """
    mine = [run for run in runs if run.record.dataset_hash == dataset_hash]
    kept = _kept(workspace, dataset_hash)
    run = next((run for run in mine if run.id == kept.get("run")), None)
    if run is None:
        best = best_on_validation(workspace, mine)
        return None if best is None else Standing(best, pinned=False, better=None)
    later = [
        other
        for other in mine
        if other.record.created > kept["at"]
        and other.record.split_hash == run.record.split_hash
        and (other.twin is not None or run.twin is None)
    ]
    best = _best([run, *later])
    return Standing(run, kept["pinned"], None if best is run else best)


def choose(workspace: Workspace, run: Run, *, pinned: bool) -> None:
    """Let the run stand for its pair from now on."""
    path = _path(workspace, run.record.dataset_hash)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"run": run.id, "pinned": pinned, "at": time.time()})


def choose_best(workspace: Workspace, dataset_hash: str) -> Run | None:
    """Let the best run of the pair stand for it, unless a person or an earlier choice said so."""
    runs = list_runs(workspace)
    found = standing(workspace, dataset_hash, runs)
    if found is None:
        return None
    if _kept(workspace, dataset_hash).get("run") != found.run.id:
        choose(workspace, found.run, pinned=False)
    return found.run


def best_on_validation(workspace: Workspace, runs: Iterable[Run]) -> Run | None:
    """The run that answers best whether the source helps; None where there are no runs.

    It has a twin if any has, ranks if any does, and stands on a split of everybody rather than of
    cold users or new items alone. Of these, on the split with the most runs (of equals the older),
    the best on validation users: see `within_one_error`.
    """
    left = list(runs)
    for prefers in (
        lambda run: run.twin is not None,
        lambda run: not run.card.task.rates,
        lambda run: not _is_special(workspace, run.record.split_hash),
        lambda run: run.complete,
    ):
        left = [run for run in left if prefers(run)] or left
    if not left:
        return None
    splits = [run.record.split_hash for run in sorted(left, key=lambda run: run.record.created)]
    main = max(dict.fromkeys(splits), key=splits.count)
    return _best([run for run in left if run.record.split_hash == main])


def _best(runs: list[Run]) -> Run:
    """Of the runs within one standard error of the best on validation, the simplest.

    Breiman et al.: Classification and regression trees, 1984, section 3.4.3. Simpler is a run
    whose score has parts, then one that was there before.
    """
    best = max(runs, key=_quality)
    error = _standard_error(best)
    near = [run for run in runs if _quality(run) >= _quality(best) - error]
    return min(near, key=lambda run: (not run.card.additive, run.record.created))


def _quality(run: Run) -> float:
    """The task's metric on validation users, larger being better; the least without one."""
    metric = run.card.task.metric
    mean = run.record.valid.get(metric, {}).get(MEAN)
    if mean is None:
        return float("-inf")
    return float(mean) if metric_card(metric).higher_is_better else -float(mean)


def _standard_error(run: Run) -> float:
    figure = run.record.valid.get(run.card.task.metric, {})
    low, high = figure.get(LOW), figure.get(HIGH)
    return 0.0 if low is None or high is None else float(high - low) / (2 * _Z)


def _is_special(workspace: Workspace, split_hash: str) -> bool:
    try:
        return read_info(workspace.splits / split_hash).kind in SPECIAL
    except CrosswalkError:  # its data are not here: nothing tells that it is
        return False


def _kept(workspace: Workspace, dataset_hash: str) -> dict:
    """What was chosen: run, pinned and at (seconds since 1970); {} where nothing readable is."""
    with suppress(CrosswalkError, OSError):
        kept = read_json(_path(workspace, dataset_hash))
        if isinstance(kept, dict) and isinstance(kept.get("at"), int | float):
            return {"pinned": kept.get("pinned") is True} | {n: kept.get(n) for n in ("run", "at")}
    return {}


def _path(workspace: Workspace, dataset_hash: str) -> Path:
    return workspace.choices / f"{dataset_hash}.json"
