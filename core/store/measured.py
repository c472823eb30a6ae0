"""What is measured of a run after it was made, kept in its folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.basics.columns import PART, SHARE, TEST, USER, VALID
from core.basics.errors import DataError
from core.basics.files import read_json, read_record, whole_folder, write_json
from core.store.run_folder import METRICS, RECORD, Run, check_there

T = TypeVar("T")


def write_beside(run: Run, name: str, record: dict[str, Any], rows: list[pd.DataFrame]) -> Path:
    """Keep `name`.json and the metrics in a folder of the run; what was kept before goes.

    rows: per-user frames with their PART and what tells them apart. Raises RunError for a run that
    was deleted since.
    """
    check_there(run)
    folder = run.folder / name
    with whole_folder(folder, beside=run.folder / RECORD, anew=True) as part_folder:
        pd.concat(rows).to_parquet(part_folder / METRICS, index=False)
        write_json(part_folder / f"{name}.json", record)
    return folder


def read_beside(run: Run, name: str, kind: type[T], by: str) -> T | None:
    """The record; None where nobody asked for it, and where it is damaged or its metrics are.

    by: the column that tells the metrics apart. What is damaged can be measured again.
    """
    record = read_record(run.folder / name / f"{name}.json", kind)
    return record if record is not None and _has_metrics(run, name, by) else None


def _has_metrics(run: Run, name: str, by: str) -> bool:
    """Whether the metrics beside a run have its headline metric, and numbers in every column."""
    try:
        kinds = pq.read_schema(run.folder / name / METRICS)
    except (OSError, ValueError):
        return False
    numbers = all(
        pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
        for column in kinds
        if column.name != PART
    )
    return numbers and {PART, USER, by, run.card.task.metric} <= set(kinds.names)


def is_damaged(run: Run, name: str, kind: type, by: str) -> bool:
    """Whether something was kept that cannot be read any more."""
    kept = (run.folder / name).exists()
    return kept and read_beside(run, name, kind, by) is None


def metrics_beside(run: Run, name: str, part: str, by: str) -> dict[Any, pd.DataFrame]:
    """Per-user frames of a part by the values of a column; none where nothing whole was kept."""
    if not _has_metrics(run, name, by):
        return {}
    try:
        rows = pd.read_parquet(run.folder / name / METRICS, filters=[(PART, "==", part)])
    except (OSError, ValueError):
        return {}
    if rows.duplicated([by, USER]).any():
        return {}
    return {
        value: frame.drop(columns=[PART, by]).sort_values(USER, ignore_index=True)
        for value, frame in rows.groupby(by)
    }


# A run's twin trained again, kept beside the run: its metrics per user, for the noise floor.

RESEED_FOLDER, RESEED_RECORD, REPEAT = "reseeded", "reseeded.json", "repeat"
BY_SEED, BY_USERS = "seed", "users"  # what was drawn anew


@dataclass(frozen=True)
class Reseeded:
    """How the twin was trained again: with other seeds, or on users drawn anew."""

    how: str
    seeds: list[int]
    wall_seconds: float


def write_reseeded(run: Run, info: Reseeded, metrics: dict[str, list[pd.DataFrame]]) -> Path:
    """Keep the metrics of every repeat by part; what was kept before goes.

    Raises RunError for a run that was deleted since.
    """
    rows = [
        frame.assign(**{PART: part, REPEAT: repeat})
        for part, frames in metrics.items()
        for repeat, frame in enumerate(frames)
    ]
    return write_beside(run, RESEED_FOLDER, asdict(info), rows)


def read_reseeded(run: Run) -> Reseeded | None:
    """What was measured; None where nobody asked for it, or it is damaged."""
    return read_beside(run, RESEED_FOLDER, Reseeded, REPEAT)


def reseeded_is_damaged(run: Run) -> bool:
    """Whether a noise floor was kept that cannot be read any more."""
    return is_damaged(run, RESEED_FOLDER, Reseeded, REPEAT)


def reseeded_metrics(run: Run, part: str) -> list[pd.DataFrame]:
    """One per-user frame per repeat, as `Run.metrics` gives them; none where nothing was kept."""
    return list(metrics_beside(run, RESEED_FOLDER, part, REPEAT).values())


# Placebos of a run: its model trained on the source dealt to other people, metrics per user.

PLACEBO_FOLDER, PLACEBO_RECORD, DEAL = "placebo", "placebo.json", "deal"


@dataclass(frozen=True)
class Placebos:
    """How the placebos were made; metrics are kept apart, a frame per deal."""

    deals: list[int]  # the seed of every deal
    seconds: float  # wall seconds of all deals, evaluation included
    cpu_seconds: float  # of the fits of all deals
    evaluation_cpu_seconds: float = 0.0  # of their evaluation on both parts


def write_placebos(run: Run, info: Placebos, metrics: dict[str, list[pd.DataFrame]]) -> Path:
    """Keep the metrics of every deal by part, in the order of `info.deals`; older ones go.

    Raises RunError for a run that was deleted since.
    """
    rows = [
        frame.assign(**{PART: part, DEAL: deal})
        for part, frames in metrics.items()
        for deal, frame in zip(info.deals, frames, strict=True)
    ]
    return write_beside(run, PLACEBO_FOLDER, asdict(info), rows)


def read_placebos(run: Run) -> Placebos | None:
    """What was made; None where nobody asked for it, or it is damaged."""
    return read_beside(run, PLACEBO_FOLDER, Placebos, DEAL)


def placebos_are_damaged(run: Run) -> bool:
    """Whether placebos were kept that cannot be read any more, or not of both parts."""
    kept = (run.folder / PLACEBO_FOLDER).exists()
    return kept and not all(placebo_metrics(run, part) for part in (VALID, TEST))


def placebo_metrics(run: Run, part: str) -> list[pd.DataFrame]:
    """One per-user frame per deal, as `Run.metrics` gives them; none where none is whole."""
    if read_placebos(run) is None:
        return []
    return list(metrics_beside(run, PLACEBO_FOLDER, part, DEAL).values())


# An overlap-sensitivity curve kept beside its run: metrics per user at every share kept.

OVERLAP_FOLDER, OVERLAP_RECORD = "overlap", "overlap.json"


@dataclass(frozen=True)
class OverlapInfo:
    """How the curve was made."""

    shared: int  # users with both histories in training
    kept: list[int]  # of them, by share
    shares: list[float]  # below 1 (the run); 0 is nobody linked, in older curves not measured
    seed: int
    wall_seconds: float


def write_overlap(
    run: Run, info: OverlapInfo, metrics: dict[float, dict[str, pd.DataFrame]]
) -> Path:
    """Keep the metrics of every share by part; what was kept before goes.

    Raises RunError for a run that was deleted since.
    """
    rows = [
        frame.assign(**{PART: part, SHARE: share})
        for share, parts in metrics.items()
        for part, frame in parts.items()
    ]
    return write_beside(run, OVERLAP_FOLDER, asdict(info), rows)


def read_overlap(run: Run) -> OverlapInfo | None:
    """What was measured; None where nobody asked for it, or it is damaged."""
    return read_beside(run, OVERLAP_FOLDER, OverlapInfo, SHARE)


def overlap_is_damaged(run: Run) -> bool:
    """Whether a curve was kept that cannot be read any more."""
    return is_damaged(run, OVERLAP_FOLDER, OverlapInfo, SHARE)


def overlap_metrics(run: Run, part: str) -> dict[float, pd.DataFrame]:
    """Per-user frames by share, from 0 (nobody linked) to 1 (the run's own)."""
    less = {
        float(str(share)): frame
        for share, frame in metrics_beside(run, OVERLAP_FOLDER, part, SHARE).items()
    }
    return less | {1.0: run.metrics(part)}


# Looks at the test users: every point of the weights that was tested is written down.

LOOKS = "looks.json"

Point = dict[str, Any]  # plain values: weights, kind, scale, k


def looks(run: Run) -> list[Point]:
    """Points whose test figures were shown so far, the first one first."""
    path = run.folder / LOOKS
    if not path.exists():
        return []
    try:
        kept = read_json(path)
    except DataError:
        return []  # a broken count must not hide the run
    return [point for point in kept if isinstance(point, dict)] if isinstance(kept, list) else []


def count_look(run: Run, point: Point) -> int:
    """Write the point down unless it is there, and answer how many there are.

    Raises RunError for a run that was deleted since.
    """
    points = looks(run)
    if point not in points:
        points.append(point)
        check_there(run)
        write_json(run.folder / LOOKS, points, beside=run.folder / RECORD)
    return len(points)
