"""What a process that died left half-written: recognised by the process in its name, and by age."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

SECONDS = 2.0  # by which the clocks of a file and of a process may differ
_DELETED = ".deleted.part"
# `name.token.PID.part`, `import.PID.token`, `lists.PID.token`, `spill.PID`
_WRITER = re.compile(r"\.(\d+)\.part$|^(?:import|lists|spill)\.(\d+)(?:\.|$)")


def is_left_behind(path: Path) -> bool:
    """Whether the file or folder was being written, or deleted, by a process that is gone.

    A number of a process comes back, in a container at every start: one that began after the last
    change of the file is another one.
    """
    if path.name.endswith(_DELETED):
        return True
    found = _WRITER.search(path.name)
    return found is not None and not writer_lives(path, int(found.group(1) or found.group(2)))


def writer_lives(path: Path, pid: int) -> bool:
    """Whether the process that made the file still runs."""
    import psutil

    try:
        began = psutil.Process(pid).create_time()
        return bool(began <= path.stat().st_mtime + SECONDS)
    except (psutil.NoSuchProcess, OverflowError, ValueError, FileNotFoundError):
        return False
    except psutil.Error:  # somebody else's process: it is there
        return True


def remove(path: Path) -> None:
    """Take a file or folder away, as far as that can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def left_behind(root: Path) -> list[Path]:
    """Everything under a folder that a process left behind, outermost first and once."""
    found = []
    for place, folders, files in os.walk(root):
        doomed = [name for name in (*folders, *files) if is_left_behind(Path(place, name))]
        found += [Path(place, name) for name in doomed]
        folders[:] = [name for name in folders if name not in doomed]
    return found
