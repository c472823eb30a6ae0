import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.basics.workspace import Workspace
from core.jobs.supervisor import Lock, kill
from core.jobs.table import list_jobs


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace; whatever was started in it is ended after the test."""
    workspace = Workspace(tmp_path / "work space")
    yield workspace
    end_supervisor(workspace)
    for job in list_jobs(workspace, active=True, dismissed=True):
        if job.pid is not None:
            kill(job.pid)


def end_supervisor(workspace: Workspace) -> None:
    """kill -9 of the workspace's supervisor, and of one that waits for its place."""

    def gone() -> bool:
        pid = Lock(workspace).holder()
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return pid is None

    wait_until(gone)


def wait_until(happened: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something that will happen; fails where it does not."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
