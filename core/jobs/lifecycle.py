"""How a job's row moves on: claimed, progressing, ended. Written by its child and supervisor."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from typing import Any

from core.basics.progress import Progress
from core.basics.workspace import Workspace
from core.jobs.database import connected, transaction
from core.jobs.job import RUNNING, CurvePoint


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
