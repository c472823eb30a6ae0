"""How much a run owes to its shared users: trained again with only a share of them known."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, diags, vstack

from core.basics.columns import TEST
from core.basics.errors import RunError
from core.basics.files import still_there
from core.basics.progress import Report
from core.basics.types import IdMap, IntArray
from core.basics.workspace import Workspace
from core.data.pair import DomainPair
from core.data.snapshot import Split, read_snapshot
from core.evaluation.overlap_curve import overlap_rows
from core.evaluation.segments import user_segments
from core.runs.retrain import retrain
from core.runs.seeds import check_trained
from core.store.measured import OverlapInfo, overlap_metrics, write_overlap
from core.store.run_folder import RECORD, Run, read_run

SHARES = (0.25, 0.5, 0.75)  # trained again; nobody known is the twin, everybody the run itself
FEWEST_SHARED = 20  # users without whom there is nothing to leave out


def overlap_payload(run_id: str, seed: int = 0) -> dict[str, Any]:
    """What a job of kind "overlap" is given; equal payloads are one job."""
    return {"run_id": run_id, "seed": seed}


def overlap_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Measure the curve of the payload's run and keep it beside the run."""
    run = read_run(workspace.runs / payload["run_id"])
    split = read_snapshot(workspace.splits / run.record["split_hash"])
    with still_there(run.folder / RECORD):
        info = measure_overlap(run, split, payload["seed"], report)
    return {"run": run.id, "shared": info.shared}


def measure_overlap(run: Run, split: Split, seed: int, report: Report) -> OverlapInfo:
    """Train the run again at every share of SHARES; the users kept at a share are kept at more.

    Raises RunError for a run that cannot be trained again or a pair with too few shared users.
    """
    check_trained(run)
    started, train = time.monotonic(), run.train_of(split)
    shared = np.random.default_rng(seed).permutation(np.flatnonzero(train.shared))
    if len(shared) < FEWEST_SHARED or not run.card.cross_domain:
        raise RunError(
            what=f"There is no curve of {run.label}: {len(shared)} users are shared in training.",
            hint=f"It needs a cross-domain model and at least {FEWEST_SHARED} shared users.",
        )
    kept = [round(share * len(shared)) for share in SHARES]
    metrics = {}
    for share, n in zip(SHARES, kept, strict=True):
        stage = f"{share:.0%} of the shared users"
        less = unlinked(train, shared[n:])
        metrics[share] = retrain(run, split, less, run.record["seed"], report, stage)
    seconds = round(time.monotonic() - started, 1)
    info = OverlapInfo(len(shared), kept, list(SHARES), seed, seconds)
    write_overlap(run, info, metrics)
    return info


def unlinked(train: DomainPair, users: IntArray) -> DomainPair:
    """The pair in which nobody knows that these users are the same in both domains.

    Their source histories stay in the training data, as those of strangers at the end of the user
    list; they themselves keep their target history alone.
    """
    linked = np.ones(len(train.users), dtype=np.float32)
    linked[users] = 0.0
    stay: csr_matrix = (diags(linked) @ train.source).tocsr()
    stay.eliminate_zeros()
    strangers = np.array([f"{name}, unlinked" for name in train.users.ids[users]], dtype=object)
    nothing = csr_matrix((len(users), train.target.shape[1]), dtype=train.target.dtype)
    return replace(
        train,
        users=IdMap(np.concatenate([train.users.ids, strangers])),
        source=vstack([stay, train.source[users]], format="csr").astype(train.source.dtype),
        target=vstack([train.target, nothing], format="csr").astype(train.target.dtype),
    )


def overlap_answer(run: Run, split: Split, info: OverlapInfo) -> dict[str, Any]:
    """The curve as plain values: nDCG@10, or RMSE, by share, for all test users and cold ones."""
    metric = "rmse" if run.card.task == "rating" else "ndcg@10"
    segments = user_segments(split.train)
    rows = overlap_rows(overlap_metrics(run, TEST), segments, metric)
    rows = rows.astype(object).where(rows.notna(), None)
    curve = rows.to_dict("records")
    return {"run": run.id, "metric": metric, "shared": info.shared, "curve": curve}
