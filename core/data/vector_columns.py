"""Uploaded vectors: SQL that reads them from one column or many, and which of them can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from core.basics.formatting import count
from core.basics.types import BoolArray, IntArray
from core.data.database import name, text

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
