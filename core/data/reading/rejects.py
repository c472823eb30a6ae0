"""Rows that cannot be kept: on which line they stand, what is wrong, and the value that is."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from core.basics.columns import COUNT, EVENT, RATING, TIME
from core.basics.errors import DataError
from core.basics.sorted_sets import among
from core.basics.types import BoolArray, IntArray
from core.data.reading.cells import Cutter
from core.data.reading.numbers import unrated_numbers
from core.data.reading.options import ID_ROLES, INTERACTIONS, LABELS, ReadOptions
from core.data.reading.raw import TextFacts, bytewise_cutter
from core.data.reading.rows import (
    BAD,
    LINE_TEXT,
    NUMBERS,
    RAW_LENGTH,
    TOO_LONG,
    UNCLOSED,
    Broken,
    Table,
    has_header,
)

LINE, COLUMN, VALUE, REASON = "line", "column", "value", "reason"
_LONGEST = 300  # characters kept of a value
SWALLOWED = "in the open quote of line"
_WHOLE_LINE = "(whole line)"
NOT_RATED = "not rated"
_MISSING = ("nan", "na", "n/a", "null", "none", "-", "\\n")  # words for what is not there
NO_OBJECT = "not a JSON object"


@dataclass
class ValueRejects:
    """Rows whose cells were cut well but hold a value that cannot be used."""

    options: ReadOptions
    nul: bool = True  # whether an id may hold a NUL byte
    rows: list[IntArray] = field(default_factory=list)
    tables: list[pd.DataFrame] = field(default_factory=list)

    def take(self, batch: pa.RecordBatch, first_row: int) -> BoolArray:
        """(n_rows,) True for the rows that can be kept; notes the others with their first fault."""
        good = self._objects(batch, first_row)
        for role, column in self.options.columns().items():
            values = batch.column(role)
            needed = (*ID_ROLES[self.options.kind], *NUMBERS, TIME)
            if role in ID_ROLES[self.options.kind] and self.nul:
                values = pc.if_else(pc.match_substring(values, "\0"), None, values)
            if role not in needed or not values.null_count:
                continue
            bad = good & pc.is_null(values).to_numpy(zero_copy_only=False)
            values = batch.column(role)
            text = batch.column(role + BAD) if role + BAD in batch.schema.names else values
            self._note(np.flatnonzero(bad), first_row, role, column, text)
            good &= ~bad
        return good & self._counting(batch, first_row, good)

    def _counting(self, batch: pa.RecordBatch, first_row: int, good: BoolArray) -> BoolArray:
        """(n_rows,) False for rows of an event type that weighs 0."""
        dropped = [event for event, weight in self.options.events.items() if not weight]
        if not dropped or EVENT not in batch.schema.names:
            return good
        events = batch.column(EVENT)
        among = pc.is_in(events, pa.array(dropped, type=events.type))
        bad = good & among.to_numpy(zero_copy_only=False)
        column = self.options.columns()[EVENT]
        self._note(np.flatnonzero(bad), first_row, EVENT, column, events)
        return ~bad

    def _objects(self, batch: pa.RecordBatch, first_row: int) -> BoolArray:
        """(n_rows,) False for lines that should be JSON objects and are not."""
        if LINE_TEXT not in batch.schema.names:
            return np.ones(batch.num_rows, dtype=bool)
        lines = batch.column(LINE_TEXT)
        bad = pc.is_valid(lines).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(bad)
        if len(rows):
            values = lines.take(pa.array(rows)).to_pandas().astype("str").str.slice(0, _LONGEST)
            self.rows.append(rows + first_row)
            self.tables.append(_table([_WHOLE_LINE] * len(rows), values, [NO_OBJECT] * len(rows)))
        return ~bad

    @property
    def count(self) -> int:
        """How many rows were noted."""
        return sum(len(rows) for rows in self.rows)

    def mostly_unread(self, rows: int) -> dict[str, int]:
        """Columns of ratings and times that cannot be read in most rows, with how many cells.

        A rating that is not given, or means "not rated", is no sign of it unless all are so.
        """
        if not self.tables or self.options.kind != INTERACTIONS:
            return {}
        noted = pd.concat(self.tables, ignore_index=True)
        found: dict[str, int] = {}
        for role in (RATING, TIME):
            column = self.options.columns().get(role, "")
            faults = noted[noted[COLUMN] == column]
            absent = int((faults[REASON] == f"no {LABELS[role]}").sum())
            unrated = int(faults[REASON].str.startswith(NOT_RATED).sum())
            unread = len(faults) - absent - unrated
            given = rows - absent - unrated
            if len(faults) == rows - unrated or 2 * unread > given:
                found |= {column: len(faults) - unrated} if column and unread + absent else {}
            elif role == TIME and 2 * len(faults) > rows:
                found[column] = len(faults)
        return found

    def sorted(self) -> tuple[IntArray, pd.DataFrame]:
        """Row numbers, ascending, and the table with column, value and reason."""
        if not self.rows:
            return np.zeros(0, dtype=np.int64), _table([], [], [])
        rows = np.concatenate(self.rows)
        order = np.argsort(rows, kind="stable")
        return rows[order], pd.concat(self.tables, ignore_index=True).iloc[order]

    def _note(self, bad: IntArray, first_row: int, role: str, column: str, text: pa.Array) -> None:
        if not len(bad):
            return
        values = text.take(pa.array(bad)).to_pandas().fillna("").astype("str")
        reasons = [_reason(role, value, self.options) for value in values]
        self.rows.append(bad + first_row)
        self.tables.append(_table([column] * len(bad), values.str.slice(0, _LONGEST), reasons))


def reject_table(
    table: Table,
    options: ReadOptions,
    facts: TextFacts | None,
    values: ValueRejects,
    broken: list[Broken],
    cut: int,
) -> pd.DataFrame:
    """Every rejected row with line, column, value and reason, in the file's order.

    cut: how many rows were cut well, the header's included. In a Parquet file, which has no
    lines, the line is the number of the row. Raises DataError where lines of the file are neither
    in these rows nor in the broken places, so that nothing is lost in silence.
    """
    rows, faults = values.sorted()
    if facts is None:
        return faults.assign(**{LINE: rows + 1})[[LINE, COLUMN, VALUE, REASON]]
    broken, row_lines = placed_rows(table, options, facts, broken, cut)
    starts = starts_of(table, broken)
    if row_lines is not None:
        lines = row_lines[rows]
    else:  # every row is one line
        lines = lines_of_rows(table.file, rows, heights(starts, broken)) if len(rows) else rows
    parts = [faults.assign(**{LINE: lines}), _broken_table(starts, broken)]
    together = pd.concat(parts, ignore_index=True).sort_values(LINE, kind="stable")
    together = together.astype({LINE: "int64"}).reset_index(drop=True)
    if table.origin is not None:
        together[LINE] = table.origin[together[LINE].to_numpy() - 1]
    return together[[LINE, COLUMN, VALUE, REASON]]


def _broken_table(starts: IntArray, broken: list[Broken]) -> pd.DataFrame:
    """One row per rejected row; a quote that swallowed lines rejects each of them."""
    lines: list[int] = []
    values: list[str] = []
    reasons: list[str] = []
    for start, place in zip(starts.tolist(), broken, strict=True):
        if place.swallows and len(place.raw.encode()) >= RAW_LENGTH - 4:
            raise DataError(
                what=f"A quote that opens on line {start:,} is not closed properly, and more "
                f"than {RAW_LENGTH:,} characters after it would be lost.",
                hint="Mend that line, or say that no character quotes values.",
            )
        for number, line in rejected_lines(place):
            lines.append(start + number)
            values.append(line[:_LONGEST])
            reasons.append(place.reason if not number else f"{SWALLOWED} {start:,}")
    return _table([_WHOLE_LINE] * len(lines), values, reasons).assign(**{LINE: lines})


def _reason(role: str, value: str, options: ReadOptions) -> str:
    if role == EVENT:
        return f"the event type {value.strip()[:60]!r} weighs 0"
    if not value.strip() or (role in (*NUMBERS, TIME) and value.strip().lower() in _MISSING):
        return f"no {LABELS[role]}"
    if role in ID_ROLES[options.kind]:
        return "a NUL byte in it"
    if role == RATING and _means_unrated(value, options):
        return f"{NOT_RATED}: {value.strip()[:20]} was said to mean that"
    if role == TIME and options.date_format:
        return f"not a time in the form {options.date_format}"
    if role == TIME:
        return "not a time: write Unix seconds or milliseconds, or year-month-day"
    if options.decimal_comma and "." in value:
        return "a point in a number, though a comma was said to be the decimal sign"
    return "not a count above 0" if role == COUNT else "not a finite number"


def _means_unrated(value: str, options: ReadOptions) -> bool:
    said, value = options.no_rating.split(), value.strip()
    number = value.replace(",", ".") if options.decimal_comma else value
    return value in said or bool(
        set(unrated_numbers(number)) & set(unrated_numbers(" ".join(said)))
    )


def _table(columns: list[str], values: object, reasons: list[str]) -> pd.DataFrame:
    return pd.DataFrame({COLUMN: columns, VALUE: values, REASON: reasons}, dtype="str")


def example_counts(rejects: pd.DataFrame, examples: int = 3) -> pd.DataFrame:
    """One row per column and reason: how many rows, and the first lines and values of it."""
    groups = rejects.groupby([COLUMN, REASON], sort=False)
    rows = [
        {COLUMN: column, REASON: reason, "rows": len(part), "examples": _examples(part[:examples])}
        for (column, reason), part in groups
    ]
    counted = pd.DataFrame(rows, columns=[COLUMN, REASON, "rows", "examples"])
    return counted.sort_values("rows", ascending=False, kind="stable", ignore_index=True)


def _examples(rows: pd.DataFrame) -> str:
    pairs = zip(rows[LINE], rows[VALUE], strict=True)
    return " · ".join(f"line {line:,}: {value[:40]!r}" for line, value in pairs)


def refuse_all(rejects: pd.DataFrame) -> NoReturn:
    """Raises DataError for a file of which no row can be kept, with its first fault."""
    first = rejects.iloc[0]
    where = f"line {first[LINE]:,}, " if LINE in rejects else ""
    raise DataError(
        what=f"None of {len(rejects):,} rows can be kept: {where}{first[COLUMN]}, "
        f"{first[REASON]} ({first[VALUE][:60]!r}).",
        hint="Check which column holds what, the delimiter and the encoding.",
    )


# Every line of a text file belongs to a row, a broken place or is blank: checked, not hoped.


def placed_rows(
    table: Table, options: ReadOptions, facts: TextFacts, broken: list[Broken], cut: int
) -> tuple[list[Broken], IntArray | None]:
    """All broken places, and the first line of each of the `cut` rows; None: one line is one row.

    DuckDB drops a quote that is still open at the end of the file without a word when it reads
    line breaks in quotes; it is found here. Raises DataError where lines are not accounted for.
    """
    _check_header(table, options, broken)
    if cut + sum(len(rejected_lines(place)) for place in broken) == facts.lines:
        return broken, None
    lines: IntArray = np.zeros(0, dtype=np.int64)
    if facts.quoted:
        spans = heights(starts_of(table, broken), broken)
        lines = lines_of_quoted_rows(table.file, spans, bytewise_cutter(options))
    if len(lines) == cut + 1:
        line = int(lines[-1])
        byte, raw = text_from(table.file, line, RAW_LENGTH)
        unclosed = Broken(byte, raw, UNCLOSED, swallows=True)
        return [*broken, unclosed], lines[:-1]
    if len(lines) != cut:
        raise _unaccounted(table, facts, broken, cut)
    return broken, lines


def rejected_lines(place: Broken) -> list[tuple[int, str]]:
    """The rows a broken place costs, how many lines after its first each stands, and its text.

    A quote that is not closed properly costs every filled line it took in; else it is one row.
    """
    if not place.swallows:
        return [(0, place.raw)]
    lines = place.raw.split("\n")
    return [(number, line) for number, line in enumerate(lines) if line.strip("\r")]


def starts_of(table: Table, broken: list[Broken]) -> IntArray:
    """First line of each broken place, (n_places,)."""
    return lines_at(table.file, np.array([place.byte for place in broken], dtype=np.int64))


def heights(starts: IntArray, broken: list[Broken]) -> dict[int, int]:
    """First line -> number of lines, of each broken place."""
    tall = [place.raw.removesuffix("\n").count("\n") + 1 for place in broken]
    return dict(zip(starts.tolist(), tall, strict=True))


def _unaccounted(table: Table, facts: TextFacts, broken: list[Broken], cut: int) -> DataError:
    lines = starts_of(table, broken)
    if long := [n for n, place in zip(lines, broken, strict=True) if place.reason == TOO_LONG]:
        what = f"The row that begins on line {long[0]:,} is {TOO_LONG} and has line breaks."
    else:
        what = (
            f"Of {facts.lines:,} lines only {cut:,} rows were read, and not all is accounted for."
        )
    hint = "Look for a stray quote, say that no character quotes values, or save it again as CSV."
    return DataError(what, hint)


def _check_header(table: Table, options: ReadOptions, broken: list[Broken]) -> None:
    if not (has_header(table, options) and broken):
        return
    with table.file.open("rb") as file:
        if not file.read(broken[0].byte).strip():
            raise DataError(
                what=f"The header line cannot be cut into columns: {broken[0].reason}.",
                hint="Mend the first line, or change the delimiter or the quote.",
            )


# On which line of a text file each row begins.

_CHUNK = 8 << 20  # bytes


def lines_at(file: Path, offsets: IntArray) -> IntArray:
    """Line numbers, from 1, of places in a file; offsets: (n,) bytes, ascending."""
    found = np.zeros(len(offsets), dtype=np.int64)
    for start, ends, before in _line_ends(file):
        size = _CHUNK
        here = slice(*np.searchsorted(offsets, [start, start + size]))
        found[here] = 1 + before + np.searchsorted(ends, offsets[here] - start)
    return found


def lines_of_rows(file: Path, rows: IntArray, broken: dict[int, int]) -> IntArray:
    """Line numbers of the rows, (n,) ascending from 0, where each row is one line.

    broken: first line and number of lines of the places that are no rows; blank lines are none.
    """
    found, counted = np.zeros(len(rows), dtype=np.int64), 0
    taken = np.array([a + b for a, n in sorted(broken.items()) for b in range(n)], dtype=np.int64)
    for lines in _filled_lines(file):
        lines = lines[~among(lines, taken)] if len(taken) else lines
        here = slice(*np.searchsorted(rows, [counted, counted + len(lines)]))
        found[here] = lines[rows[here] - counted]
        counted += len(lines)
    return found


def lines_of_quoted_rows(file: Path, broken: dict[int, int], cutter: Cutter) -> IntArray:
    """First line of every row, (n_rows,), where quoted values may hold line breaks.

    Looks at every line in Python, so it is much slower than reading them; an unclosed quote at the
    end of the file makes a last row here. The cutter's marks are bytes, a letter each.
    """
    lines = array("q")
    with file.open(encoding="latin-1", newline="") as opened:
        pieces = _Lines(opened, broken)
        while not pieces.ended:
            for line in pieces:
                if not line.strip("\r\n"):
                    continue
                lines.append(pieces.number)
                inside = cutter.quote in line and cutter.ends_open(line, inside=False)
                while inside and (more := next(pieces, None)) is not None:
                    inside = cutter.ends_open(more, inside=True)
            pieces.skip()
    return np.frombuffer(lines, dtype=np.int64) if lines else np.zeros(0, dtype=np.int64)


def text_from(file: Path, line: int, most: int) -> tuple[int, str]:
    """Where a line starts, in bytes, and the text from there on, at most so many bytes."""
    with file.open("rb") as opened:
        for _ in range(line - 1):
            opened.readline()
        return opened.tell(), opened.read(most).decode(errors="replace")


def _line_ends(file: Path) -> Iterator[tuple[int, IntArray, int]]:
    """Per chunk: where it starts, where in it lines end, and how many ended before it."""
    start = before = 0
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            ends = np.flatnonzero(np.frombuffer(chunk, dtype=np.uint8) == ord("\n"))
            yield start, ends, before
            start += len(chunk)
            before += len(ends)


def _filled_lines(file: Path) -> Iterator[IntArray]:
    """Numbers of the lines that are not blank, chunk by chunk."""
    number = 1
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            chunk += opened.readline()  # whole lines only
            text = np.frombuffer(chunk.removesuffix(b"\n") + b"\n", dtype=np.uint8)
            ends = np.flatnonzero(text == ord("\n"))
            starts = np.concatenate([[0], ends[:-1] + 1])
            bare = (ends == starts) | ((ends == starts + 1) & (text[starts] == ord("\r")))
            yield number + np.flatnonzero(~bare)
            number += len(ends)


class _Lines:
    """Lines up to the next broken place; `skip` goes behind it."""

    def __init__(self, lines: Iterator[str], broken: dict[int, int]) -> None:
        self.lines, self.broken = lines, broken
        self.number = 0  # of the last line given out
        self.ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.number + 1 in self.broken:
            raise StopIteration
        line = next(self.lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.number += 1
        return line

    def skip(self) -> None:
        """Leave out the lines of the broken place that comes next."""
        for _ in range(self.broken.get(self.number + 1, 0)):
            self.ended = next(self.lines, None) is None
            self.number += 1
