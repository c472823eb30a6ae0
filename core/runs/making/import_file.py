"""The import of one uploaded file as a job, and the place where uploads wait for it."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import IO, Any

from core.basics.errors import JobError
from core.basics.progress import Report
from core.basics.workspace import Workspace
from core.data.reading.ingest import import_file, is_in_folder
from core.data.reading.options import ReadOptions
from core.jobs.supervisor import sweep_uploads

UPLOAD = "upload"  # every staged file is called this, whatever it was called outside
_CHUNK = 8 << 20  # bytes


def stage_upload(workspace: Workspace, upload: IO[bytes]) -> Path:
    """A copy of an upload in a folder with a random name; the uploaded name is no part of it.

    The folder's name ends in the number of the process that waits for it. Uploads that nobody
    imported are removed first.
    """
    sweep_uploads(workspace)
    folder = workspace.uploads / f"{secrets.token_hex(8)}.{os.getpid()}"
    folder.mkdir(parents=True)
    upload.seek(0)
    try:
        with (folder / UPLOAD).open("wb") as file:
            shutil.copyfileobj(upload, file, _CHUNK)
    except OSError:  # a full disk: what was written so far would keep it full
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder / UPLOAD


def discard_upload(workspace: Workspace, staged: Path) -> None:
    """Remove a staged upload; anything else is left alone."""
    if _is_staged(workspace, staged):
        shutil.rmtree(staged.parent, ignore_errors=True)


def import_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Import a staged upload, or a file of the import folder; answers its counts and hash.

    payload: `path` of the file, `options` as of ReadOptions.to_dict, `name` it was uploaded as.
    An upload is removed when the dataset is there; after an error it stays, to be tried again.
    """
    path = waiting_file(workspace, payload["path"])
    options = ReadOptions.of(payload["options"])
    done = import_file(path, options, workspace.datasets, report, name=payload.get("name", ""))
    discard_upload(workspace, path)
    return done.to_dict()


def waiting_file(workspace: Workspace, path: str) -> Path:
    """The staged upload or file of the import folder; raises JobError for any other path."""
    file = Path(path)
    if not (_is_staged(workspace, file) and file.is_file()) and not is_in_folder(file):
        raise JobError(what="The uploaded file is gone.", hint="Choose it again on its page.")
    return file


def _is_staged(workspace: Workspace, file: Path) -> bool:
    return file.name == UPLOAD and file.parent.parent.resolve() == workspace.uploads.resolve()
