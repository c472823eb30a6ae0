"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from core.basics.errors import DataError
from core.basics.progress import Cancelled


def write_whole(path: Path, write: Callable[[Path], object], beside: Path | None = None) -> Path:
    """Let `write` fill a temporary neighbour, sync it and rename it into place.

    beside: the record of the run, pair or dataset that the file goes into (`run.json`, say). Where
    that was deleted, DataError is raised and no folder comes back.
    """
    with still_there(beside):
        _make_folders(path.parent, beside)
        part = _part(path)
        try:
            write(part)
            _sync(part)
            _check_there(beside)
            return part.replace(path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, beside: Path | None = None, *, anew: bool = False) -> Iterator[Path]:
    """A temporary folder that becomes `path` when the block ends well, and vanishes when not.

    Where `path` exists already the newer folder is dropped: content-named folders are equal. With
    `anew` it takes the place of the older one. beside: as of `write_whole`.
    """
    with still_there(beside):
        _make_folders(path.parent, beside)
        part = _part(path)
        part.mkdir()
        try:
            yield part
            for file in part.rglob("*"):
                if file.is_file():
                    _sync(file)
            _check_there(beside)
            if anew:
                _move_away(path)
            if not path.exists():
                part.rename(path)
                _sync(path.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def write_json(path: Path, value: Any, beside: Path | None = None) -> Path:
    """Write plain values as readable JSON, whole or not at all; beside: as of `write_whole`."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    return write_whole(path, lambda part: part.write_text(text, encoding="utf-8"), beside)


def delete_folder(folder: Path) -> None:
    """Remove a folder: out of sight in one step, then from the disk; nothing where it is gone."""
    with suppress(FileNotFoundError):  # another browser may have been faster
        _move_away(folder)


def read_json(path: Path) -> Any:
    """Plain values of a JSON file; raises DataError where it is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            what=f"{path.name} in {path.parent.name} cannot be read ({error}).",
            hint="Delete this entry and make it again.",
        ) from error


def _refuse(constant: str) -> None:
    """JSON has no NaN and no Infinity; nobody who writes here leaves one."""
    raise ValueError(f"it holds {constant}")


def _move_away(folder: Path) -> None:
    """The folder loses its name first, so that a kill in between leaves nothing half there."""
    gone = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.deleted.part")
    if folder.exists():
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


@contextmanager
def still_there(record: Path | None) -> Iterator[None]:
    """For work on a run, pair or dataset: what fails because it was deleted meanwhile says so.

    record: the file without which its folder is nothing; None for work on nothing of the kind.
    Raises DataError.
    """
    _check_there(record)
    try:
        yield
    except Cancelled:
        raise
    except Exception:  # a file is missing, in the words of whoever read or wrote it
        _check_there(record)
        raise


def _check_there(record: Path | None) -> None:
    if record is None or record.exists():
        return
    kind = record.stem  # run, pair, dataset, split
    raise DataError(
        what=f"The {kind} {record.parent.name[:80]} was deleted meanwhile, so nothing was kept.",
        hint=f"Choose another {kind}, or make this one again.",
    )


def _make_folders(folder: Path, beside: Path | None) -> None:
    """Make a folder; inside that of a record without its parents, which may be deleted by now."""
    if beside is None or not folder.is_relative_to(beside.parent):
        folder.mkdir(parents=True, exist_ok=True)
    elif folder != beside.parent:
        _make_folders(folder.parent, beside)
        folder.mkdir(exist_ok=True)


def _part(path: Path) -> Path:
    """A name nobody else writes to, not even another thread; it tells whose process made it."""
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.{os.getpid()}.part")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
