"""Jobs that prepare data: make a pair, check it, split it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from core.basics.errors import DataError, JobError
from core.basics.files import still_there
from core.basics.progress import Progress, Report
from core.basics.workspace import Workspace
from core.data.build_pair import build_pair
from core.data.checks.quality import check_pair
from core.data.database import in_memory
from core.data.pair_folder import (
    RECORD,
    PairInfo,
    PairInputs,
    PairSettings,
    inputs_of,
    read_pair_info,
)
from core.data.profile import pair_figures
from core.data.reading.ingest import import_file, is_in_folder
from core.data.reading.options import RECORD as DATASET_RECORD
from core.data.reading.options import ReadOptions
from core.data.splitting import SplitSettings, split_pair
from core.jobs.supervisor import sweep_uploads

if TYPE_CHECKING:
    from core.data.database import Connection

FILES = ("source", "target", "items_source", "items_target", "links", "triples")


def pair_payload(
    workspace: Workspace, inputs: PairInputs, settings: PairSettings
) -> dict[str, Any]:
    """What `pair_job` needs to know, as plain values; paths are told from the workspace on."""
    files = {name: getattr(inputs, name) for name in FILES}
    told = {
        name: str(file.relative_to(workspace.root)) if file else None
        for name, file in files.items()
    }
    names = {"source_name": inputs.source_name, "target_name": inputs.target_name}
    return {"files": told, **names, "settings": settings.to_dict()}


def files_of(workspace: Workspace, payload: dict[str, Any]) -> tuple[PairInputs, PairSettings]:
    """What `pair_payload` was told."""
    files = {name: workspace.root / path for name, path in payload["files"].items() if path}
    names = {name: payload[name] for name in ("source_name", "target_name")}
    return PairInputs(**files, **names), PairSettings.of(payload["settings"])


def pair_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Make a pair of two imported datasets; answers {"pair": its hash}."""
    report(Progress(0, 1, "filtering and matching"))
    inputs, settings = files_of(workspace, payload)
    files = [workspace.root / path for path in payload["files"].values() if path]
    with _database(workspace) as connection, ExitStack() as datasets:
        for file in files:
            datasets.enter_context(still_there(file.parent / DATASET_RECORD))
        folder = build_pair(connection, inputs, settings, workspace.pairs)
    report(Progress(1, 1, "done"))
    return {"pair": folder.name}


def quality_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Check the pair named in the payload; answers {"pair": its hash, "lights": by question}."""
    folder = workspace.pairs / payload["pair"]
    info = read_pair_info(folder)  # where it is not there, that is what is said
    with _database(workspace) as connection, still_there(folder / RECORD):
        checks = check_pair(connection, folder, _inputs(workspace, info), report)
        pair_figures(connection, folder)  # kept with the pair: its page has them at once
    return {"pair": folder.name, "lights": {check.key: check.light for check in checks}}


def split_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Split the pair named in the payload; answers {"split": its hash}."""
    report(Progress(0, 1, "splitting"))
    settings = SplitSettings.of(payload["settings"])
    pair = workspace.pairs / payload["pair"]
    read_pair_info(pair)
    with still_there(pair / RECORD):
        folder = split_pair(pair, settings, payload["seed"], workspace.splits)
    report(Progress(1, 1, "done"))
    return {"split": folder.name}


def _inputs(workspace: Workspace, info: PairInfo) -> PairInputs | None:
    """The imported files of a pair, None where one was deleted since."""
    try:
        return inputs_of(workspace, info)
    except DataError:
        return None


@contextmanager
def _database(workspace: Workspace) -> Iterator[Connection]:
    connection = in_memory(workspace.root)
    try:
        yield connection
    finally:
        connection.close()


# The import of one uploaded file as a job, and the place where uploads wait for it.

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
    """Import a staged upload, or a file of the import folder, and return its counts and hash.

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
