"""A run as one file: tensors, JSON, Parquet and id maps in a zip, read back with care."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from core.basics.errors import CrosswalkError, RunError
from core.basics.files import whole_folder, write_whole
from core.basics.workspace import Workspace
from core.store import measured
from core.store.run_check import check_run
from core.store.run_folder import (
    LABEL,
    METRICS,
    RECORD,
    WEIGHTS,
    Run,
    is_run_id,
    read_record,
    read_run,
)

IDS = "ids"  # folder of the id maps inside a bundle
_ID_FILES = ("users.parquet", "items_source.parquet", "items_target.parquet", "split.json")
_RUN_FILES = (
    RECORD,
    WEIGHTS,
    METRICS,
    LABEL,
    "candidates_valid.parquet",
    "candidates_test.parquet",
    "lists_valid.parquet",
    "lists_test.parquet",
    "predictions_valid.parquet",
    "predictions_test.parquet",
)
_EVIDENCE = {
    measured.RESEED_FOLDER: measured.RESEED_RECORD,
    measured.OVERLAP_FOLDER: measured.OVERLAP_RECORD,
    measured.PLACEBO_FOLDER: measured.PLACEBO_RECORD,
}
_FOLDERS = ("", "twin/", "popularity/", "bias/")
_ALLOWED = {f"{folder}{name}" for folder in _FOLDERS for name in _RUN_FILES} | {
    f"{IDS}/{name}" for name in _ID_FILES
}
_ALLOWED |= {f"{folder}/{METRICS}" for folder in _EVIDENCE} | {
    f"{folder}/{record}" for folder, record in _EVIDENCE.items()
}
_LARGEST = 20 * 1024**3  # bytes unpacked


def export_run(run: Run, snapshot: Path, path: Path) -> Path:
    """Write the run, its twin and its id maps as one zip file at `path`.

    Where the snapshot is not in the workspace, the id maps that came with the run are used.
    """
    ids = snapshot if snapshot.exists() else run.folder / IDS
    files = {name: run.folder / name for name in sorted(_ALLOWED) if not name.startswith(IDS)}
    files |= {f"{IDS}/{name}": ids / name for name in _ID_FILES}

    def write(part: Path) -> None:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as bundle:
            for name, file in files.items():
                if file.exists():
                    bundle.write(file, f"{run.id}/{name}")

    return write_whole(path, write)


def import_run(workspace: Workspace, path: Path) -> Run:
    """Unpack a bundle into the workspace and answer its run; one that is there already is kept.

    Raises RunError for a file that is no bundle, is damaged, or holds anything else.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            # The one folder name of the bundle, after every entry was found harmless
            names = [PurePosixPath(entry.filename) for entry in bundle.infolist()]
            ids = {name.parts[0] for name in names if name.parts}
            strangers = [
                n for n in names if "/".join(n.parts[1:]) not in _ALLOWED or ".." in n.parts
            ]
            size = sum(entry.file_size for entry in bundle.infolist())
            if len(ids) != 1 or strangers or size > _LARGEST or not all(map(is_run_id, ids)):
                raise RunError(
                    what="This file holds something else than one run.",
                    hint="Choose a file made with Download on the Train page.",
                )
            run_id = ids.pop()
            folder = workspace.runs / run_id
            if not folder.exists():
                with whole_folder(folder) as part:
                    for entry in bundle.infolist():
                        inside = PurePosixPath(entry.filename).relative_to(run_id)
                        (part / inside).parent.mkdir(parents=True, exist_ok=True)
                        with bundle.open(entry) as packed, (part / inside).open("wb") as file:
                            shutil.copyfileobj(packed, file)
                    _check(part, workspace)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError) as error:
        raise RunError(
            what=f"This file is no run that can be loaded ({error}).",
            hint="Choose a file made with Download on the Train page.",
        ) from error
    return read_run(folder)


def _check(folder: Path, workspace: Workspace) -> None:
    """Refuse a bundle whose run could not be shown."""
    try:
        check_run(folder, workspace.splits / read_record(folder).split_hash)
    except (CrosswalkError, ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            what=f"The run in this file is damaged ({error}).",
            hint="Download it again from where it was trained.",
        ) from error
