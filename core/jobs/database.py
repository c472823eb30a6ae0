"""The SQLite file of the jobs: its tables, and connections that wait for each other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from core.basics.errors import JobError
from core.basics.files import RESERVE, disk_full, free_space, is_disk_full, keep_reserve
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

    Raises JobError where the file cannot be opened, read or written. On a full disk it can still
    be read.
    """
    workspace.root.mkdir(parents=True, exist_ok=True)
    keep_reserve(workspace.reserve)
    connection = None
    try:
        connection = _opened(workspace)
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


def _opened(workspace: Workspace) -> sqlite3.Connection:
    """The file with its tables.

    Beside it SQLite makes an index that all processes share, 32 KiB. Where the disk has no room for
    that, the connection keeps it in memory, and nobody else gets in meanwhile.
    """
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
    return connection


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
