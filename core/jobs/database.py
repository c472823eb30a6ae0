"""The SQLite file of the jobs: its tables, and connections that wait for each other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from core.basics.errors import JobError
from core.basics.workspace import Workspace

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

    Raises JobError where the file cannot be opened, read or written.
    """
    workspace.root.mkdir(parents=True, exist_ok=True)
    connection = None
    try:
        connection = sqlite3.connect(workspace.jobs, timeout=PATIENCE, isolation_level=None)
        connection.row_factory = sqlite3.Row
        if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            _create(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        yield connection
    except sqlite3.Error as error:
        raise JobError(
            what=f"The list of jobs in {workspace.jobs.name} cannot be used ({error}).",
            hint="Check that the workspace folder is writable and its disk is not full.",
        ) from error
    finally:
        if connection is not None:
            connection.close()


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
        if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
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
