"""Every line of a text file belongs to a row, a broken place or is blank: checked, not hoped."""

from __future__ import annotations

import numpy as np

from core.basics.errors import DataError
from core.basics.types import IntArray
from core.data.left_out import bytewise_cutter
from core.data.line_numbers import lines_at, lines_of_quoted_rows, text_from
from core.data.raw_file import TextFacts
from core.data.read_options import ReadOptions
from core.data.reading import RAW_LENGTH, TOO_LONG, UNCLOSED, Broken, Table, has_header


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
        return [*broken, _unclosed(table, int(lines[-1]))], lines[:-1]
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


def _unclosed(table: Table, line: int) -> Broken:
    byte, raw = text_from(table.file, line, RAW_LENGTH)
    return Broken(byte, raw, UNCLOSED, swallows=True)


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
