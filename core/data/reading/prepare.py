"""Make a file safe to read, and give out its rows with ids as numbers."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.basics.columns import ATTRIBUTE, CATEGORIES, COUNT, EVENT, TIME, VECTOR
from core.basics.errors import DataError
from core.basics.progress import Progress, Report, silent
from core.basics.types import BoolArray, FloatArray, IntArray
from core.data.database import in_memory
from core.data.reading.cells import BAR, CAREFUL, bar_joined, is_list
from core.data.reading.head import cells, column_names, read_head, write_pairs
from core.data.reading.kinds import EventColumn
from core.data.reading.options import (
    ADJACENCY,
    ID_ROLES,
    IGNORE,
    LISTS,
    OBJECTS,
    PYTHON_LINES,
    ReadOptions,
    check_options,
)
from core.data.reading.raw import (
    PARQUET,
    TEXT,
    TextFacts,
    keys_of,
    leaves_lines_out,
    objects_of,
    read_facts,
    sort_of,
    write_as_json,
    write_plain,
    write_without,
)
from core.data.reading.rejects import ValueRejects, refuse_all, reject_table
from core.data.reading.rows import (
    NUMBERS,
    TOKENS,
    Table,
    has_header,
    read_batches,
    read_broken,
    refuse_lists,
)


def prepare(
    path: Path, options: ReadOptions, work: Path, report: Report = silent
) -> tuple[Table, TextFacts | None]:
    """The file as DuckDB can read it safely, inside `work`, and what one pass over it counts.

    Raises DataError where it is empty, not a table, or its columns are not those of the options.
    """
    if sort_of(path) == PARQUET:
        return _prepare_parquet(path, options, work), None
    report(Progress(0, 0, "looking through the file"))
    plain, facts = _plain_text(path, options, work)
    if options.layout == PYTHON_LINES:
        write_as_json(plain, work / "rows.jsonl")
        plain = work / "rows.jsonl"
    origin = None
    if options.layout == ADJACENCY:
        origin = write_pairs(plain, options.delimiter, work / "pairs.csv")
        plain = work / "pairs.csv"
        facts = replace(read_facts(plain, options.quote), skipped=facts.skipped)
    text, _ = read_head(plain, "utf-8")
    if options.layout in OBJECTS:
        columns = keys_of(objects_of(text))
        check_options(options, columns)
        return Table(plain, columns, parquet=False, objects=True), replace(facts, quoted=False)
    head = cells(text, options.delimiter, options.quote, most=2, escape=options.escape)
    if len(head) <= options.header:
        raise DataError(
            what="The file has no rows below its header." if head else "The file has no rows.",
            hint="Choose the file that holds the rows, or say that it has no header.",
        )
    columns = column_names(head[0], options.header)
    check_options(options, columns)
    return Table(plain, columns, parquet=False, one_by_one=facts.quoted, origin=origin), facts


def _plain_text(path: Path, options: ReadOptions, work: Path) -> tuple[Path, TextFacts]:
    """The file itself where it is plain UTF-8 already and all rows, else a copy that is."""
    plain, facts = _in_utf8(path, options, work)
    if not leaves_lines_out(options):
        return plain, facts
    write_without(plain, options, kept := work / "kept.csv")
    found = read_facts(kept, options.quote)
    return kept, replace(found, skipped=facts.lines - found.lines)


def _in_utf8(path: Path, options: ReadOptions, work: Path) -> tuple[Path, TextFacts]:
    if sort_of(path) == TEXT and options.encoding == "utf-8":
        facts = read_facts(path, options.quote)
        if facts.plain_ends:
            return _linked(path, work / "rows.csv"), facts
    plain = work / "rows.csv"
    write_plain(path, options.encoding, plain)
    return plain, read_facts(plain, options.quote)


def _linked(path: Path, to: Path) -> Path:
    """The file under a name inside the folder DuckDB may read; its own name stays outside SQL."""
    try:
        os.link(path.resolve(), to)
    except OSError:  # another disk, or not ours: it is read where it stands
        to.symlink_to(path.resolve())
    return to


def parquet_columns(path: Path) -> dict[str, bool]:
    """Names of a Parquet file's columns, and whether each holds lists.

    Raises DataError where the file is damaged or two names differ in case only.
    """
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            what=f"The Parquet file is damaged ({str(error).splitlines()[0][:200]}).",
            hint="Write it again, or export it as CSV.",
        ) from None
    lower = [name.lower() for name in schema.names]  # SQL does not tell User from user
    if twice := [name for name in schema.names if lower.count(name.lower()) > 1]:
        raise DataError(
            what=f"Columns {', '.join(twice[:4])} of the Parquet file have the same name.",
            hint="Rename them, or export the table as CSV.",
        )
    return {field.name: _holds_lists(field.type) for field in schema}


def exact_below(kind: pa.DataType) -> int:
    """Up to which whole number a column of floating-point numbers tells all apart; 0 for others."""
    if not pa.types.is_floating(kind):
        return 0
    return 2**53 if pa.types.is_float64(kind) else 2**24 if pa.types.is_float32(kind) else 2**11


def _holds_lists(kind: pa.DataType) -> bool:
    types = pa.types
    return types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)


def _prepare_parquet(path: Path, options: ReadOptions, work: Path) -> Table:
    columns = parquet_columns(path)
    check_options(options, list(columns))
    if not pq.read_metadata(path).num_rows:
        raise DataError(
            what="The Parquet file has no rows.", hint="Choose the file that holds the rows."
        )
    lists = frozenset(name for name, holds_lists in columns.items() if holds_lists)
    schema = pq.read_schema(path)
    nested = frozenset(field.name for field in schema if pa.types.is_nested(field.type))
    floats = {field.name: exact for field in schema if (exact := exact_below(field.type))}
    for column, role in options.roles.items():
        if options.kind != LISTS and role in ID_ROLES[options.kind] and column in nested:
            refuse_lists(column, "")
    file = _linked(path, work / "rows.parquet")
    return Table(file, list(columns), parquet=True, lists=lists, nested=nested, floats=floats)


# Text ids as numbers in little memory, and which of several rows with the same ids stays.

_BLOCK = 1_500_000  # values encoded at once
_UNSEEN = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad"
_WHITE = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(code) for code in range(0x2000, 0x200B)
)
_PARTS = 16  # duplicates are looked for in one part of the users after the other


@dataclass
class IdColumn:
    """Collects one column of text ids; holds each id once per block and four bytes a row."""

    blocks: list[pa.DictionaryArray] = field(default_factory=list)
    waiting: list[pa.Array] = field(default_factory=list)
    rows_waiting: int = 0

    def add(self, values: pa.Array) -> None:
        """Take the ids of some more rows, without NULLs."""
        self.waiting.append(values)
        self.rows_waiting += len(values)
        if self.rows_waiting >= _BLOCK:
            self._encode()

    def finish(self) -> tuple[IntArray, pa.Array]:
        """Codes, (n_rows,) int32, and the different ids they number."""
        self._encode()
        if not self.blocks:
            return np.zeros(0, dtype=np.int32), pa.array([], type=pa.string())
        blocks = pa.chunked_array(self.blocks).unify_dictionaries()
        self.blocks.clear()
        codes = [block.indices.to_numpy(zero_copy_only=False) for block in blocks.chunks]
        return np.concatenate(codes).astype(np.int32, copy=False), blocks.chunk(0).dictionary

    def _encode(self) -> None:
        if self.waiting:
            together = pa.concat_arrays(self.waiting)
            self.blocks.append(together.dictionary_encode())
            self.waiting.clear()
            self.rows_waiting = 0


def trimmed(ids: pa.Array) -> pa.Array:
    """Ids without what cannot be seen at either end, of any script; NULL where nothing is left.

    That is white space and what editors and spreadsheets leave in a text: a byte order mark,
    spaces of no width, marks of the writing direction.
    """
    ids = pc.utf8_trim_whitespace(ids)
    if pc.any(pc.match_substring_regex(ids, f"^[{_UNSEEN}]|[{_UNSEEN}]$")).as_py():
        ids = pc.utf8_trim(ids, characters=_UNSEEN + _WHITE)
    return pc.if_else(pc.equal(pc.binary_length(ids), 0), None, ids)


def kept_rows(codes: list[IntArray], sizes: list[int], keep_last: bool) -> BoolArray:
    """(n_rows,) True for the row that stays of all those with the same ids.

    codes: some columns of (n_rows,); sizes: how many different ids each has. Sorts one
    part of the first column's ids after the other, so that memory stays near its input's.
    """
    kept = np.zeros(len(codes[0]), dtype=bool)
    parts = codes[0] % _PARTS
    for part in range(_PARTS):
        rows = np.flatnonzero(parts == part)
        key = codes[0][rows].astype(np.int64)
        for column, size in zip(codes[1:], sizes[1:], strict=True):
            if column is not codes[1]:  # numbers of three columns together may be too large
                key = np.unique(key, return_inverse=True)[1]
            key = key * size + column[rows]
        # Positions of the last, or first, of each different value
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        differs = ordered[1:] != ordered[:-1]
        ends = np.ones(len(key), dtype=bool)
        if keep_last:
            ends[:-1] = differs
        else:
            ends[1:] = differs
        one_of_each = order[ends]
        kept[rows[one_of_each]] = True
    return kept


def summed(codes: list[IntArray], n_second: int, values: FloatArray) -> FloatArray:
    """(n_rows,) what the values of all rows with the same two ids add up to.

    codes: two columns of (n_rows,); n_second: how many different ids the second has. Goes through
    one part of the first column's ids after the other, as `kept_rows` does.
    """
    sums = np.empty(len(values), dtype=np.float64)
    parts = codes[0] % _PARTS
    for part in range(_PARTS):
        rows = np.flatnonzero(parts == part)
        key = codes[0][rows].astype(np.int64) * n_second + codes[1][rows]
        place = np.unique(key, return_inverse=True)[1]
        sums[rows] = np.bincount(place, weights=values[rows])[place]
    return sums


# All rows of a prepared file with ids as numbers, and those that cannot be kept, apart.

HOPELESS = 2_000_000  # rows without a good one after which reading stops
_LOOKED_AT = 1_000  # rows that show whether ids are lists
MEMORY_LIMIT = "300MB"  # of DuckDB; the rows themselves are held outside it, as numbers


@dataclass(frozen=True)
class CheckedRows:
    """What a file holds: columns of all well-cut rows that can be kept, and the rejects."""

    columns: dict[str, Any]  # role -> (codes, ids) for ids, an array for the rest; VECTOR lists
    rejects: pd.DataFrame
    count: int  # rows that can be kept, duplicates included
    events: dict[str, int] = field(default_factory=dict)  # event type -> rows, rejected ones too
    left_out: dict[str, int] = field(default_factory=dict)  # optional column -> cells not read


def read_rows(
    table: Table, options: ReadOptions, facts: TextFacts | None, work: Path, report: Report = silent
) -> CheckedRows:
    """All rows of a prepared file, ids as numbers, with the rejects apart.

    A column of ratings or times that cannot be read in most rows is left out, and its rows stay.
    Raises DataError where lines are missing between what DuckDB read and what the file has.
    """
    left_out: dict[str, int] = {}
    while True:
        try:
            rows = _read_once(table, options, facts, work, report)
        except _MostlyUnread as unread:
            left_out |= unread.cells
            ignored = dict.fromkeys(unread.cells, IGNORE)
            options = replace(options, roles=options.roles | ignored)
        else:
            return replace(rows, left_out=left_out)


class _MostlyUnread(Exception):
    """Optional columns that cannot be read in most rows, with how many cells of each."""

    def __init__(self, cells: dict[str, int]) -> None:
        self.cells = cells


def _read_once(
    table: Table, options: ReadOptions, facts: TextFacts | None, work: Path, report: Report
) -> CheckedRows:
    skip = header = int(has_header(table, options))
    nul = facts is None or facts.nul or table.objects  # JSON can spell one out
    values, columns = ValueRejects(options, nul), _collectors(options)
    total = facts.lines if facts else pq.read_metadata(table.file).num_rows
    first = 0
    files = [table.file.resolve()]
    with in_memory(work, files=files, memory_limit=MEMORY_LIMIT, threads=2) as connection:
        for batch in read_batches(connection, table, options):
            if not first and options.kind != LISTS:
                _check_single_ids(batch, options)
            first += batch.num_rows
            batch = _trimmed_ids(_bar_joined(batch, options), options)
            body = batch.slice(skip)
            good = values.take(body, first - body.num_rows)
            if isinstance(events := columns.get(EVENT), EventColumn):
                events.see(body.column(EVENT))
            _collect(columns, body if good.all() else body.filter(pa.array(good)))
            skip = max(0, skip - batch.num_rows)
            if first > HOPELESS and values.count >= first - 1:
                if unread := values.mostly_unread(first - header):
                    raise _MostlyUnread(unread)
                refuse_all(values.sorted()[1])
            report(Progress(first, total, "checking rows"))
        broken = read_broken(connection, table)
    if unread := values.mostly_unread(first - header):
        raise _MostlyUnread(unread)
    rejects = reject_table(table, options, facts, values, broken, first)
    finished = {role: _finished(column) for role, column in columns.items()}
    kept = first - header - values.count
    if not isinstance(events := columns.get(EVENT), EventColumn):
        return CheckedRows(finished, rejects, kept)
    weights = finished.pop(EVENT)
    finished[COUNT] = finished[COUNT] * weights if COUNT in finished else weights
    return CheckedRows(finished, rejects, kept, events.most_frequent())


def _collectors(options: ReadOptions) -> dict[str, IdColumn | EventColumn | list]:
    ids = ID_ROLES[options.kind]
    roles = [*options.columns(), *([VECTOR] if options.vector_columns() else [])]
    columns: dict[str, IdColumn | EventColumn | list] = {
        role: IdColumn() if role in ids else [] for role in roles
    }
    return columns | ({EVENT: EventColumn(options)} if EVENT in columns else {})


def _check_single_ids(batch: pa.RecordBatch, options: ReadOptions) -> None:
    """Raises DataError where the cells of a column of ids are lists."""
    for role in ID_ROLES[options.kind]:
        cells = [cell for cell in batch.column(role).slice(1, _LOOKED_AT).to_pylist() if cell]
        lists = [cell for cell in cells if is_list(cell)]
        if len(lists) > len(cells) / 2:
            refuse_lists(options.columns()[role], lists[0])


def _bar_joined(batch: pa.RecordBatch, options: ReadOptions) -> pa.RecordBatch:
    """The batch with several names in one cell apart by bars."""
    for role, column in options.columns().items():
        if not role.startswith((CATEGORIES, ATTRIBUTE)) or column.endswith(TOKENS):
            continue
        careful = role != CATEGORIES and options.separator in CAREFUL
        separator = BAR if careful else options.separator
        at = batch.schema.get_field_index(role)
        batch = batch.set_column(at, role, bar_joined(batch.column(at), separator))
    return batch


def _trimmed_ids(batch: pa.RecordBatch, options: ReadOptions) -> pa.RecordBatch:
    for role in ID_ROLES[options.kind]:
        at = batch.schema.get_field_index(role)
        batch = batch.set_column(at, role, trimmed(batch.column(at)))
    return batch


def _collect(columns: dict[str, IdColumn | EventColumn | list], batch: pa.RecordBatch) -> None:
    """Take copies: one column of a batch that is held on to would keep all its texts in memory."""
    for role, column in columns.items():
        values = batch.column(role)
        if isinstance(column, IdColumn | EventColumn):
            column.add(values)
        elif role in (*NUMBERS, TIME):
            column.append(np.array(values.to_numpy(zero_copy_only=False)))
        else:
            column.append(pa.concat_arrays([values, values.slice(0, 0)]))


def _finished(column: IdColumn | EventColumn | list) -> Any:
    if isinstance(column, IdColumn | EventColumn):
        return column.finish()
    together = np.concatenate(column) if isinstance(column[0], np.ndarray) else None
    result = pa.chunked_array(column) if together is None else together
    column.clear()
    return result
