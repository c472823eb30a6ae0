"""One job as everybody sees it: what it is, how far it is, how it ended."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

Lane = Literal["training", "short", "trials"]
LANES: tuple[Lane, ...] = ("training", "short", "trials")
CORES = os.cpu_count() or 1
SLOTS: dict[Lane, int] = {"training": 1, "short": 1, "trials": max(1, CORES // 2)}  # side by side

QUEUED, RUNNING = "queued", "running"
DONE, FAILED, CANCELLED, KILLED = "done", "failed", "cancelled", "killed"
ACTIVE = (QUEUED, RUNNING)
ENDED = (DONE, FAILED, CANCELLED, KILLED)  # nothing follows on these

WORKER = ("-m", "core.runs.worker")  # arguments for Python; workspace and job id are appended


@dataclass(frozen=True)
class Job:
    """A row of the job table; times are seconds since 1970, None where it has not happened."""

    id: str
    kind: str
    title: str
    lane: Lane
    command: tuple[str, ...]
    payload: dict[str, Any]
    hash: str
    status: str
    stage: str
    done: int
    total: int
    loss: float | None
    created: float
    started: float | None
    stage_started: float | None
    ended: float | None
    heartbeat: float | None
    pid: int | None
    pid_started: float | None  # a pid comes back for another process, never with the same start
    cancel_asked: float | None
    cancel_seen: float | None
    what: str  # how it ended, in two sentences; "" while there is nothing to say
    hint: str
    result: dict[str, Any]
    attempts: int
    resumed: bool
    dismissed: bool

    @property
    def is_active(self) -> bool:
        """Whether the job waits or runs."""
        return self.status in ACTIVE

    @property
    def share(self) -> float:
        """Share of the current stage that is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    def seconds(self, now: float) -> float:
        """Seconds it has run so far, or ran in all."""
        if self.started is None:
            return 0.0
        return max(0.0, (self.ended or now) - self.started)

    def seconds_left(self, now: float) -> float | None:
        """Seconds until this stage ends at its pace so far; None before its first step."""
        if self.status != RUNNING or not self.stage_started or not 0 < self.done < self.total:
            return None
        return (now - self.stage_started) / self.done * (self.total - self.done)


@dataclass(frozen=True)
class CurvePoint:
    """What an epoch of training said; twin tells whose epoch it was."""

    epoch: int
    loss: float | None
    valid: float | None
    twin: bool


def job_of(row: sqlite3.Row) -> Job:
    """The job a row holds."""
    values = dict(row)
    for name in ("payload", "result"):
        values[name] = json.loads(values[name])
    values["command"] = tuple(json.loads(values["command"]))
    for name in ("resumed", "dismissed"):
        values[name] = bool(values[name])
    return Job(**values)


def hash_of(kind: str, payload: dict[str, Any]) -> str:
    """Short hash of what a job would do; equal for jobs that would make the same thing."""
    text = json.dumps([kind, payload], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
