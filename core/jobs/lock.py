"""The lock that makes a workspace's supervisor the only one, and starting it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from core.basics.workspace import Workspace
from core.jobs.processes import ROOT
from core.jobs.table import list_jobs

TRIES, PAUSE = 20, 0.05  # a page that asks who holds the lock holds it for a moment itself


class Lock:
    """A file lock; the system gives it back when its holder dies, however that happens."""

    def __init__(self, workspace: Workspace) -> None:
        self.path: Path = workspace.root / "jobs.lock"
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        """Whether this process holds the lock now."""
        self._file = self.path.open("ab")
        for _ in range(TRIES):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._sign(self._file)
                return True
            except BlockingIOError:
                time.sleep(PAUSE)
        self.release()
        return False

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def holder(self) -> int | None:
        """Pid of the process that holds it, None where nobody does."""
        if not self.path.exists():
            return None
        with self.path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0)
        return None

    @staticmethod
    def _sign(file: IO[bytes]) -> None:
        os.truncate(file.fileno(), 0)
        with suppress(OSError):  # it is locked without a name in it too, where the disk is full
            os.write(file.fileno(), str(os.getpid()).encode())


def ensure_supervisor(workspace: Workspace, grace: float | None = None) -> bool:
    """Whether a supervisor had to be started: there is work, and nobody at it.

    grace: seconds a child has to hear a cancel before it is killed.
    """
    work = list_jobs(workspace, active=True, dismissed=True, limit=1)
    if not work or Lock(workspace).holder() is not None:
        return False
    workspace.logs.mkdir(parents=True, exist_ok=True)
    arguments = [str(workspace.root), *([] if grace is None else [str(grace)])]
    with (workspace.logs / "supervisor.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "core.jobs.supervisor", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return True
