"""Jobs as rows of one SQLite table: ask for them, follow them, end them."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.basics.errors import JobError
from core.basics.workspace import Workspace
from core.jobs.database import connected, transaction
from core.jobs.job import (
    ACTIVE,
    CANCELLED,
    ENDED,
    LANES,
    QUEUED,
    WORKER,
    CurvePoint,
    Job,
    Lane,
    hash_of,
    job_of,
)


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
