"""Which column of a file holds the items that another file speaks of: asin, or parent_asin?"""

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
from core.data.datasets import relation
from core.data.id_codes import trimmed
from core.data.prepare_file import prepare
from core.data.preview import preview_file
from core.data.read_options import ITEMS, MOST_ATTRIBUTES, ReadOptions
from core.data.reading import read_batches

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
    columns = _possible(preview.head, options)
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


def _possible(head: pd.DataFrame, options: ReadOptions) -> list[str]:
    """Columns whose values may be ids, the one that is the item by the options first."""
    short = [column for column in head if head[column].str.len().max() <= _LONGEST_ID]
    item = options.columns().get(ITEM)
    return sorted(short, key=lambda column: column != item)[: MOST_ATTRIBUTES + 1]


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
