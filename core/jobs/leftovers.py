"""What killed processes left in a workspace: half-written files, and checkpoints nobody wants."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

from core.basics.workspace import Workspace

DAYS_KEPT = 30  # a killed training can be resumed for so long
_PART = re.compile(r"\.(\d+)\.part$")
_DELETED = ".deleted.part"


def sweep(workspace: Workspace) -> list[Path]:
    """Remove parts whose writer is gone and checkpoints of long ago; answers what was removed."""
    parts = [*workspace.root.glob("*/*.part"), *workspace.root.glob("*/*/*.part")]
    doomed = [path for path in parts if _is_orphan(path.name)]
    oldest = time.time() - DAYS_KEPT * 86_400
    for folder in workspace.checkpoints.glob("*"):
        newest = max((file.stat().st_mtime for file in folder.rglob("*")), default=0.0)
        if newest < oldest:
            doomed.append(folder)
    for path in doomed:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return doomed


def _is_orphan(name: str) -> bool:
    if name.endswith(_DELETED):
        return True
    found = _PART.search(name)
    return found is not None and not _exists(int(found.group(1)))


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
