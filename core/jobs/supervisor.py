"""The one process that starts queued jobs as children, watches them and cleans up after them.

It is started detached, so it outlives the app, and leaves when there has been nothing to do for a
while. A child claims its own job, so a supervisor killed at any moment leaves nothing undecided:
the next one adopts the children that live and says of the others that they were killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import IO

from core.basics.errors import JobError
from core.basics.files import disk_full, left_behind, remove, writer_lives
from core.basics.workspace import Workspace
from core.jobs.table import (
    CANCELLED,
    CORES,
    DONE,
    FAILED,
    KILLED,
    LANES,
    QUEUED,
    RUNNING,
    SLOTS,
    Job,
    Lane,
    end_job,
    list_jobs,
    log_path,
    read_job,
)

# The lock that makes a workspace's supervisor the only one, and starting it.

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


# Processes of jobs: start one, see whether it lives, end it, and say how it died.

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
        # One core is left to the page, and jobs of a lane share the others
        threads = str(max(1, round((CORES - 1) / SLOTS[job.lane])))
        environment = {
            **dict.fromkeys(THREAD_VARIABLES, threads),
            "PYTHONUNBUFFERED": "1",
            **os.environ,
        }
        child = subprocess.Popen(
            [sys.executable, *job.command, str(workspace.root), job.id],
            cwd=ROOT,
            env=environment,
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


# What killed processes left in a workspace: half-written files, uploads, old checkpoints.

DAYS_KEPT = 30  # a killed training can be resumed for so long
HOURS_WAITING = 48  # an upload that nobody imported is forgotten after so long
_STAGED_BY = re.compile(r"\.(\d+)$")  # the app that took the upload up, in the folder's name


def sweep(workspace: Workspace) -> list[Path]:
    """Remove what nobody works on or waits for any more, and return what was removed.

    That is: parts whose writer is gone, checkpoints of long ago, and uploads of an app that is
    gone, unless a job still names them. Done when the app starts and before jobs are run.
    """
    oldest = time.time() - DAYS_KEPT * 86_400
    old_checkpoints = [
        folder
        for folder in workspace.checkpoints.glob("*")
        if max((file.stat().st_mtime for file in folder.rglob("*")), default=0.0) < oldest
    ]
    doomed = [*left_behind(workspace.root), *old_checkpoints]
    for path in doomed:
        remove(path)
    return [*doomed, *sweep_uploads(workspace)]


def sweep_uploads(workspace: Workspace) -> list[Path]:
    """Remove uploads that nobody will import, and return what was removed."""
    doomed = []
    wanted = _named_by_jobs(workspace)
    if wanted is None:
        return []  # without the list of jobs nobody knows what is waited for
    for path in workspace.uploads.glob("*"):
        with suppress(FileNotFoundError):  # its import has just ended
            old = time.time() - path.stat().st_mtime > HOURS_WAITING * 3600
            writer = _STAGED_BY.search(path.name)
            gone = writer is not None and not writer_lives(path, int(writer.group(1)))
            if path.name not in wanted and (old or gone):
                doomed.append(path)
    for path in doomed:
        remove(path)
    return doomed


def _named_by_jobs(workspace: Workspace) -> set[str] | None:
    """Folders of uploads that a job waits for or failed at, to be tried again."""
    try:
        jobs = list_jobs(workspace, limit=1000)
    except JobError:
        return None
    paths = [job.payload.get("path") for job in jobs if job.status != DONE]
    return {Path(path).parent.name for path in paths if isinstance(path, str)}


POLL = 0.2  # seconds between two looks
IDLE = 5.0  # seconds without a job before it leaves
GRACE = 5.0  # seconds a child has to hear a cancel
LONGEST_STEP = 60.0  # seconds added to the grace at most, where epochs take long
KEEPING = 120.0  # seconds without a sign of life while it puts away what it has
RESUME = "Resume it from its last checkpoint, or start it again."


@dataclass
class Child:
    """A process the supervisor started for a job."""

    process: Popen[bytes]
    lane: Lane
    memory_kills: int = field(default_factory=memory_kills)  # when it was started


class Supervisor:
    """Keeps every place of each lane busy until there is nothing to do."""

    def __init__(self, workspace: Workspace, grace: float = GRACE) -> None:
        self.workspace = workspace
        self.grace = grace
        self.children: dict[str, Child] = {}  # by job id

    def run(self, idle: float = IDLE) -> None:
        """Work until nothing was queued or running for `idle` seconds."""
        last_busy = time.monotonic()
        while time.monotonic() - last_busy < idle:
            if self._looked():
                last_busy = time.monotonic()
            time.sleep(POLL)

    def step(self) -> bool:
        """Look once at everything; whether there is anything to do."""
        self._reap()
        active = list_jobs(self.workspace, active=True, dismissed=True, limit=1000)[::-1]
        for job in active:
            if job.status == RUNNING:
                self._watch(job)
        for lane in LANES:
            self._fill(lane, [job for job in active if job.lane == lane])
        return bool(active)

    def _fill(self, lane: Lane, jobs: list[Job]) -> None:
        """Start what waits while the lane has a free place; a child claims its job a little later.

        Running jobs may be children of an earlier supervisor.
        """
        taken = {job_id for job_id, child in self.children.items() if child.lane == lane}
        taken |= {job.id for job in jobs if job.status == RUNNING}
        waiting = [job for job in jobs if job.status == QUEUED and job.id not in taken]
        for job in waiting[: max(0, SLOTS[lane] - len(taken))]:
            self.children[job.id] = Child(start_child(self.workspace, job), lane)

    def _looked(self) -> bool:
        """A step; a table that is locked or a disk that is full now may be well at the next."""
        try:
            return self.step()
        except (JobError, OSError) as error:
            with suppress(OSError):  # its log stands on the same disk
                print(error, file=sys.stderr)
            return True

    def _reap(self) -> None:
        for job_id, child in list(self.children.items()):
            code = child.process.poll()
            if code is not None:
                job = read_job(self.workspace, job_id)
                if job.is_active and job.pid in (None, child.process.pid):
                    self._end(job, code, memory_kills() - child.memory_kills)
                del self.children[
                    job_id
                ]  # where that cannot be written now, it is at the next look

    def _watch(self, job: Job) -> None:
        """See whether a running job still lives, and whether its cancel is overdue."""
        if job.pid is None:
            return
        if job.id not in self.children and not is_alive(job.pid, job.pid_started):
            self._end(job, None, 0)
        elif _overdue(job, self.grace, time.time()):
            kill(job.pid)

    def _end(self, job: Job, code: int | None, kills: int) -> None:
        """Write how a process that left its job unfinished came to its end."""
        if job.cancel_asked is not None:
            what = "It was cancelled in a step that could not be interrupted; nothing is kept."
            end_job(self.workspace, job.id, CANCELLED, what, "Start it again.")
        elif code == DISK_FULL:
            full = disk_full("the job could not be finished")
            end_job(self.workspace, job.id, FAILED, full.what, full.hint)
        elif code is not None and code >= 0:
            hint = "Read its log, then start it again."
            end_job(self.workspace, job.id, FAILED, reason_of(code, kills), hint)
        else:
            end_job(self.workspace, job.id, KILLED, reason_of(code, kills), RESUME)


def _overdue(job: Job, grace: float, now: float) -> bool:
    if job.cancel_asked is None:
        return False
    if job.cancel_seen is None:
        return now - job.cancel_asked > grace + _step_seconds(job)
    return now - max(job.cancel_seen, job.heartbeat or 0.0) > KEEPING


def _step_seconds(job: Job) -> float:
    """A cancel is heard between two steps: seconds they take by their pace so far, twice that."""
    if not job.done or job.total <= 1 or not job.stage_started or not job.heartbeat:
        return 0.0
    return min(2 * (job.heartbeat - job.stage_started) / job.done, LONGEST_STEP)


def main(arguments: list[str]) -> None:
    """Run jobs of the workspace named first until idle; leave at once if another one does."""
    workspace = Workspace(Path(arguments[0]))
    grace = float(arguments[1]) if len(arguments) > 1 else GRACE
    lock = Lock(workspace)
    waiting = True
    # A job asked for while this one was leaving is seen here, after the lock was given back.
    while waiting and lock.take():
        try:
            sweep(workspace)
            Supervisor(workspace, grace).run()
        finally:
            lock.release()
        waiting = bool(list_jobs(workspace, active=True, dismissed=True, limit=1))


if __name__ == "__main__":
    main(sys.argv[1:])
