"""Find the column of a file that holds the items another file speaks of."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from core.basics.columns import ATTRIBUTE, ITEM
from core.basics.formatting import count
from core.data.database import in_memory
from core.data.reading.options import (
    IGNORE,
    ITEMS,
    MOST_ATTRIBUTES,
    ReadOptions,
    import_roles,
    relation,
)
from core.data.reading.prepare import prepare, trimmed
from core.data.reading.preview import preview_file
from core.data.reading.rows import read_batches

LOOKED_AT = 1_000_000  # rows of the file
_LONGEST_ID = 64  # characters; longer values are texts


@dataclass(frozen=True)
class ItemColumn:
    """A column and how many of the known items are among its values."""

    column: str
    known: int
    of: int

    def words(self, file: str) -> str:
        """`160 of 160 items are in the column parent_asin of meta.jsonl.`"""
        items = count(self.of, "item")
        return f"{self.known:,} of {items} are in the column {self.column} of {file}."


def best_item_column(
    item_table: Path, options: ReadOptions, known_ids: Iterable[str]
) -> ItemColumn | None:
    """The column that holds most of the known items; None where none holds any.

    item_table: an item table, or interactions, to be read as the options say, whatever roles they
    name. known_ids: items of the other file. The column that is the item by the options wins where
    another one is as good. Raises DataError where the file cannot be read.
    """
    preview = preview_file(
        item_table,
        options.kind,
        options.encoding,
        options.delimiter,
        options.quote,
        options.header,
        options.layout,
    )
    # Columns whose values may be ids, the one that is the item by the options first
    short = [
        column for column in preview.head if preview.head[column].str.len().max() <= _LONGEST_ID
    ]
    item = options.columns().get(ITEM)
    columns = sorted(short, key=lambda column: column != item)[: MOST_ATTRIBUTES + 1]
    ids = pa.array(sorted(set(map(str, known_ids))), pa.string())
    if not columns or not len(ids):
        return None
    roles = dict.fromkeys(columns, ATTRIBUTE) | {columns[0]: ITEM}
    asked = replace(options, kind=ITEMS, roles=roles)
    found: dict[str, set[str]] = {column: set() for column in columns}
    with tempfile.TemporaryDirectory() as folder:
        work, rows = Path(folder), 0
        table, _ = prepare(item_table, asked, work)
        files = [table.file.resolve()]
        with in_memory(work, files=files, threads=2) as connection:
            for batch in read_batches(connection, table, asked):
                for role, column in asked.columns().items():
                    values = trimmed(batch.column(role))
                    there = values.filter(pc.is_in(values, value_set=ids))
                    found[column] |= set(there.unique().to_pylist())
                rows += batch.num_rows
                if rows >= LOOKED_AT:
                    break
    best = max(columns, key=lambda column: len(found[column]))
    return ItemColumn(best, len(found[best]), len(ids)) if found[best] else None


def known_in_head(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], head: pd.DataFrame
) -> dict[str, int]:
    """Column -> how many different values of a file's first rows are items that the files know."""
    return {column: _known(connection, files, head[column]) for column in head}


def _known(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], values: pd.Series) -> int:
    written = values.str.strip().unique().tolist()
    known: set[str] = set()
    for file in files:
        rows = connection.execute(
            f"SELECT DISTINCT {ITEM} FROM {relation(connection, file)} "
            f"WHERE {ITEM} IN (SELECT unnest(?::VARCHAR[]))",
            [written],
        ).fetchall()
        known |= {row[0] for row in rows}
    return len(known)


# What to do where an item table knows few items: which column of which file may hold the ids.

_SHOWN = 6  # columns that are named


def other_item_column(interactions: Path, items: Path) -> str:
    """One sentence that names the column to take, or those there are to choose from.

    A file's rows are gone once it is imported, but the names of its columns are kept: one that
    both files have is the surest sign, such as `parent_asin` in reviews and in their products.
    """
    rated, table = import_roles(interactions), import_roles(items)
    item_of_rated = next((column for column, role in rated.items() if role == ITEM), None)
    item_of_table = next((column for column, role in table.items() if role == ITEM), None)
    unused_rated, unused = (
        [column for column, role in roles.items() if role == IGNORE] for roles in (rated, table)
    )
    if item_of_table in unused_rated:
        return (
            f"The interactions have a column {item_of_table} too: import them again with it as "
            "the item."
        )
    if item_of_rated in table and item_of_rated != item_of_table:
        return (
            f"The item table has a column {item_of_rated} too: import it again with it as the item."
        )
    said = "One of the two files may have its items in another column: import it again with that."
    named = [
        f"{whose} {', '.join(columns[:_SHOWN])}"
        for whose, columns in (
            ("the interactions also have", unused_rated),
            ("the table also has", unused),
        )
        if columns
    ]
    others = " and ".join(named)
    return f"{said} {others[:1].upper()}{others[1:]}." if named else said
