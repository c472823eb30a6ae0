"""What a child holds in its hand: it claims its job, says how far it is, and hears a cancel."""

from __future__ import annotations

import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any

from core.basics.errors import JobError
from core.basics.progress import Cancelled, Progress
from core.basics.workspace import Workspace
from core.jobs.supervisor import start_time
from core.jobs.table import (
    CANCELLED,
    DONE,
    FAILED,
    CurvePoint,
    claim,
    end_job,
    mark_cancel_seen,
    write_progress,
)

EVERY = 0.5  # seconds between two writes
TWIN_STAGE = "twin"  # stages that begin with this word are about the twin


class JobReporter:
    """A `Report` that writes to the job's row at most twice a second.

    Calling it raises `Cancelled` once after a cancel was asked for (or on SIGTERM); later calls
    only report, so that the work can put away what it has.
    """

    def __init__(self, workspace: Workspace, job_id: str) -> None:
        self.workspace = workspace
        self.job_id = job_id
        self.cancelled = False  # whether Cancelled was raised
        self._terminated = False
        self._points: list[CurvePoint] = []
        self._last: Progress | None = None
        self._written = 0.0  # when, by the monotonic clock
        self._asked = False  # whether the row asks for a cancel
        self._lock = threading.Lock()
        self._late: threading.Timer | None = None  # writes what came too soon after a write

    def begin(self) -> bool:
        """Claim the job; False where it is not queued any more, and then nothing may be done."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._on_terminate)
        return claim(self.workspace, self.job_id, start_time())

    def __call__(self, progress: Progress) -> None:
        """Report; raises Cancelled where the work has to stop."""
        if progress.loss is not None or progress.valid is not None:
            twin = progress.stage.startswith(TWIN_STAGE)
            self._points.append(CurvePoint(progress.done, progress.loss, progress.valid, twin))
        # A line for the log: every new stage and every epoch
        figures = {"loss": progress.loss, "validation": progress.valid}
        said = [f"{name} {value:.5g}" for name, value in figures.items() if value is not None]
        if said or self._last is None or self._last.stage != progress.stage:
            place = f"{progress.done} of {progress.total}" if progress.total > 1 else ""
            words = [time.strftime("%H:%M:%S"), progress.stage, place, *said]
            with suppress(OSError):  # no work is lost because its log finds no room
                print("  ".join(word for word in words if word))
        self._last = progress
        wait = self._written + EVERY - time.monotonic()
        if wait <= 0:
            self._write()
        elif self._late is None:
            self._late = threading.Timer(wait, self._write)
            self._late.daemon = True
            self._late.start()
        if (self._asked or self._terminated) and not self.cancelled:
            self.cancelled = True
            mark_cancel_seen(self.workspace, self.job_id)
            raise Cancelled

    def finish(self, result: dict[str, Any]) -> None:
        """The work came to its end; after a cancel the result is what could be kept."""
        self._write()
        if not self.cancelled:
            end_job(self.workspace, self.job_id, DONE, result=result)
            return
        what = "It was cancelled; what was best so far is kept."
        end_job(self.workspace, self.job_id, CANCELLED, what, "Start it again to go on.", result)

    def stop(self) -> None:
        """The work stopped because a person asked for it, and kept nothing."""
        self._write()
        what = "It was cancelled, and nothing of it is kept."
        end_job(self.workspace, self.job_id, CANCELLED, what, "Start it again.")

    def fail(self, what: str, hint: str) -> None:
        """The work could not be done, for a reason in two sentences."""
        self._write()
        end_job(self.workspace, self.job_id, FAILED, what, hint)

    def _write(self) -> None:
        """Write what is new and hear a cancel; where the table is locked, a beat is skipped."""
        with self._lock:
            if self._late is not None:
                self._late.cancel()
                self._late = None
            if self._last is None:
                return
            self._written = time.monotonic()
            points = self._points[:]
            try:
                asked = write_progress(self.workspace, self.job_id, self._last, points)
            except JobError as error:
                with suppress(OSError):
                    print(error, file=sys.stderr)
                return
            self._asked = self._asked or asked
            del self._points[: len(points)]

    def _on_terminate(self, number: int, frame: FrameType | None) -> None:
        self._terminated = True
