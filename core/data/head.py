"""The first lines of a file: as text, as cells, and the delimiter they are cut by."""

from __future__ import annotations

import codecs
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.basics.errors import DataError
from core.data.cut_cells import Cutter
from core.data.raw_file import opened

HEAD_BYTES = 256 << 10
MOST_COLUMNS = 1_000
DELIMITERS = (",", "\t", ";", "|", "::", "\x01", ":", " ")  # the earlier wins a tie
_BESIDE_COMMAS = ("\t", ";", "|", "::")  # what separates columns where commas are decimal signs
_COMMA_IN_TEXT = re.compile(r"(?<!\d),|,(?!\d)")


def read_head(
    path: Path, encoding: str, size: int = HEAD_BYTES, errors: str = "replace"
) -> tuple[str, bool]:
    """The first characters of a file and whether these are all.

    Unpacked, without a mark, every line ended by LF. Where there are more, the last, cut line is
    left out. Raises DataError where the first line has no end.
    """
    with opened(path) as file:
        chunk = file.read(size)
        more = bool(file.read(1))
    text = codecs.getincrementaldecoder(encoding)(errors).decode(chunk, final=not more)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    text = text.replace("\r", " " if "\n" in text else "\n")
    if more and "\n" not in text:
        _check_columns(max(text.count(delimiter) for delimiter in DELIMITERS[:4]))
        raise DataError(
            what=f"The first line has no end within {size:,} bytes.",
            hint="Check that the file is a table, one row per line, and the encoding is right.",
        )
    return (text[: text.rindex("\n") + 1] if more else text), not more


def cells(
    text: str, delimiter: str, quote: str, most: int = 100, escape: str = ""
) -> list[list[str]]:
    """The first rows of a head, cut into cells as the reader does; blank lines are left out."""
    return [row for row, _ in _cut_rows(text, Cutter(delimiter, quote, escape), most)]


def broken_rows(text: str, delimiter: str, quote: str, escape: str = "") -> int:
    """How many of the first rows have quotes that do not fit."""
    return sum(not whole for _, whole in _cut_rows(text, Cutter(delimiter, quote, escape), 100))


def _cut_rows(text: str, cutter: Cutter, most: int) -> Iterator[tuple[list[str], bool]]:
    at = 0
    while at < len(text) and most:
        row, end, whole = cutter.row(text, at)
        if end > at:
            most -= 1
            yield row, whole
        at = end + 1


def guess_delimiter(text: str, quote: str = '"') -> str:
    """The delimiter that cuts most rows into the same number of columns, at least two.

    Where every comma stands between digits, as in `7;b1;4,5`, a tab, semicolon or bar that cuts as
    evenly is the delimiter, and the comma a decimal sign.
    """
    best = max(DELIMITERS, key=lambda delimiter: _evenness(text, delimiter, quote))
    if best != "," or _COMMA_IN_TEXT.search(text):
        return best
    other = max(_BESIDE_COMMAS, key=lambda delimiter: _evenness(text, delimiter, quote))
    as_even = _evenness(text, other, quote)[0] >= _evenness(text, best, quote)[0]
    return other if as_even else best


def column_names(first: Sequence[str], header: bool) -> list[str]:
    """Names of the columns, all different: blank ones numbered, repeated ones counted.

    Raises DataError for more columns than a table of interactions can have.
    """
    _check_columns(len(first))
    names: list[str] = []
    for number, cell in enumerate(first, start=1):
        name = (" ".join(cell.split())[:100] if header else "") or f"column {number}"
        again = (f"{name} ({count})" for count in itertools.count(2))
        names.append(name if name not in names else next(n for n in again if n not in names))
    return names


def guess_header(rows: Sequence[Sequence[str]], known_names: bool) -> bool:
    """Whether the first row names columns: known words, or text over numbers."""
    if known_names or len(rows) < 2:
        return known_names
    first, body = rows[0], rows[1:]
    if any(_is_number(cell) or not cell.strip() for cell in first):
        return False
    return any(
        all(_is_number(row[at]) for row in body if at < len(row)) for at in range(len(first))
    )


def _evenness(text: str, delimiter: str, quote: str) -> tuple[float, int]:
    rows = cells(text, delimiter, quote)
    widths = Counter(len(row) for row in rows)
    width, rows_as_wide = max(widths.items(), key=lambda pair: (pair[1], pair[0]), default=(1, 0))
    if width < 2:
        return 0.0, 0
    return rows_as_wide / len(rows), -DELIMITERS.index(delimiter)


def _check_columns(count: int) -> None:
    if count > MOST_COLUMNS:
        raise DataError(
            what=f"The first line has {count:,} columns; at most {MOST_COLUMNS:,} can be read.",
            hint="Give one interaction per row: a user, an item and perhaps a rating and a time.",
        )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
