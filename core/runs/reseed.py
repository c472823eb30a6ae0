"""The noise floor of a run: its twin trained again, with nothing changed but chance."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import numpy as np

from core.basics.columns import TEST, VALID
from core.basics.errors import RunError
from core.basics.files import still_there
from core.basics.progress import Report
from core.basics.workspace import Workspace
from core.data.snapshot import Split, read_snapshot
from core.evaluation.noise_floor import floor_sentence, noise_floor
from core.runs.evidence import equal_twins
from core.runs.retrain import Metrics, asked_by_history, drawn_anew, retrain
from core.runs.seeds import check_trained
from core.store.measured import BY_SEED, BY_USERS, Reseeded, write_reseeded
from core.store.run_folder import RECORD, Run, read_run

REPEATS = 3  # of a model in closed form, which costs little; one of a model by gradients


def reseed_payload(run_id: str) -> dict[str, Any]:
    """What a job of kind "reseed" is given; equal payloads are one job."""
    return {"run_id": run_id}


def reseed_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Train the twin of the payload's run again and keep its metrics beside the run."""
    run = read_run(workspace.runs / payload["run_id"])
    split = read_snapshot(workspace.splits / run.record["split_hash"])
    with still_there(run.folder / RECORD):
        info = measure_noise(run, split, report)
    return {"run": run.id, "how": info.how}


def measure_noise(run: Run, split: Split, report: Report) -> Reseeded:
    """The twin again with other seeds; on users drawn anew where a seed changes nothing.

    Users and not interactions are drawn: every user is asked about with the whole history, so only
    what is learned from others differs. Raises RunError for a run without a twin or a training.
    """
    check_trained(run)
    if (twin := run.twin) is None:
        raise RunError(
            what=f"{run.label} has no target-only twin.",
            hint="Choose a run of a model that has one.",
        )
    started, first = time.monotonic(), twin.record["seed"] + 1
    repeats = 1 if twin.card.gradient else REPEATS
    seeds = list(range(first, first + repeats))
    train = twin.train_of(split)
    found = [retrain(twin, split, train, first, report, "twin again")]
    how = BY_USERS if _the_same(found[0], twin) else BY_SEED
    if how == BY_USERS:
        found = []
    for seed in seeds[len(found) :]:
        stage = f"twin again, {len(found) + 1} of {repeats}"
        if how == BY_SEED:
            found.append(retrain(twin, split, train, seed, report, stage))
        else:
            scorer = asked_by_history(train)
            drawn = drawn_anew(train, seed)
            found.append(retrain(twin, split, drawn, seed, report, stage, scorer))
    info = Reseeded(how, seeds, round(time.monotonic() - started, 1))
    write_reseeded(run, info, {part: [one[part] for one in found] for part in (VALID, TEST)})
    return info


def reseed_answer(run: Run, info: Reseeded) -> dict[str, Any]:
    """The noise floor on the test users as plain values: nDCG@10, or RMSE."""
    assert run.twin is not None
    metric = "rmse" if run.card.task == "rating" else "ndcg@10"
    frames = run.metrics(TEST), run.twin.metrics(TEST)
    floor = noise_floor(*frames, equal_twins(run, TEST), metric)
    said = asdict(floor) | {"says": floor_sentence(floor)}
    return {"run": run.id, "metric": metric, **asdict(info), **_without_nan(said)}


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    """The same with None for figures that are not known, ready for JSON."""
    return {
        name: _without_nan(value)
        if isinstance(value, dict)
        else None
        if isinstance(value, float) and np.isnan(value)
        else value
        for name, value in values.items()
    }


def _the_same(found: Metrics, twin: Run) -> bool:
    """Whether another seed gave every user exactly what the twin gave."""
    for part, frame in found.items():
        kept = twin.metrics(part)
        shared = [name for name in frame if name in kept]
        ours, theirs = (one[shared].to_numpy(np.float64) for one in (frame, kept))
        if ours.shape != theirs.shape or not np.allclose(ours, theirs, equal_nan=True):
            return False
    return True
