"""A disk that is full: recognised in what any library raises, said in two sentences, outlived."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.basics.errors import CrosswalkError, RunError

SPARE = 64 << 20  # bytes below which a workspace's disk counts as nearly full
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Libraries that write from C++ or Rust tell the reason as text: DuckDB (also of what it spills),
# SQLite, Arrow, safetensors; NumPy counts what it could not write.
_WORDS = "The disk is full"
_LARGE = "File too large"
_SAID = (
    _WORDS.lower(),
    "no space left on device",
    "database or disk is full",
    "disk quota exceeded",
    _LARGE.lower(),
    "(os error 28)",
    "max_temp_directory_size",
)
_CUT_SHORT = re.compile(r"\d+ requested and \d+ written")
RESERVE = 256 << 10  # bytes that a reserve sets aside: the rows that say why a job failed
HINT = "Free some space and do it again: what was there before is still there."


def is_disk_full(error: BaseException | None) -> bool:
    """Whether this error, or one it came from, says that a file found no room."""
    for one in _origins(error):
        if isinstance(one, OSError) and one.errno in _FULL:
            return True
        text = str(one).lower()
        if any(said in text for said in _SAID) or _CUT_SHORT.search(text):
            return True
    return False


def _origins(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it came from, and so on; each once, for such chains may run in a circle."""
    seen: list[BaseException] = []
    while error is not None and not any(error is one for one in seen):
        yield error
        seen.append(error)
        error = error.__cause__ or error.__context__


def disk_full(what: str = "") -> CrosswalkError:
    """The two sentences; what: what could not be done, said after the first words."""
    return RunError(what=f"{_WORDS}{what and ', so '}{what}.", hint=HINT)


def said_of_full(error: BaseException, what: str) -> CrosswalkError | None:
    """The two sentences where an error comes from a full disk, its own if it says so; else None."""
    if isinstance(error, CrosswalkError) and error.what.startswith(_WORDS):
        return error
    if not is_disk_full(error):
        return None
    return _too_large(what) if _is_too_large(error) else disk_full(what)


def _is_too_large(error: BaseException | None) -> bool:
    """Whether it was not the disk but a limit on files, as a child has that opens a stranger's."""
    return any(
        (isinstance(one, OSError) and one.errno == errno.EFBIG) or _LARGE in str(one)
        for one in _origins(error)
    )


def _too_large(what: str) -> CrosswalkError:
    hint = "Bring a smaller file, or raise the limit on the size of files (`ulimit -f`)."
    return RunError(what=f"A file became larger than this process may write, so {what}.", hint=hint)


def keep_reserve(file: Path) -> None:
    """Set a little room aside in a file; where the disk has none left, the file gives it back.

    So a job that failed because the disk is full can still say so. Costs two looks at the disk.
    """
    free = free_space(file.parent)
    with suppress(OSError):
        if free is not None and free < RESERVE:
            file.unlink(missing_ok=True)
        elif free is not None and free > SPARE and not file.exists():
            file.write_bytes(os.urandom(RESERVE))  # zeros would take no room on some disks


def free_space(folder: Path) -> int | None:
    """Bytes that can still be written where the folder is or will be; None where nobody says."""
    there = next((place for place in (folder, *folder.parents) if place.exists()), None)
    try:
        return None if there is None else shutil.disk_usage(there).free
    except OSError:
        return None
