"""A disk that is full: recognised in what any library raises, and said in two sentences."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from core.basics.errors import CrosswalkError, RunError

SPARE = 64 << 20  # bytes below which a workspace's disk counts as nearly full
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Libraries that write from C++ or Rust tell the reason as text: DuckDB, SQLite, Arrow, safetensors.
_SAID = (
    "no space left on device",
    "database or disk is full",
    "disk quota exceeded",
    "file too large",
    "(os error 28)",
)
HINT = "Free some space and do it again: what was there before is still there."


def is_disk_full(error: BaseException | None) -> bool:
    """Whether this error, or one it came from, says that a file found no room."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if any(said in str(error).lower() for said in _SAID):
            return True
        error = error.__cause__ or error.__context__
    return False


def disk_full(what: str = "") -> CrosswalkError:
    """The two sentences; what: what could not be done, said after the first words."""
    return RunError(what=f"The disk is full{what and ', so '}{what}.", hint=HINT)


def free_space(folder: Path) -> int | None:
    """Bytes that can still be written where the folder is or will be; None where nobody says."""
    there = next((place for place in (folder, *folder.parents) if place.exists()), None)
    try:
        return None if there is None else shutil.disk_usage(there).free
    except OSError:
        return None
