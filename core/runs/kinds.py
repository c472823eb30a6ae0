"""What each kind of job does: a function by name, loaded by the child that needs it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, cast

from core.basics.errors import JobError
from core.basics.progress import Report
from core.basics.workspace import Workspace

Work = Callable[[Workspace, dict[str, Any], Report], dict[str, Any]]

KINDS: dict[str, str] = {
    "import": "core.runs.import_file.import_job",
    "pair": "core.runs.prepare.pair_job",
    "quality": "core.runs.prepare.quality_job",
    "split": "core.runs.prepare.split_job",
    "train": "core.runs.train.train_job",
    "search": "core.runs.search.search_job",
    "trial": "core.runs.search_trial.trial_job",
    "timing": "core.runs.timing.timing_job",
    "reseed": "core.runs.reseed.reseed_job",
    "overlap": "core.runs.overlap.overlap_job",
    "blend": "core.runs.blend.blend_job",
    "upload": "core.runs.uploaded.upload_job",
    "compress": "core.runs.compress.compress_job",
    "map": "core.runs.map_job.map_job",
    "texts": "core.runs.texts.texts_job",
    "asked": "core.runs.texts.asked_job",
    "text_map": "core.runs.map_job.text_map_job",
    "export": "core.runs.export.export_job",
    "faithfulness": "core.runs.faithfulness.faithfulness_job",
    "devices": "core.runs.devices.devices_job",
    "demo": "core.runs.demo.demo_job",
}


def work_of(kind: str) -> Work:
    """The function a kind of job calls; raises JobError for a kind that is not listed."""
    if kind not in KINDS:
        raise JobError(
            what=f"There is no kind of job {kind!r}.", hint=f"Choose from {', '.join(KINDS)}."
        )
    module, _, name = KINDS[kind].rpartition(".")
    return cast(Work, getattr(importlib.import_module(module), name))
