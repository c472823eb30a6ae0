"""How much a run owes to its shared users: trained again with only a share of them known."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, diags, vstack

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, SHARE, TEST, USER, USERS
from core.basics.errors import RunError
from core.basics.files import still_there
from core.basics.progress import Report
from core.basics.types import IdMap, IntArray
from core.basics.workspace import Workspace
from core.data.pair import DomainPair
from core.data.snapshot import Split, read_snapshot
from core.evaluation.ratings import difference_intervals, intervals
from core.evaluation.segments import ALL_USERS, BINS, FEWEST, TARGET_HISTORY, user_segments
from core.metrics.registry import metric_card, metric_title
from core.runs.making.train_again import check_trained, retrain
from core.store.measured import OverlapInfo, overlap_metrics, write_overlap
from core.store.run_folder import RECORD, Run, read_run

SHARES = (0.0, 0.25, 0.5, 0.75)  # trained again; everybody known is the run itself
FEWEST_SHARED = 20  # users without whom there is nothing to leave out


def overlap_payload(run_id: str, seed: int = 0) -> dict[str, Any]:
    """What a job of kind "overlap" is given; equal payloads are one job."""
    return {"run_id": run_id, "seed": seed}


def overlap_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Measure the curve of the payload's run and keep it beside the run."""
    run = read_run(workspace.runs / payload["run_id"])
    split = read_snapshot(workspace.splits / run.record.split_hash)
    with still_there(run.folder / RECORD):
        info = measure_overlap(run, split, payload["seed"], report)
    return {"run": run.id, "shared": info.shared}


def measure_overlap(run: Run, split: Split, seed: int, report: Report) -> OverlapInfo:
    """Train the run again at every share of SHARES; the users kept at a share are kept at more.

    With nobody known the source histories still teach, as those of strangers, which the twin never
    sees; a model that learns from shared users alone has no such level. Raises RunError for a run
    that cannot be trained again or a pair with too few shared users.
    """
    check_trained(run)
    started, train = time.monotonic(), run.train_of(split)
    shared = np.random.default_rng(seed).permutation(np.flatnonzero(train.shared))
    if len(shared) < FEWEST_SHARED or not run.card.cross_domain:
        raise RunError(
            what=f"There is no curve of {run.label}: {len(shared)} users are shared in training.",
            hint=f"It needs a cross-domain model and at least {FEWEST_SHARED} shared users.",
        )
    shares = [share for share in SHARES if share or "shared users" not in run.card.needs]
    kept = [round(share * len(shared)) for share in shares]
    metrics = {}
    for share, n in zip(shares, kept, strict=True):
        stage = f"{share:.0%} of the shared users"
        less = unlinked(train, shared[n:])
        metrics[share] = retrain(run, split, less, run.record.seed, report, stage)
    seconds = round(time.monotonic() - started, 1)
    info = OverlapInfo(len(shared), kept, shares, seed, seconds)
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
    metric = run.card.task.metric
    segments = user_segments(split.train)
    twin = run.twin.metrics(TEST) if run.twin else None
    rows = overlap_rows(overlap_metrics(run, TEST), twin, segments, metric)
    rows = rows.astype(object).where(rows.notna(), None)
    curve = rows.to_dict("records")
    return {"run": run.id, "metric": metric, "shared": info.shared, "curve": curve}


# Quality against the share of shared users that training knew, for all users and cold ones.

COLD_USERS = "cold users"
TWIN = "twin"  # columns of the twin's level, and of what a share has over it
LIFT = "lift"
LIFT_LOW, LIFT_HIGH = "lift_low", "lift_high"
BAND_LOW, BAND_HIGH = "band_low", "band_high"  # lift and its interval on top of the twin's level


def overlap_rows(
    frames: Mapping[float, pd.DataFrame],
    twin: pd.DataFrame | None,
    segments: pd.DataFrame,
    metric: str,
) -> pd.DataFrame:
    """SEGMENT, SHARE, MEAN, LOW, HIGH, USERS, and LIFT over the TWIN's level with its interval.

    Where there is a twin, BAND_LOW and BAND_HIGH are the lift's interval around the level.

    frames: per-user metrics by share; twin: those of the twin, which knows no source at all. Groups
    of fewer than FEWEST users are left out.
    """
    cold = (segments[TARGET_HISTORY].astype("str") == BINS[0]).to_numpy()
    masks = {ALL_USERS: np.ones(len(cold), dtype=bool), COLD_USERS: cold}
    rows = []
    for name, mask in masks.items():
        chosen = {share: frame[mask[frame[USER]]] for share, frame in frames.items()}
        if len(chosen[1.0]) < FEWEST or (
            name == COLD_USERS and len(chosen[1.0]) == len(frames[1.0])
        ):
            continue
        without = None if twin is None else twin[mask[twin[USER]]]
        rows += [_row(name, share, frame, without, metric) for share, frame in chosen.items()]
    return pd.DataFrame(rows, columns=None if rows else [SEGMENT, SHARE, MEAN, LOW, HIGH, USERS])


def overlap_sentence(rows: pd.DataFrame, metric: str) -> str:
    """How much of the lift a quarter of the shared users carries, in one sentence."""
    everybody = rows[rows[SEGMENT] == ALL_USERS].set_index(SHARE)
    if everybody.empty:
        return f"Fewer than {FEWEST} users are evaluated: too few to say."
    if TWIN not in everybody:
        return "This model has no target-only twin: there is no level without the source."
    sign = 1 if metric_card(metric).higher_is_better else -1
    whole, quarter = everybody.loc[1.0], everybody.loc[0.25]
    better, worse = (LIFT_LOW, LIFT_HIGH) if sign > 0 else (LIFT_HIGH, LIFT_LOW)
    if sign * whole[better] > 0:
        if sign * quarter[better] > 0:
            return (
                f"A quarter of the shared users already lifts {metric_title(metric)} over the twin."
            )
        return f"{metric_title(metric)} needs more than a quarter of the shared users to rise."
    if sign * whole[worse] < 0:
        return f"The more shared users training knows, the worse {metric_title(metric)} gets."
    return f"No share of the shared users moves {metric_title(metric)} beyond user sampling."


def _row(
    name: str, share: float, frame: pd.DataFrame, twin: pd.DataFrame | None, metric: str
) -> dict[str, float | int | str]:
    level = intervals(frame, [metric])[0]
    row: dict[str, float | int | str] = {
        SEGMENT: name,
        SHARE: share,
        MEAN: level.mean,
        LOW: level.low,
        HIGH: level.high,
        USERS: level.users,
    }
    if twin is not None:
        gap = difference_intervals(frame, twin, [metric])[0]
        row |= {
            TWIN: intervals(twin, [metric])[0].mean,
            LIFT: gap.mean,
            LIFT_LOW: gap.low,
            LIFT_HIGH: gap.high,
        }
        row |= {
            BAND_LOW: level.mean - gap.mean + gap.low,
            BAND_HIGH: level.mean - gap.mean + gap.high,
        }
    return row
