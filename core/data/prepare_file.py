"""A file made safe to read: plain UTF-8 text, or Parquet, inside a folder of its own."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from core.basics.errors import DataError
from core.basics.progress import Progress, Report, silent
from core.data.head import cells, column_names, read_head
from core.data.json_lines import keys_of, objects_of, write_as_json
from core.data.left_out import leaves_lines_out, write_without
from core.data.raw_file import PARQUET, TEXT, TextFacts, read_facts, sort_of, write_plain
from core.data.read_options import (
    ADJACENCY,
    ID_ROLES,
    LISTS,
    OBJECTS,
    PYTHON_LINES,
    ReadOptions,
    check_options,
)
from core.data.reading import Table, refuse_lists
from core.data.shapes import write_pairs


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
