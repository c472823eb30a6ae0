"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.basics.errors import DataError


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary neighbour, sync it and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    try:
        write(part)
        _sync(part)
        return part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that becomes `path` when the block ends well, and vanishes when not.

    Where `path` exists already the newer folder is dropped: content-named folders are equal.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    part.mkdir()
    try:
        yield part
        for file in part.rglob("*"):
            if file.is_file():
                _sync(file)
        if not path.exists():
            part.rename(path)
            _sync(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_json(path: Path, value: Any) -> Path:
    """Write plain values as readable JSON, whole or not at all."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    return write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    """Plain values of a JSON file; raises DataError where it is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            what=f"{path.name} in {path.parent.name} cannot be read ({error}).",
            hint="Delete this entry and make it again.",
        ) from error


def _part(path: Path) -> Path:
    """A name nobody else writes to, not even another thread; it tells whose process made it."""
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.{os.getpid()}.part")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
