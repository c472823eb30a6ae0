"""What killed processes left in a workspace: half-written files, uploads, old checkpoints."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path

from core.basics.errors import JobError
from core.basics.files import left_behind, remove, writer_lives
from core.basics.workspace import Workspace
from core.jobs.job import DONE
from core.jobs.table import list_jobs

DAYS_KEPT = 30  # a killed training can be resumed for so long
HOURS_WAITING = 48  # an upload that nobody imported is forgotten after so long
_STAGED_BY = re.compile(r"\.(\d+)$")  # the app that took the upload up, in the folder's name


def sweep(workspace: Workspace) -> list[Path]:
    """Remove what nobody works on or waits for any more; answers what was removed.

    That is: parts whose writer is gone, checkpoints of long ago, and uploads of an app that is
    gone, unless a job still names them. Done when the app starts and before jobs are run.
    """
    doomed = [*left_behind(workspace.root), *_old_checkpoints(workspace)]
    for path in doomed:
        remove(path)
    return [*doomed, *sweep_uploads(workspace)]


def sweep_uploads(workspace: Workspace) -> list[Path]:
    """Remove uploads that nobody will import; answers what was removed."""
    doomed = []
    wanted = _named_by_jobs(workspace)
    if wanted is None:
        return []  # without the list of jobs nobody knows what is waited for
    for path in workspace.uploads.glob("*"):
        with suppress(FileNotFoundError):  # its import has just ended
            old = time.time() - path.stat().st_mtime > HOURS_WAITING * 3600
            writer = _STAGED_BY.search(path.name)
            gone = writer is not None and not writer_lives(path, int(writer.group(1)))
            if path.name not in wanted and (old or gone):
                doomed.append(path)
    for path in doomed:
        remove(path)
    return doomed


def _old_checkpoints(workspace: Workspace) -> list[Path]:
    oldest = time.time() - DAYS_KEPT * 86_400
    return [
        folder
        for folder in workspace.checkpoints.glob("*")
        if max((file.stat().st_mtime for file in folder.rglob("*")), default=0.0) < oldest
    ]


def _named_by_jobs(workspace: Workspace) -> set[str] | None:
    """Folders of uploads that a job waits for or failed at, to be tried again."""
    try:
        jobs = list_jobs(workspace, limit=1000)
    except JobError:
        return None
    paths = [job.payload.get("path") for job in jobs if job.status != DONE]
    return {Path(path).parent.name for path in paths if isinstance(path, str)}
