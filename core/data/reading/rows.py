"""Read the rows of a prepared file with DuckDB, and turn its texts into what the roles need.

Every column is read as text and its number is its place in the file; what a role needs is
converted here, and a value that cannot be converted comes along beside its NULL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import duckdb
import numpy as np
import pyarrow as pa

from core.basics.columns import (
    ATTRIBUTE,
    CATEGORIES,
    COUNT,
    DISTANCE,
    EVENT,
    RANK,
    RATING,
    SCORE,
    TIME,
    VECTOR,
)
from core.basics.errors import DataError
from core.basics.formatting import count
from core.basics.types import BoolArray, IntArray
from core.data.database import name, number, text
from core.data.reading.numbers import number_as_text, unrated_numbers
from core.data.reading.options import ID_ROLES, LISTS, ReadOptions
from core.data.reading.times import read_in_form, trimmed, usual_seconds

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
        first = str(error).splitlines()[0][:200]
        unreadable = DataError(
            what=f"The file cannot be read with these choices ({first}).",
            hint="Change the delimiter, the quote or the encoding, or save the file again as CSV.",
        )
        raise unreadable from error


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


# SQL that turns the texts of a file's columns into what their roles need.

BAD = " as it stands"  # suffix of the column with the text of a value that was not understood
NUMBERS = {  # roles of numbers, and how precise
    RATING: "FLOAT",
    COUNT: "DOUBLE",
    SCORE: "DOUBLE",
    RANK: "DOUBLE",
    DISTANCE: "DOUBLE",
}
TOKENS = ":token_seq"  # a RecBole column of several words, a space between two
_READ = " as a number"  # suffix of the first attempt


def texts_and_attempts(values: dict[str, str], vector: str, options: ReadOptions) -> str:
    """The inner SELECT list: per role its text, and beside numbers and times a first attempt.

    values: role -> SQL of the text of its column; vector: SQL of the numbers of one, FLOAT[].
    """
    parts = []
    for role, value in values.items():
        parts.append(f"{_words(role, value, options)} AS {name(role)}")
        if role in NUMBERS:
            plain = number_as_text(value, options.decimal_comma, options.thousands)
            cast = f"try_cast({plain} AS {NUMBERS[role]})"
            parts.append(f"{cast} AS {name(role + _READ)}")
        if role == TIME:
            whole = f"try_cast({trimmed(value)} AS BIGINT)"
            form = options.date_format
            read = read_in_form(value, form) if form else whole
            parts.append(f"{read} AS {name(role + _READ)}")
    if options.vector_columns():
        parts.append(f"{vector} AS {VECTOR}")
    return ", ".join(parts)


def values_and_faults(options: ReadOptions) -> str:
    """The outer SELECT list: what each role needs, NULL where it was not understood.

    The text of what was not understood is in the column with the suffix BAD.
    """
    parts = []
    for role in options.columns():
        column = name(role)
        if role in NUMBERS:
            number, good = name(role + _READ), f"isfinite({name(role + _READ)})"
            if role == COUNT:
                good = f"({good} AND {number} > 0)"
            if role == RATING and options.no_rating:
                good = f"({good} AND NOT {_not_rated(number, options)})"
            parts.append(f"CASE WHEN {good} THEN {number} END AS {column}")
            parts.append(f"CASE WHEN {good} THEN NULL ELSE {column} END AS {name(role + BAD)}")
        elif role == TIME:
            read = name(role + _READ)
            seconds = read if options.date_format else usual_seconds(column, read)
            parts.append(f"{seconds} AS {column}")
            parts.append(f"CASE WHEN {seconds} IS NULL THEN {column} END AS {name(role + BAD)}")
        elif role in ID_ROLES[options.kind]:
            parts.append(column)
        else:
            parts.append(f"coalesce({column}, '') AS {column}")
    if options.vector_columns():
        parts.append(VECTOR)
    return ", ".join(parts)


def _words(role: str, value: str, options: ReadOptions) -> str:
    """Names in one cell of a RecBole file stand apart by bars from here on, as everywhere."""
    if role == EVENT:
        return f"trim({value})"
    if role.startswith((CATEGORIES, ATTRIBUTE)) and options.columns()[role].endswith(TOKENS):
        return f"replace({value}, ' ', '|')"
    return value


def _not_rated(rating: str, options: ReadOptions) -> str:
    """SQL of whether a number says that nothing was rated."""
    return f"list_contains({unrated_numbers(options.no_rating)}::FLOAT[], {rating})"


# Uploaded vectors: SQL that reads them from one column or many, and which of them can be kept.

_BRACKETS, _BLANKS = "[](){}", "      "
_BETWEEN, _AROUND = r"[\s,;|]+", " ,;|\t\n\r"  # what stands between two numbers in a text


@dataclass(frozen=True)
class VectorCounts:
    """What became of the vectors of an item table, item by item."""

    width: int  # numbers of each vector that is kept, 0 where none is
    kept: int
    unread: int  # something in it is no finite number
    other: int  # of another length than most
    absent: int  # nothing was given

    @property
    def lost(self) -> int:
        """Items that stay without the vector they came with."""
        return self.unread + self.other

    def words(self) -> str:
        """One sentence with every count that is not 0."""
        items = self.kept + self.lost + self.absent
        if not self.width:
            return f"None of {count(items, 'item')} has a vector that can be read."
        said = f"{self.kept:,} of {count(items, 'item')} have a vector of {self.width:,} numbers"
        others = (
            (self.unread, "with something that is no finite number"),
            (self.other, "of another length"),
        )
        lost = [f"{number:,} {why}" for number, why in others if number]
        left = f"; left out: {' and '.join(lost)}, whose items stay" if lost else ""
        return f"{said}{left}."


def from_text(joined: str, decimal_comma: bool) -> str:
    """SQL of the numbers of a text such as "[0.1, 0.2]", FLOAT[]; NULL inside for what is none.

    joined: SQL of the text, or of those of several columns with a space between.
    """
    if decimal_comma:
        points = f"replace({joined}, ',', '.')"
        joined = f"CASE WHEN contains({joined}, '.') THEN {joined} ELSE {points} END"
    plain = f"translate({joined}, {text(_BRACKETS)}, {text(_BLANKS)})"
    trimmed = f"nullif(trim({plain}, {text(_AROUND)}), '')"
    parts = f"string_split_regex({trimmed}, {text(_BETWEEN)})"
    return f"list_transform({parts}, lambda part: try_cast(part AS FLOAT))"


def from_parquet(columns: Sequence[str], lists: frozenset[str]) -> str:
    """SQL of the numbers of Parquet columns, FLOAT[]; lists: those that hold arrays."""
    if len(columns) == 1 and columns[0] not in lists:
        return from_text(f"CAST({name(columns[0])} AS VARCHAR)", decimal_comma=False)
    if not lists.intersection(columns):
        numbers = f"[{', '.join(f'try_cast({name(column)} AS FLOAT)' for column in columns)}]"
        return _where_any(columns, numbers)
    pieces = [
        f"try_cast({name(column)} AS FLOAT[])"
        if column in lists
        else f"[try_cast({name(column)} AS FLOAT)]"
        for column in columns
    ]
    if len(pieces) == 1:
        return pieces[0]
    return _where_any(columns, f"flatten([{', '.join(pieces)}])")


def _where_any(columns: Sequence[str], numbers: str) -> str:
    """NULL for a row in which no column has anything."""
    empty = " AND ".join(f"{name(column)} IS NULL" for column in columns)
    return f"CASE WHEN NOT ({empty}) THEN {numbers} END"


def checked_vectors(
    column: pa.ChunkedArray, counted: BoolArray
) -> tuple[pa.ChunkedArray, VectorCounts]:
    """The lists of finite numbers of the most frequent length, NULL for all others.

    column: lists of float32; counted: (n_rows,) which rows stay, as the others are repeated.
    """
    parts = [_read(chunk) for chunk in column.chunks]
    given, finite = (
        np.concatenate([np.zeros(0, np.int64), *(part[place] for part in parts)])
        for place in (0, 1)
    )
    read = (given > 0) & (finite == given)
    good = counted & read
    width = int(np.bincount(given[good]).argmax()) if good.any() else 0
    fits = read & (given == width)
    counts = VectorCounts(
        width,
        kept=int((good & fits).sum()),
        unread=int((counted & (given > 0) & ~read).sum()),
        other=int((good & ~fits).sum()),
        absent=int((counted & (given == 0)).sum()),
    )
    starts = np.cumsum([0, *(len(chunk) for chunk in column.chunks)])
    kept = [
        chunk.take(pa.array(np.arange(len(chunk)), mask=~fits[start : start + len(chunk)]))
        for chunk, start in zip(column.chunks, starts.tolist(), strict=False)
    ]
    return pa.chunked_array(kept, type=column.type), counts


def _read(chunk: pa.ListArray) -> tuple[IntArray, IntArray]:
    """Per row how many numbers are given, and how many of them are finite."""
    sizes = np.asarray(chunk.value_lengths().fill_null(0), dtype=np.int64)
    values = chunk.flatten().to_numpy(zero_copy_only=False)  # NULL is NaN
    ends = np.cumsum(sizes)
    finite = np.concatenate([[0], np.cumsum(np.isfinite(values), dtype=np.int64)])
    return sizes, finite[ends] - finite[ends - sizes]
