"""Processes of jobs: start one, see whether it lives, end it, and say how it died."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from core.basics.workspace import Workspace
from core.jobs.job import CORES, SLOTS, Job, Lane
from core.jobs.table import log_path

DISK_FULL = 28  # exit code of a child that could not even write how it ended
ROOT = Path(__file__).resolve().parents[2]  # where `-m core...` can be found
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
NICE = {"training": 10, "short": 5, "trials": 10}  # the page that watches goes first


def start_child(workspace: Workspace, job: Job) -> subprocess.Popen[bytes]:
    """A process of its own session that does the job; what it prints goes to the job's log."""
    workspace.logs.mkdir(parents=True, exist_ok=True)
    with log_path(workspace, job.id).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, *job.command, str(workspace.root), job.id],
            cwd=ROOT,
            env=_environment(job.lane),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, child.pid, NICE[job.lane])
    return child


def start_time(pid: int | None = None) -> float | None:
    """When a process (this one, if none is named) was started; None where it is gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.Error:
        return None


def is_alive(pid: int, started: float | None) -> bool:
    """Whether the process with this pid is still the one that started then."""
    found = start_time(pid)
    return found is not None and (started is None or abs(found - started) < 1.0)


def kill(pid: int) -> None:
    """SIGKILL to a child and to everything in its session's group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def reason_of(code: int | None, memory_kills: int) -> str:
    """One sentence on how a process ended; code: as Popen says it, None where nobody saw.

    memory_kills: processes the system has killed for memory since the child was started.
    """
    if memory_kills and code in (None, -signal.SIGKILL):
        return "It was killed by the system because memory ran out."
    if code is None:
        return "It ended while nobody watched it: the machine was restarted or it was killed."
    if code >= 0:
        return f"It ended with exit code {code} before its work was done."
    name = _signal_name(-code)
    if code == -signal.SIGKILL:
        return f"It was killed from outside ({name})."
    return f"It crashed or was ended by a signal ({name})."


def memory_kills() -> int:
    """Processes killed for memory since the machine started; 0 where the system does not say."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _environment(lane: Lane) -> dict[str, str]:
    """One core is left to the page, and jobs of a lane share the others.

    What the environment already says about threads stays.
    """
    threads = str(max(1, round((CORES - 1) / SLOTS[lane])))
    return {**dict.fromkeys(THREAD_VARIABLES, threads), "PYTHONUNBUFFERED": "1", **os.environ}
