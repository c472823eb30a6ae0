"""Text ids as numbers in little memory, and which of several rows with the same ids stays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.basics.types import BoolArray, FloatArray, IntArray

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
        kept[rows[_one_of_each(key, keep_last)]] = True
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


def _one_of_each(key: IntArray, keep_last: bool) -> IntArray:
    """Positions of the last, or first, of each different value."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    differs = ordered[1:] != ordered[:-1]
    ends = np.ones(len(key), dtype=bool)
    if keep_last:
        ends[:-1] = differs
    else:
        ends[1:] = differs
    return order[ends]
