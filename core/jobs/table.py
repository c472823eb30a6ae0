"""Jobs as rows of one SQLite table: ask for them, follow them, end them."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.basics.errors import JobError
from core.basics.files import RESERVE, disk_full, free_space, is_disk_full, keep_reserve
from core.basics.progress import Progress
from core.basics.workspace import Workspace

# One job as everybody sees it: what it is, how far it is, how it ended.

Lane = Literal["training", "short", "trials"]
LANES: tuple[Lane, ...] = ("training", "short", "trials")
CORES = os.cpu_count() or 1
SLOTS: dict[Lane, int] = {"training": 1, "short": 1, "trials": max(1, CORES // 2)}  # side by side

QUEUED, RUNNING = "queued", "running"
DONE, FAILED, CANCELLED, KILLED = "done", "failed", "cancelled", "killed"
ACTIVE = (QUEUED, RUNNING)
ENDED = (DONE, FAILED, CANCELLED, KILLED)  # nothing follows on these

WORKER = ("-m", "core.runs.jobs.worker")  # arguments for Python; workspace and job id are appended


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


def enqueue(
    workspace: Workspace,
    kind: str,
    payload: dict[str, Any],
    lane: Lane,
    title: str,
    command: Sequence[str] = WORKER,
) -> str:
    """Id of a job that will do this: a new one, or the one already queued or running.

    payload: plain JSON values. Nothing runs before `ensure_supervisor`.
    """
    if lane not in LANES:
        raise JobError(what=f"There is no lane {lane!r}.", hint=f"Choose from {', '.join(LANES)}.")
    with connected(workspace) as connection, transaction(connection):
        return _insert(connection, kind, payload, lane, title, command)


def resume(workspace: Workspace, job_id: str) -> str:
    """Id of a new job that goes on where an ended one stopped, with its curve so far.

    The old row is dismissed; the worker tells the work that it resumes.
    """
    old = read_job(workspace, job_id)
    if old.is_active:
        return job_id
    with connected(workspace) as connection, transaction(connection):
        new = _insert(connection, old.kind, old.payload, old.lane, old.title, old.command)
        connection.execute(
            "UPDATE jobs SET resumed = 1, attempts = ? WHERE id = ? AND status = ?",
            (old.attempts + 1, new, QUEUED),
        )
        connection.execute(
            "INSERT OR IGNORE INTO curve SELECT ?, twin, epoch, loss, valid FROM curve"
            " WHERE job = ?",
            (new, job_id),
        )
        connection.execute("UPDATE jobs SET dismissed = 1 WHERE id = ?", (job_id,))
    return new


def list_jobs(
    workspace: Workspace,
    *,
    kind: str | None = None,
    active: bool = False,
    dismissed: bool = False,
    limit: int = 50,
) -> list[Job]:
    """Jobs, newest first; `active` keeps those queued or running."""
    if not workspace.jobs.exists():
        return []
    statuses = ACTIVE if active else ACTIVE + ENDED
    marks = ", ".join("?" * len(statuses))
    with connected(workspace) as connection:
        rows = connection.execute(
            f"SELECT * FROM jobs WHERE status IN ({marks}) AND (kind = ? OR ? IS NULL)"
            " AND (dismissed = 0 OR ?) ORDER BY rowid DESC LIMIT ?",
            (*statuses, kind, kind, dismissed, limit),
        )
        return [job_of(row) for row in rows]


def read_job(workspace: Workspace, job_id: str) -> Job:
    """One job; raises JobError for an id that is not there."""
    with connected(workspace) as connection:
        row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise JobError(what=f"There is no job {job_id!r}.", hint="Choose one from the list.")
    return job_of(row)


def read_curve(workspace: Workspace, job_id: str) -> list[CurvePoint]:
    """What every epoch said so far, the twin's after the model's."""
    with connected(workspace) as connection:
        rows = connection.execute(
            "SELECT epoch, loss, valid, twin FROM curve WHERE job = ? ORDER BY twin, epoch",
            (job_id,),
        )
        return [CurvePoint(row[0], row[1], row[2], bool(row[3])) for row in rows]


def request_cancel(workspace: Workspace, job_id: str) -> None:
    """A queued job is cancelled at once, a running one is asked; an ended one stays as it is."""
    now = time.time()
    with connected(workspace) as connection, transaction(connection):
        connection.execute(
            "UPDATE jobs SET cancel_asked = coalesce(cancel_asked, ?)"
            " WHERE id = ? AND status IN ('queued', 'running')",
            (now, job_id),
        )
        connection.execute(
            "UPDATE jobs SET status = ?, ended = ?, what = ?, hint = ?"
            " WHERE id = ? AND status = 'queued'",
            (CANCELLED, now, "It was cancelled before it began.", "Start it again.", job_id),
        )


def dismiss(workspace: Workspace, job_id: str) -> None:
    """An ended job leaves the list; its row and log stay."""
    with connected(workspace) as connection:
        connection.execute(
            "UPDATE jobs SET dismissed = 1 WHERE id = ? AND status NOT IN ('queued', 'running')",
            (job_id,),
        )


def log_path(workspace: Workspace, job_id: str) -> Path:
    """File with what the job printed."""
    return workspace.logs / f"{job_id}.log"


def log_tail(workspace: Workspace, job_id: str, lines: int = 20) -> str:
    """Last lines of what the job printed, "" before it printed anything."""
    path = log_path(workspace, job_id)
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 200 * lines))
        text = file.read().decode("utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def _insert(
    connection: sqlite3.Connection,
    kind: str,
    payload: dict[str, Any],
    lane: Lane,
    title: str,
    command: Sequence[str],
) -> str:
    wanted = hash_of(kind, payload)
    same = connection.execute(
        "SELECT id FROM jobs WHERE hash = ? AND status IN ('queued', 'running')", (wanted,)
    ).fetchone()
    if same is not None:
        return str(same["id"])
    job_id = uuid.uuid4().hex[:12]
    connection.execute(
        "INSERT INTO jobs (id, kind, title, lane, command, payload, hash, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            job_id,
            kind,
            title,
            lane,
            json.dumps(list(command)),
            json.dumps(payload),
            wanted,
            time.time(),
        ),
    )
    return job_id


# The SQLite file of the jobs: its tables, and connections that wait for each other.

PATIENCE = 15.0  # seconds a statement waits for another process's lock
VERSION = 1

# The unique index makes a double start one job; the trigger lets a status only move forward.
SCHEMA = """
CREATE TABLE jobs (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, title TEXT NOT NULL, lane TEXT NOT NULL,
  command TEXT NOT NULL, payload TEXT NOT NULL, hash TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'queued',
  stage TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL DEFAULT 0, loss REAL,
  created REAL NOT NULL, started REAL, stage_started REAL, ended REAL, heartbeat REAL,
  pid INTEGER, pid_started REAL, cancel_asked REAL, cancel_seen REAL,
  what TEXT NOT NULL DEFAULT '', hint TEXT NOT NULL DEFAULT '',
  result TEXT NOT NULL DEFAULT '{}', attempts INTEGER NOT NULL DEFAULT 1,
  resumed INTEGER NOT NULL DEFAULT 0, dismissed INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX jobs_active ON jobs (hash) WHERE status IN ('queued', 'running');
CREATE TABLE curve (
  job TEXT NOT NULL, twin INTEGER NOT NULL, epoch INTEGER NOT NULL, loss REAL, valid REAL,
  PRIMARY KEY (job, twin, epoch)
) WITHOUT ROWID;
CREATE TRIGGER forward_only BEFORE UPDATE OF status ON jobs
WHEN OLD.status NOT IN ('queued', 'running') OR (OLD.status = 'running' AND NEW.status = 'queued')
BEGIN SELECT RAISE(ABORT, 'a status only moves forward'); END;
"""


@contextmanager
def connected(workspace: Workspace) -> Iterator[sqlite3.Connection]:
    """A connection for one use; every statement commits by itself.

    Raises JobError where the file cannot be opened, read or written. On a full disk it can still
    be read.
    """
    workspace.root.mkdir(parents=True, exist_ok=True)
    keep_reserve(workspace.reserve)
    connection = None
    try:
        # The file with its tables
        connection = sqlite3.connect(workspace.jobs, timeout=PATIENCE, isolation_level=None)
        try:
            version = _version(connection)
        except sqlite3.Error:
            connection.close()
            if not _no_room(workspace):
                raise
            connection = sqlite3.connect(workspace.jobs, timeout=PATIENCE, isolation_level=None)
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            version = _version(connection)
        if version != VERSION:
            _create(connection)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = NORMAL")
        yield connection
    except sqlite3.Error as error:
        if is_disk_full(error) or _no_room(workspace):
            full = disk_full("the list of jobs cannot be changed")
            raise JobError(full.what, full.hint) from error
        raise JobError(
            what=f"The list of jobs in {workspace.jobs.name} cannot be used ({error}).",
            hint="Check that the workspace folder is writable.",
        ) from error
    finally:
        if connection is not None:
            connection.close()


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _no_room(workspace: Workspace) -> bool:
    """Whether SQLite, which calls it an I/O error, may have failed because the disk is full."""
    free = free_space(workspace.root)
    return free is not None and free < RESERVE


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All statements of the block or none, with the write lock taken at its start."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    with transaction(connection):
        if _version(connection) == VERSION:
            return  # another process was faster
        for statement in _statements():
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _statements() -> Iterator[str]:
    """The schema's statements; `executescript` would commit the transaction around them."""
    text = ""
    for line in SCHEMA.splitlines():
        text += line + "\n"
        if sqlite3.complete_statement(text):
            yield text
            text = ""


# How a job's row moves on: claimed, progressing, ended. Written by its child and supervisor.


def claim(workspace: Workspace, job_id: str, pid_started: float | None) -> bool:
    """Whether this process got the job: only one process ever does."""
    now = time.time()
    with connected(workspace) as connection:
        found = connection.execute(
            "UPDATE jobs SET status = ?, started = ?, stage_started = ?, heartbeat = ?,"
            " pid = ?, pid_started = ? WHERE id = ? AND status = 'queued'",
            (RUNNING, now, now, now, os.getpid(), pid_started, job_id),
        )
        return found.rowcount == 1


def write_progress(
    workspace: Workspace, job_id: str, progress: Progress, points: Sequence[CurvePoint]
) -> bool:
    """Keep the last progress and the new points of the curve; whether a cancel was asked for."""
    now = time.time()
    with connected(workspace) as connection, transaction(connection):
        connection.execute(
            "UPDATE jobs SET stage_started = CASE WHEN stage = ? THEN stage_started ELSE ? END,"
            " stage = ?, done = ?, total = ?, loss = coalesce(?, loss), heartbeat = ?"
            " WHERE id = ? AND status = 'running'",
            (
                progress.stage,
                now,
                progress.stage,
                progress.done,
                progress.total,
                _plain(progress.loss),
                now,
                job_id,
            ),
        )
        connection.executemany(
            "INSERT OR REPLACE INTO curve VALUES (?, ?, ?, ?, ?)",
            [(job_id, p.twin, p.epoch, _plain(p.loss), _plain(p.valid)) for p in points],
        )
    return cancel_asked(workspace, job_id)


def cancel_asked(workspace: Workspace, job_id: str) -> bool:
    """Whether somebody asked for the job to stop."""
    with connected(workspace) as connection:
        row = connection.execute("SELECT cancel_asked FROM jobs WHERE id = ?", (job_id,))
        found = row.fetchone()
    return found is not None and found["cancel_asked"] is not None


def mark_cancel_seen(workspace: Workspace, job_id: str) -> None:
    """The work has heard the cancel and puts away what it has."""
    with connected(workspace) as connection:
        connection.execute(
            "UPDATE jobs SET cancel_seen = coalesce(cancel_seen, ?),"
            " cancel_asked = coalesce(cancel_asked, ?) WHERE id = ?",
            (time.time(), time.time(), job_id),
        )


def end_job(
    workspace: Workspace,
    job_id: str,
    status: str,
    what: str = "",
    hint: str = "",
    result: dict[str, Any] | None = None,
) -> bool:
    """Whether this call ended the job; one that has ended stays as it is."""
    with connected(workspace) as connection:
        found = connection.execute(
            "UPDATE jobs SET status = ?, ended = ?, what = ?, hint = ?, result = ?"
            " WHERE id = ? AND status IN ('queued', 'running')",
            (status, time.time(), what, hint, json.dumps(result or {}), job_id),
        )
        return found.rowcount == 1


def _plain(value: float | None) -> float | None:
    """SQLite knows plain numbers only; NumPy's would be stored as bytes."""
    return None if value is None else float(value)
