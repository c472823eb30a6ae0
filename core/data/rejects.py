"""Rows that cannot be kept: where they stand, what is wrong, and the value that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from core.basics.columns import COUNT, EVENT, RATING, TIME
from core.basics.errors import DataError
from core.basics.types import BoolArray, IntArray
from core.data.conversions import BAD, NUMBERS
from core.data.line_numbers import lines_of_rows
from core.data.number_forms import unrated_numbers
from core.data.placed_rows import heights, placed_rows, rejected_lines, starts_of
from core.data.raw_file import TextFacts
from core.data.read_options import ID_ROLES, INTERACTIONS, LABELS, ReadOptions
from core.data.reading import LINE_TEXT, RAW_LENGTH, Broken, Table

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
