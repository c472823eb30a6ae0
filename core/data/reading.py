"""The rows of a prepared file, read by DuckDB with nothing left to its guesses.

Every column is read as text and its number is its place in the file; what a role needs is
converted here, and a value that cannot be converted comes along beside its NULL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import duckdb
import pyarrow as pa

from core.basics.columns import ATTRIBUTE, CATEGORIES
from core.basics.errors import DataError
from core.basics.types import IntArray
from core.data.conversions import texts_and_attempts, values_and_faults
from core.data.database import name, number, text
from core.data.read_options import ID_ROLES, LISTS, ReadOptions
from core.data.vector_columns import from_parquet, from_text

BATCH_ROWS = 500_000
WIDE_BATCH_ROWS = 10_000  # where every row has a vector
LINE_TEXT = "whole line"  # column with a line that is no JSON object, NULL for the others
TOO_LONG = "longer than 2,000,000 bytes"
UNCLOSED = "a quote is opened and not closed properly"
MOST_BROKEN = 1_000_000
_WHOLE = "CASE WHEN json_valid(c0) THEN c0 END"  # the object of a line of JSON, NULL for others
RAW_LENGTH = 10_000  # characters DuckDB keeps of a line it rejects


@dataclass(frozen=True)
class Table:
    """A prepared file: UTF-8 text or Parquet; columns: their names, in the file's order."""

    file: Path
    columns: list[str]
    parquet: bool
    one_by_one: bool = False  # quoted values may hold line breaks: read without guessing at breaks
    lists: frozenset[str] = frozenset()  # columns of a Parquet file that hold lists
    objects: bool = False  # every line is a JSON object
    nested: frozenset[str] = frozenset()  # columns of a Parquet file of lists, structs or maps
    floats: dict[str, int] = field(default_factory=dict)  # float column of Parquet -> exact below
    origin: IntArray | None = None  # (n_lines,) line of the file that a line comes from, if another


@dataclass(frozen=True)
class Broken:
    """A place where lines do not make a row: start in bytes, the text, and the reason."""

    byte: int
    raw: str
    reason: str
    swallows: bool  # a quote that is not closed properly took in the lines that follow


def has_header(table: Table, options: ReadOptions) -> bool:
    """Whether the first row of the table is the names of its columns."""
    return options.header and not table.parquet and not table.objects


def read_batches(
    connection: duckdb.DuckDBPyConnection, table: Table, options: ReadOptions
) -> Iterator[pa.RecordBatch]:
    """The rows of a table in the file's order, the header's row included.

    Ids are text as it stands. A rating is a finite float32, a count a finite float64 above 0, a
    time int64 seconds; NULL means it was not understood, and the text is in the column with the
    suffix BAD. A vector is a list of float32, NULL where there is none. Other texts have no NULLs.
    Raises DataError where the file cannot be read as asked.
    """
    texts = texts_and_attempts(_texts(table, options), _vector(table, options), options)
    broken = f", {_broken_line(table)} AS {name(LINE_TEXT)}" if table.objects else ""
    inner = f"SELECT {texts}{broken} FROM {_from(table, options)}"
    query = f"SELECT {values_and_faults(options)}{broken and f', {name(LINE_TEXT)}'} FROM ({inner})"
    try:
        rows = WIDE_BATCH_ROWS if options.vector_columns() else BATCH_ROWS
        reader = connection.sql(query).to_arrow_reader(rows)
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
    if table.objects:  # a line is one cell: control characters stand in no JSON text
        return (
            f"read_csv({file}, auto_detect=false, header=false, delim='\x01', quote='', "
            "escape='', columns={'c0': 'VARCHAR'}, store_rejects=true)"
        )
    columns = ", ".join(f"{text(f'c{at}')}: 'VARCHAR'" for at in range(len(table.columns)))
    quote = text(options.quote)
    escape = text(options.escape) if options.quote and options.escape else quote
    return (
        f"read_csv({file}, auto_detect=false, header=false, delim={text(options.delimiter)}, "
        f"quote={quote}, escape={escape}, columns={{{columns}}}, store_rejects=true, "
        f"parallel={not table.one_by_one})"
    )


def _broken_line(table: Table) -> str:
    is_object = "CASE WHEN json_valid(c0) THEN json_type(c0) END"
    return f"CASE WHEN {is_object} IS DISTINCT FROM 'OBJECT' THEN c0 END"


def _texts(table: Table, options: ReadOptions) -> dict[str, str]:
    """Role -> SQL of the text of its column."""
    texts = {}
    for role, column in options.columns().items():
        texts[role] = _as_text(table, column)
        if role in ID_ROLES[options.kind] and options.kind != LISTS:
            texts[role] = _id_text(table, column)
        elif role.startswith((CATEGORIES, ATTRIBUTE)):
            texts[role] = _names_text(table, column)
    return texts


def _id_text(table: Table, column: str) -> str:
    """An id that a float column holds loses its .0, so that it matches the id of another file.

    Above 2^53, or 2^24 in 32 bits, it tells whole numbers apart no longer: they stay as SQL writes
    them. Several
    ids in one JSON value stay a list, which is refused.
    """
    if table.objects:
        several = " OR ".join(
            f"json_array_length({_WHOLE}, {place}) > 1" for place in _places(column)
        )
        return f"CASE WHEN {several} THEN {_raw_text(column)} ELSE {_of_object(column)} END"
    if column not in table.floats:
        return _as_text(table, column)
    value = name(column)
    exact = f"{value} = trunc({value}) AND abs({value}) < {table.floats[column]}"
    return (
        f"CASE WHEN isnan({value}) THEN NULL "
        f"WHEN {exact} THEN CAST(try_cast({value} AS BIGINT) AS VARCHAR) "
        f"ELSE CAST({value} AS VARCHAR) END"
    )


def _names_text(table: Table, column: str) -> str:
    """The text of a cell that may hold several names; lists come as JSON."""
    if table.objects:
        return _raw_text(column)
    if column in table.nested:
        return f"CAST(to_json({name(column)}) AS VARCHAR)"
    return _as_text(table, column)


def refuse_lists(column: str, example: str) -> NoReturn:
    """Raises DataError for a column of ids that holds several in one cell."""
    shown = f" ({example[:60]!r})" if example else ""
    raise DataError(
        what=f"The column {column[:60]} holds a list of ids in every cell, not one id{shown}.",
        hint="Write one row for each of them, as pandas does with "
        f"table.explode({column[:60]!r}), and choose that file.",
    )


def _vector(table: Table, options: ReadOptions) -> str:
    """SQL of the numbers of a row's vector, FLOAT[]; NULL where the options name none."""
    columns = options.vector_columns()
    if not columns:
        return "NULL"
    if table.parquet:
        return from_parquet(columns, table.lists)
    if table.objects:
        places = ", ".join(text(f'$."{key}"') for key in columns)
        joined = f"array_to_string(json_extract_string({_WHOLE}, [{places}]), ' ')"
    else:
        joined = f"concat_ws(' ', {', '.join(_as_text(table, column) for column in columns)})"
    return from_text(joined, options.decimal_comma)


def _as_text(table: Table, column: str) -> str:
    if table.objects:
        return _of_object(column)
    if not table.parquet:
        return f"c{table.columns.index(column)}"
    if column in table.lists:
        return f"array_to_string(CAST({name(column)} AS VARCHAR[]), '|')"
    return f"CAST({name(column)} AS VARCHAR)"


def _of_object(key: str) -> str:
    """The text of a value of a JSON object, a list's parts joined by bars; NULL in other lines."""
    found = []
    for place in _places(key):
        parts = f"{place[:-1]}[*]'"
        joined = f"array_to_string(json_extract_string({_WHOLE}, {parts}), '|')"
        is_list = f"json_type({_WHOLE}, {place}) = 'ARRAY'"
        plain = f"json_extract_string({_WHOLE}, {place})"
        found.append(f"CASE WHEN {is_list} THEN {joined} ELSE {plain} END")
    return f"coalesce({', '.join(found)})"


def _raw_text(key: str) -> str:
    """The text of a value of a JSON object, a list or an object as JSON writes it."""
    return f"coalesce({', '.join(f'json_extract_string({_WHOLE}, {p})' for p in _places(key))})"


def _places(key: str) -> list[str]:
    """Where a key is, as SQL: `a.b` is that key, and where there is none, b in the object of a."""
    ways = [f'$."{key}"']
    if all(key.split(".")):
        ways.append("$" + "".join(f'."{part}"' for part in key.split(".")))
    return [text(way) for way in dict.fromkeys(ways)]


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
