"""An overlap-sensitivity curve kept beside its run: metrics per user at every share kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from core.basics.columns import PART, SHARE
from core.store.kept_beside import is_damaged, metrics_beside, read_beside, write_beside
from core.store.run_folder import Run

FOLDER, RECORD = "overlap", "overlap.json"


@dataclass(frozen=True)
class OverlapInfo:
    """How the curve was made."""

    shared: int  # users with both histories in training
    kept: list[int]  # of them, by share
    shares: list[float]  # strictly between 0 (the twin) and 1 (the run)
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
    return write_beside(run, FOLDER, asdict(info), rows)


def read_overlap(run: Run) -> OverlapInfo | None:
    """What was measured; None where nobody asked for it, or it is damaged."""
    return read_beside(run, FOLDER, OverlapInfo, SHARE)


def overlap_is_damaged(run: Run) -> bool:
    """Whether a curve was kept that cannot be read any more."""
    return is_damaged(run, FOLDER, OverlapInfo, SHARE)


def overlap_metrics(run: Run, part: str) -> dict[float, pd.DataFrame]:
    """Per-user frames by share, from 0 (the twin's) to 1 (the run's own)."""
    between = {
        float(str(share)): frame
        for share, frame in metrics_beside(run, FOLDER, part, SHARE).items()
    }
    start = {0.0: run.twin.metrics(part)} if run.twin else {}
    return start | between | {1.0: run.metrics(part)}
