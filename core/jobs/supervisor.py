"""The one process that starts queued jobs as children, watches them and cleans up after them.

It is started detached, so it outlives the app, and leaves when there has been nothing to do for a
while. A child claims its own job, so a supervisor killed at any moment leaves nothing undecided:
the next one adopts the children that live and says of the others that they were killed.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from core.basics.errors import JobError
from core.basics.files import disk_full
from core.basics.workspace import Workspace
from core.jobs.job import CANCELLED, FAILED, KILLED, LANES, QUEUED, RUNNING, SLOTS, Job, Lane
from core.jobs.leftovers import sweep
from core.jobs.lifecycle import end_job
from core.jobs.lock import Lock
from core.jobs.processes import DISK_FULL, is_alive, kill, memory_kills, reason_of, start_child
from core.jobs.table import list_jobs, read_job

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
                self._conclude(job_id, child, code)
                del self.children[
                    job_id
                ]  # where that cannot be written now, it is at the next look

    def _conclude(self, job_id: str, child: Child, code: int) -> None:
        job = read_job(self.workspace, job_id)
        if job.is_active and job.pid in (None, child.process.pid):
            self._end(job, code, memory_kills() - child.memory_kills)

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
