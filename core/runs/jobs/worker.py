"""The child that does one job: `python -m core.runs.jobs.worker WORKSPACE JOB_ID`.

Whatever happens ends in the job's row: the result, two sentences on why not, or that it was
cancelled. A traceback goes to the log, never to the row.
"""

from __future__ import annotations

import faulthandler
import importlib
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from core.basics.errors import CrosswalkError, JobError
from core.basics.files import is_disk_full, said_of_full
from core.basics.machine import limit_for
from core.basics.progress import Cancelled, Report
from core.basics.workspace import Workspace
from core.jobs.reporter import JobReporter
from core.jobs.supervisor import DISK_FULL
from core.jobs.table import Job, read_job

# What each kind of job does: a function by name, loaded by the child that needs it.

Work = Callable[[Workspace, dict[str, Any], Report], dict[str, Any]]

KINDS: dict[str, str] = {
    "import": "core.runs.jobs.data_jobs.import_job",
    "pair": "core.runs.jobs.data_jobs.pair_job",
    "quality": "core.runs.jobs.data_jobs.quality_job",
    "split": "core.runs.jobs.data_jobs.split_job",
    "train": "core.runs.making.make_run.train_job",
    "folds": "core.runs.making.folds.folds_job",
    "search": "core.runs.search.run.search_job",
    "trial": "core.runs.search.study.trial_job",
    "timing": "core.runs.making.estimate.timing_job",
    "reseed": "core.runs.studies.noise.reseed_job",
    "placebo": "core.runs.studies.placebo.placebo_job",
    "overlap": "core.runs.studies.overlap.overlap_job",
    "blend": "core.runs.making.blend.blend_job",
    "route": "core.runs.making.route.route_job",
    "upload": "core.runs.making.uploaded.upload_job",
    "compress": "core.runs.making.compress.compress_job",
    "map": "core.runs.jobs.maps.map_job",
    "texts": "core.runs.making.texts.texts_job",
    "asked": "core.runs.making.texts.asked_job",
    "text_map": "core.runs.jobs.maps.text_map_job",
    "export": "core.runs.explain.recommend.export_job",
    "faithfulness": "core.runs.explain.reasons.faithfulness_job",
    "devices": "core.runs.jobs.devices.devices_job",
    "demo": "core.runs.jobs.demo.demo_job",
    "transfer": "core.runs.answer.transfer_map.transfer_job",
    "serve": "core.runs.answer.serve.serve_job",
    "answer": "core.runs.answer.make_answer.answer_job",
}


def work_of(kind: str) -> Work:
    """The function a kind of job calls; raises JobError for a kind that is not listed."""
    if kind not in KINDS:
        raise JobError(
            what=f"There is no kind of job {kind!r}.", hint=f"Choose from {', '.join(KINDS)}."
        )
    module, _, name = KINDS[kind].rpartition(".")
    return cast(Work, getattr(importlib.import_module(module), name))


OPEN_STRANGERS = ("import", "upload")  # kinds of jobs that open a file from outside
RESUME = "resume"  # key of the payload that tells the work to go on from its checkpoint


def do(job: Job, reporter: JobReporter, work: Work | None = None) -> None:
    """Do a claimed job and write how it ended; work: what to call, by its kind if None."""
    payload = {**job.payload, RESUME: True} if job.resumed else job.payload
    try:
        result = (work or work_of(job.kind))(reporter.workspace, payload, reporter)
    except Cancelled:
        reporter.stop()
    except Exception as error:  # the last line of defence: a person reads two sentences
        with suppress(OSError):  # the log may stand on a full disk
            if isinstance(error, CrosswalkError):
                print(error, file=sys.stderr)
            else:
                traceback.print_exc()
        reporter.fail(*_sentences(error))
    else:
        reporter.finish(result)


def _sentences(error: Exception) -> tuple[str, str]:
    if full := said_of_full(error, "the job could not be done"):
        return full.what, full.hint
    if isinstance(error, CrosswalkError):
        return error.what, error.hint
    if isinstance(error, MemoryError):
        return "Memory ran out.", "Choose smaller settings or fewer items, or free some memory."
    if isinstance(error, OSError) and error.strerror:
        hint = "Check that the workspace is writable, then start it again."
        return f"A file could not be read or written ({error.strerror}).", hint
    return (
        f"The job met an error nobody foresaw ({type(error).__name__}).",
        "Its log has the details; start it again, or report it with the log.",
    )


def main(arguments: list[str]) -> None:
    """Claim the job and do it; nothing happens where it is not queued any more.

    Where a full disk does not even take the row that says how it ended, the exit code says so.
    """
    try:
        _claim_and_do(arguments)
    except JobError as error:
        if not is_disk_full(error):
            raise
        sys.exit(DISK_FULL)


def _claim_and_do(arguments: list[str]) -> None:
    faulthandler.enable()  # a crash in native code leaves its stack in the log
    workspace, job_id = Workspace(Path(arguments[0])), arguments[1]
    reporter = JobReporter(workspace, job_id)
    if not reporter.begin():
        return
    job = read_job(workspace, job_id)
    if job.kind in OPEN_STRANGERS:
        with suppress(OSError):  # a file that is gone is told by the job itself
            limit_for(Path(job.payload["path"]))
    do(job, reporter)


if __name__ == "__main__":
    main(sys.argv[1:])
