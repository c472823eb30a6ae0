"""Where everything an analyst makes is kept: one folder, one path per kind of thing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.basics.errors import DataError

VARIABLE = "CROSSWALK_WORKSPACE"
DEFAULT = Path(__file__).resolve().parents[2] / ".crosswalk"


@dataclass(frozen=True)
class Workspace:
    """Paths of one workspace; every folder in them is named by content hash or run id."""

    root: Path

    @classmethod
    def from_environment(cls) -> Workspace:
        """The folder named by CROSSWALK_WORKSPACE, else `.crosswalk` beside app.py."""
        return cls(Path(os.environ.get(VARIABLE) or DEFAULT).resolve())

    def make(self) -> None:
        """Make its folder where there is none; raises DataError where that cannot be."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                what=f"The workspace {self.root} cannot be a folder ({error.strerror}).",
                hint=f"Set {VARIABLE} to a folder that may be written.",
            ) from error

    @property
    def database(self) -> Path:
        """DuckDB file; the app process alone opens it."""
        return self.root / "crosswalk.duckdb"

    @property
    def jobs(self) -> Path:
        """SQLite file of the jobs."""
        return self.root / "jobs.sqlite"

    @property
    def reserve(self) -> Path:
        """Room set aside for the file of the jobs, given back where the disk is full."""
        return self.root / "jobs.reserve"

    @property
    def uploads(self) -> Path:
        """Staged uploads, one folder each, gone after import."""
        return self.root / "uploads"

    @property
    def datasets(self) -> Path:
        """Checked interactions or items of one uploaded file, Parquet, by content hash."""
        return self.root / "datasets"

    @property
    def pairs(self) -> Path:
        """Two domains after filters, Parquet, by dataset hash."""
        return self.root / "pairs"

    @property
    def splits(self) -> Path:
        """Snapshots a run reads: train, valid and test of one pair, by split hash."""
        return self.root / "splits"

    @property
    def runs(self) -> Path:
        """Trained models with metrics and candidates, by run id."""
        return self.root / "runs"

    @property
    def choices(self) -> Path:
        """Which run stands for a pair, one file by dataset hash."""
        return self.root / "choices"

    @property
    def answers(self) -> Path:
        """What was found about a pair, one file by dataset hash, made anew where it is gone."""
        return self.root / "answers"

    @property
    def checkpoints(self) -> Path:
        """Where unfinished trainings stand, one folder per plan, gone when the run is kept."""
        return self.root / "checkpoints"

    @property
    def searches(self) -> Path:
        """Searches for settings with every trial they made, one folder per search."""
        return self.root / "searches"

    @property
    def timings(self) -> Path:
        """What one step of a model takes here, one file per model, split and device."""
        return self.root / "timings"

    @property
    def maps(self) -> Path:
        """Two-dimensional maps, by content hash."""
        return self.root / "maps"

    @property
    def texts(self) -> Path:
        """Vectors of texts, one folder per encoder, by hash of the text."""
        return self.root / "texts"

    @property
    def attributes(self) -> Path:
        """Uploaded attributes of users, one folder per dataset hash, by content."""
        return self.root / "attributes"

    @property
    def exports(self) -> Path:
        """Everybody's lists as CSV, one file per run and weighting."""
        return self.root / "exports"

    @property
    def logs(self) -> Path:
        """What jobs printed, one file each."""
        return self.root / "logs"
