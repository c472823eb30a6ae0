"""DuckDB, locked down: the app's one file, or an in-memory one for children and commands."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from core.basics.errors import CrosswalkError, DataError
from core.basics.files import said_of_full

if TYPE_CHECKING:  # DuckDB itself is loaded where a database is opened
    import duckdb

    Connection = duckdb.DuckDBPyConnection

MEMORY_LIMIT = "1GB"  # of an in-memory database; larger steps spill to disk


def open_database(file: Path) -> duckdb.DuckDBPyConnection:
    """The one read-write connection to a workspace's database; take `.cursor()` for every use.

    Reads and writes files beside the database only. Raises DataError where another process has
    it open or the file is damaged.
    """
    import duckdb

    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(file))
        locked = connection.execute("SELECT current_setting('lock_configuration')").fetchone()
        if locked == (True,):  # this process has it open already
            return connection
        return _locked_down(connection, [file.parent])
    except duckdb.IOException as error:
        raise _not_opened(file, error) from error


def in_memory(
    *folders: Path,
    files: Iterable[Path] = (),
    memory_limit: str = MEMORY_LIMIT,
    threads: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """A database of this process alone that reads and writes in the folders and nowhere else.

    files: read where they stand, by a link inside one of the folders.
    What does not fit in `memory_limit` goes to a temporary folder inside the first one.
    """
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET memory_limit = ?", [memory_limit])
    connection.execute("SET temp_directory = ?", [str(folders[0] / f"spill.{os.getpid()}")])
    if threads:
        connection.execute("SET threads = ?", [threads])
    return _locked_down(connection, folders, files)


def parquet(file: Path) -> str:
    """The file as SQL may read it, its path quoted."""
    return f"read_parquet({text(str(file))})"


def text(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def name(value: str) -> str:
    """A name of a table or column as an SQL identifier."""
    return '"' + value.replace('"', '""') + '"'


def columns(connection: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """Names of the columns of a table or of `parquet(...)`."""
    return [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()]


def number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The single number a query answers, 0 where it is NULL."""
    row = connection.execute(query).fetchone()
    return int(row[0] or 0) if row else 0


def _locked_down(
    connection: duckdb.DuckDBPyConnection, folders: Iterable[Path], files: Iterable[Path] = ()
) -> duckdb.DuckDBPyConnection:
    """Settings do not persist, and the order matters: folders first, the lock last."""
    allowed = ", ".join(text(str(folder.resolve())) for folder in folders)
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET allowed_directories = [{allowed}]")
    paths = ", ".join(text(str(file)) for file in files)
    connection.execute(f"SET allowed_paths = [{paths}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _not_opened(file: Path, error: duckdb.IOException) -> CrosswalkError:
    if full := said_of_full(error, f"{file.name} cannot be opened"):
        return full
    if "lock" in str(error):
        return DataError(
            what=f"{file.name} is open in another process.",
            hint="Only one Crosswalk can use a workspace: close the other one, or choose "
            "another folder with CROSSWALK_WORKSPACE.",
        )
    return DataError(
        what=f"{file.name} cannot be opened ({str(error).splitlines()[0][:200]}).",
        hint="Move it away and start again: its tables are made anew from the imported files.",
    )
