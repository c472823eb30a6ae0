"""A run's twin trained again, kept beside the run: its metrics per user, for the noise floor."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from core.basics.columns import PART
from core.store.kept_beside import is_damaged, metrics_beside, read_beside, write_beside
from core.store.run_folder import Run

FOLDER, RECORD, REPEAT = "reseeded", "reseeded.json", "repeat"
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
    return write_beside(run, FOLDER, asdict(info), rows)


def read_reseeded(run: Run) -> Reseeded | None:
    """What was measured; None where nobody asked for it, or it is damaged."""
    return read_beside(run, FOLDER, Reseeded, REPEAT)


def reseeded_is_damaged(run: Run) -> bool:
    """Whether a noise floor was kept that cannot be read any more."""
    return is_damaged(run, FOLDER, Reseeded, REPEAT)


def reseeded_metrics(run: Run, part: str) -> list[pd.DataFrame]:
    """One per-user frame per repeat, as `Run.metrics` gives them; none where nothing was kept."""
    return list(metrics_beside(run, FOLDER, part, REPEAT).values())
