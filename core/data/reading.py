"""The rows of a prepared file, read by DuckDB with nothing left to its guesses.

Every column is read as text and its number is its place in the file; what a role needs is
converted here, and a value that cannot be converted comes along beside its NULL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from core.basics.columns import RATING, TIME
from core.basics.errors import DataError
from core.data.database import name, number, text
from core.data.read_options import ID_ROLES, ReadOptions

BATCH_ROWS = 500_000
BAD = " as it stands"  # suffix of the column with the text of a value that was not understood
TOO_LONG = "longer than 2,000,000 bytes"
UNCLOSED = "a quote is opened and not closed properly"
MOST_BROKEN = 1_000_000
RAW_LENGTH = 10_000  # characters DuckDB keeps of a line it rejects
_OFFSET = r":\d\d(\.\d+)?\s*(Z|[+-]\d\d(:?\d\d)?)$"  # a time of day with its zone


@dataclass(frozen=True)
class Table:
    """A prepared file: UTF-8 text or Parquet; columns: their names, in the file's order."""

    file: Path
    columns: list[str]
    parquet: bool
    one_by_one: bool = False  # quoted values may hold line breaks: read without guessing at breaks
    lists: frozenset[str] = frozenset()  # columns of a Parquet file that hold lists


@dataclass(frozen=True)
class Broken:
    """A place where lines do not make a row: start in bytes, the text, and the reason."""

    byte: int
    raw: str
    reason: str
    swallows: bool  # a quote that is not closed properly took in the lines that follow


def read_batches(
    connection: duckdb.DuckDBPyConnection, table: Table, options: ReadOptions
) -> Iterator[pa.RecordBatch]:
    """The rows of a table in the file's order, the header's row included.

    Ids are text as it stands. A rating is a finite float32, a time int64 seconds; NULL means it
    was not understood, and the text is in the column with the suffix BAD. Other texts have no
    NULLs. Raises DataError where the file cannot be read as asked.
    """
    inner = f"SELECT {_inner(table, options)} FROM {_from(table, options)}"
    query = f"SELECT {_outer(options)} FROM ({inner})"
    try:
        reader = connection.sql(query).to_arrow_reader(BATCH_ROWS)
        yield from reader
    except (duckdb.Error, pa.ArrowException, OSError) as error:  # the stream wraps DuckDB's own
        raise _unreadable(error) from error


def read_broken(connection: duckdb.DuckDBPyConnection, table: Table) -> list[Broken]:
    """What the last read could not make rows of, in the file's order, once per place.

    Raises DataError where there are so many that the file is plainly cut by the wrong character.
    """
    if table.parquet:
        return []
    places = number(connection, "SELECT count(DISTINCT line_byte_position) FROM reject_errors")
    if places > MOST_BROKEN:
        raise DataError(
            what=f"{places:,} lines do not have the {len(table.columns):,} columns of the first.",
            hint="Check the delimiter and the quote; the first line may belong to another table.",
        )
    found = connection.execute(
        "SELECT line_byte_position - 1, any_value(csv_line ORDER BY column_idx), "
        "any_value(error_type ORDER BY column_idx)::VARCHAR, "
        "any_value(error_message ORDER BY column_idx) "
        "FROM reject_errors GROUP BY line_byte_position ORDER BY line_byte_position"
    ).fetchall()
    return [_broken(len(table.columns), *place) for place in found]


def _broken(wide: int, byte: int, line: str | None, sort: str, message: str) -> Broken:
    """Blank lines before the place count as part of it in DuckDB, and not here."""
    raw = (line or "").lstrip("\r\n")
    byte += len(line or "") - len(raw)
    return Broken(byte, raw, _reason(sort, message, wide), sort == "UNQUOTED VALUE")


def _from(table: Table, options: ReadOptions) -> str:
    file = text(str(table.file))
    if table.parquet:
        return f"read_parquet({file})"
    columns = ", ".join(f"{text(f'c{at}')}: 'VARCHAR'" for at in range(len(table.columns)))
    quote = text(options.quote)
    return (
        f"read_csv({file}, auto_detect=false, header=false, delim={text(options.delimiter)}, "
        f"quote={quote}, escape={quote}, columns={{{columns}}}, store_rejects=true, "
        f"parallel={not table.one_by_one})"
    )


def _inner(table: Table, options: ReadOptions) -> str:
    """Texts of the columns that are used, and the first attempt at numbers."""
    parts = []
    for role, column in options.columns().items():
        value = _as_text(table, column)
        parts.append(f"{value} AS {name(role)}")
        if role == RATING:
            parts.append(f"try_cast({_decimal(value, options)} AS FLOAT) AS rating_number")
        if role == TIME:
            parts.append(f"try_cast({value} AS BIGINT) AS time_number")
    return ", ".join(parts)


def _as_text(table: Table, column: str) -> str:
    if not table.parquet:
        return f"c{table.columns.index(column)}"
    if column in table.lists:
        return f"array_to_string(CAST({name(column)} AS VARCHAR[]), '|')"
    return f"CAST({name(column)} AS VARCHAR)"


def _outer(options: ReadOptions) -> str:
    parts = []
    for role in options.columns():
        column = name(role)
        if role == RATING:
            good = "isfinite(rating_number)"
            parts.append(f"CASE WHEN {good} THEN rating_number END AS {column}")
            parts.append(f"CASE WHEN {good} THEN NULL ELSE {column} END AS {name(role + BAD)}")
        elif role == TIME:
            parts.append(f"{_seconds()} AS {column}")
            parts.append(f"CASE WHEN {_seconds()} IS NULL THEN {column} END AS {name(role + BAD)}")
        elif role in ID_ROLES[options.kind]:
            parts.append(column)
        else:
            parts.append(f"coalesce({column}, '') AS {column}")
    return ", ".join(parts)


def _decimal(value: str, options: ReadOptions) -> str:
    if not options.decimal_comma:
        return value
    return f"CASE WHEN NOT contains({value}, '.') THEN replace({value}, ',', '.') END"


def _seconds() -> str:
    """Unix seconds; larger numbers are milli-, micro- or nanoseconds; 20240531 is a day."""
    column = name(TIME)
    day = f"epoch(try_strptime({column}, '%Y%m%d'))::BIGINT"
    zoned = f"try_cast(epoch(try_cast({column} AS TIMESTAMPTZ)) AS BIGINT)"
    naive = f"try_cast(epoch(try_cast({column} AS TIMESTAMP)) AS BIGINT)"
    units = " ".join(
        f"WHEN time_number BETWEEN -{most} AND {most} THEN time_number // {unit}"
        for most, unit in ((10**11, 1), (10**14, 10**3), (10**17, 10**6))
    )
    return (
        f"CASE WHEN time_number IS NULL AND regexp_matches({column}, {text(_OFFSET)}) THEN {zoned} "
        f"WHEN time_number IS NULL THEN {naive} "
        f"WHEN time_number BETWEEN 19000101 AND 21001231 "
        f"AND try_strptime({column}, '%Y%m%d') IS NOT NULL THEN {day} "
        f"{units} ELSE time_number // {10**9} END"
    )


def _reason(sort: str, message: str, wide: int) -> str:
    if sort == "UNQUOTED VALUE":
        return UNCLOSED
    if sort == "INVALID ENCODING":
        return "bytes that are not UTF-8"
    if sort == "LINE SIZE OVER MAXIMUM":
        return TOO_LONG
    if sort == "MISSING COLUMNS":
        return f"fewer than {wide} columns"
    if sort == "TOO MANY COLUMNS":
        return f"more than {wide} columns"
    return message.splitlines()[0][:200]


def _unreadable(error: Exception) -> DataError:
    first = str(error).splitlines()[0][:200]
    return DataError(
        what=f"The file cannot be read with these choices ({first}).",
        hint="Change the delimiter, the quote or the encoding, or save the file again as CSV.",
    )
