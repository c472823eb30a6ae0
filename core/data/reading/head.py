"""The first lines of a file: where its table begins, how it is cut, and of what shape it is."""

from __future__ import annotations

import codecs
import itertools
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, USER
from core.basics.errors import DataError
from core.basics.types import IntArray
from core.data.reading.cells import Cutter
from core.data.reading.options import ReadOptions
from core.data.reading.raw import opened, text_without
from core.data.reading.roles import RoleGuess

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


# Where a text's table begins, and how its quotes stand, guessed from the first lines.

SIGNS = ("#", "%", "//", "--")  # what comments begin with
BACKSLASH = "\\"
MATRIX_MARKET = "%%MatrixMarket matrix coordinate"
_MOST_LINES = 30  # before a table, that are guessed
_RULE = re.compile(r"[\s|:+=-]*(--|==)[\s|:+=-]*")  # a line drawn below or above names
_MOSTLY = 0.9  # share of the rows that are as wide as most
NamesColumns = Callable[[list[str]], bool]


def guess_start(text: str, names_columns: NamesColumns) -> ReadOptions:
    """Options with skip_lines and comment, and the delimiter where the file says it, else "".

    names_columns: whether the cells of a row are plainly the names of columns.
    """
    plain = ReadOptions(delimiter="")
    first = text.split("\n", 1)[0].strip().strip('"')
    if first.lower().startswith("sep=") and len(first) in (4, 5):
        return replace(plain, skip_lines=1, delimiter=first[4:] or "\t")
    if text.startswith(MATRIX_MARKET):  # below its comments a line with the sizes
        lines = text.split("\n")
        sizes = next((at for at, line in enumerate(lines) if line[:1] not in ("%", "")), 0)
        return replace(plain, skip_lines=sizes + 1, delimiter=" ")
    marked = _guess_comment(text, names_columns)
    if marked.skip_lines:
        return marked
    body = text_without(text, replace(marked, delimiter=","))
    return replace(marked, skip_lines=_lines_before(body, names_columns))


def guess_quote(text: str) -> str:
    """A single quote or a backtick where most lines begin with one, else a double quote."""
    lines = [line for line in text.split("\n")[:100] if line]
    for mark in ("'", "`"):
        if sum(line.startswith(mark) for line in lines) > len(lines) / 2:
            return mark
    return '"'


def guess_escape(text: str, delimiter: str, quote: str) -> str:
    """A backslash where more rows are whole if one stands for a quote inside quotes, else ""."""
    if not quote or BACKSLASH + quote not in text:
        return ""
    doubled, escaped = (broken_rows(text, delimiter, quote, mark) for mark in ("", BACKSLASH))
    return BACKSLASH if escaped < doubled else ""


def _guess_comment(text: str, names_columns: NamesColumns) -> ReadOptions:
    """The sign the first line begins with, where most others do not.

    The last line of those that begin with it may be the names of the columns, as `#user,item`:
    then the lines before it are skipped.
    """
    plain = ReadOptions(delimiter="")
    lines = text.split("\n")[:1000]
    if rule := next((line for line in lines[:3] if _RULE.fullmatch(line)), ""):
        return replace(plain, comment=rule[:4])  # as databases and Markdown draw below the names
    first = next((line for line in lines if line.strip()), "")
    sign = next((sign for sign in SIGNS if first.startswith(sign)), "")
    rest = [line for line in lines if line.strip() and not line.startswith(sign)]
    begun = next((at for at, line in enumerate(lines) if line in rest[:1]), 0)
    if not sign or not rest or sum(line.startswith(sign) for line in lines[begun:]) > len(rest):
        return plain
    last = max(at for at in range(begun) if lines[at].strip())
    delimiter = guess_delimiter("\n".join(rest))
    header, row = (cells(line, delimiter, '"')[0] for line in (lines[last], rest[0]))
    if len(header) == len(row) and names_columns(header) and not names_columns(row):
        return replace(plain, skip_lines=last)
    return replace(plain, comment=sign)


def _lines_before(text: str, names_columns: NamesColumns) -> int:
    """How many lines stand before the first that is a row of the table; 0 where that is unclear."""
    delimiter = guess_delimiter(text)
    rows = cells(text, delimiter, '"')
    width, as_wide = Counter(len(row) for row in rows).most_common(1)[0] if rows else (1, 0)
    if width < 2:
        return 0
    lines = text.split("\n")[: _MOST_LINES + 1]
    cut = [cells(line, delimiter, '"')[0] if line.strip() else [] for line in lines]
    named = next((at for at, row in enumerate(cut) if row and names_columns(row)), None)
    before = 0
    for at, row in enumerate(cut):
        if not row:
            continue
        if at == named or not _is_before(row, width, named is not None and at < named):
            break
        before = at + 1
    before_rows = sum(bool(row) for row in cut[:before])
    enough = as_wide >= _MOSTLY * (len(rows) - before_rows) - 1
    return before if before <= _MOST_LINES and as_wide > 1 and enough else 0


def _is_before(row: list[str], width: int, names_follow: bool) -> bool:
    filled = sum(bool(cell.strip()) for cell in row)
    if names_follow:
        return len(row) != width or filled <= max(1, width / 2)
    return len(row) < width and (filled <= 1 or len(row) <= width - 2)


# Tables of another shape than one row per interaction: adjacency lists, matrices, lists as ids.

NAMES = ["user", "item"]  # columns of an adjacency list once there is one row per item
_TOKEN = re.compile(r"[A-Za-z]{0,4}\d{1,9}")
_FIXED_WIDTH = 6  # ids per line from which lines that are all as long may be lists
_MANY_NUMBERS = 8  # columns of numbers from which a table may be a matrix
_LINES = (  # what a line is, in what share of the lines, what is said
    (
        re.compile(r"[-+.\deE]+( \d+:[-+.\deE]+)+"),
        0.8,
        "It looks like libsvm, a label and number:value on every line.",
    ),
    (
        re.compile(r"[\[(].*,.*[\])],?"),
        0.8,
        "It looks like a list in brackets on every line, as JSON or Python writes them.",
    ),
    (
        re.compile(r"\d+:"),
        0.001,
        "It looks like blocks of rows, each below a line with the id of an item or user.",
    ),
)
_KEY = re.compile(r"(?:- )?([A-Za-z_][A-Za-z_/ ]*):\s")
_MOST_CELLS, _RARELY = 0.8, 0.02  # shares of cells


def looks_like_adjacency(text: str, delimiter: str) -> bool:
    """Whether each line is a user and the ids of its items, as many as there are.

    Lines of different lengths, a user once, no item twice in a line, and nothing but short ids.
    """
    rows = [_ids(line, delimiter) for line in text.split("\n")[:200] if line.strip()]
    if len(rows) < 3 or not all(_TOKEN.fullmatch(cell) for row in rows for cell in row):
        return False
    if len({row[0] for row in rows}) < len(rows):
        return False
    if any(len(set(row[1:])) < len(row) - 1 for row in rows):
        return False
    widths = Counter(len(row) for row in rows)
    if len(widths) == 1:
        return min(widths) >= _FIXED_WIDTH
    return len(widths) > 2 and max(widths.values()) < _MOST_CELLS * len(rows)


def pairs_of(text: str, delimiter: str, most: int) -> list[list[str]]:
    """The first pairs of user and item of an adjacency list, under a row with their names."""
    pairs = [NAMES]
    for line in text.split("\n"):
        pairs += _pairs(_ids(line, delimiter))
        if len(pairs) > most:
            break
    return pairs[: most + 1]


def write_pairs(path: Path, delimiter: str, to: Path) -> IntArray:
    """A copy of an adjacency list with one row per item, below a header.

    Answers the line of the file that each of its lines comes from, (n_lines,). A user without
    items makes a row without an item.
    """
    origin = array("q", [1])
    with (
        path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file,
        to.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out,
    ):
        out.write(delimiter.join(NAMES) + "\n")
        for number, line in enumerate(file, start=1):
            for pair in _pairs(_ids(line, delimiter)):
                out.write(delimiter.join(pair) + "\n")
                origin.append(number)
    return np.frombuffer(origin, dtype=np.int64)


def _ids(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in line.split(delimiter) if cell.strip()]


def _pairs(ids: list[str]) -> list[list[str]]:
    if len(ids) == 1:
        return [[ids[0], ""]]
    return [[ids[0], item] for item in ids[1:]]


def shape_of_text(text: str) -> str:
    """What lines of a known kind are instead of rows of a table, and what to do; "" elsewhere."""
    lines = [line.strip() for line in text.split("\n")[:200] if line.strip()]
    for pattern, share, what in _LINES:
        if sum(bool(pattern.fullmatch(line)) for line in lines) >= share * len(lines) > 0:
            return f"{what} Write one row per user and item as CSV, and choose that file."
    keys = [found[1] for line in lines if (found := _KEY.match(line))]
    if len(keys) >= _MOST_CELLS * len(lines) and len(set(keys)) <= len(keys) / 2:
        return (
            "It looks like records of several lines, a name and a value on each. Write one row per "
            "user and item as CSV, and choose that file."
        )
    return ""


def shape_of_rows(rows: list[list[str]]) -> str:
    """What rows are said to be most of which the reader rejects; "" elsewhere.

    rows: cells, those of the header first. Empty cells at the end of a row are taken for none.
    """
    width = len(rows[0])
    odd = sum(len(row) < width or any(row[width:]) for row in rows[1:])
    if width < 2 or odd <= len(rows[1:]) / 2:
        return ""
    return (
        f"Most rows do not have the {width:,} columns of the first. Change the delimiter or the "
        "lines before the table, or write one row per user and item as CSV."
    )


def other_shape(head: pd.DataFrame, guesses: dict[str, RoleGuess], *, joined: bool = False) -> str:
    """What a table is instead of one row per interaction, and what to do; "" where it is one.

    joined: a bar in a cell may come from a list, as in JSON, where it counts though it is rare.
    """
    named = {guess.role for guess in guesses.values() if guess.why == "by its name"}
    ids = [column for column, guess in guesses.items() if guess.role in (USER, ITEM)]
    looked = ids if {USER, ITEM} <= named else list(head.columns)
    if several := [column for column in looked if _holds_lists(head[column], joined=joined)]:
        return (
            f"Column {several[0][:60]} holds several ids in one cell. Write one row per user and "
            "item, as explode in pandas does, and choose that file."
        )
    numbers = [column for column in head.columns if _is_numbers(head[column])]
    if {USER, ITEM} <= named or len(numbers) < max(_MANY_NUMBERS, _MOST_CELLS * len(head.columns)):
        return ""
    return (
        "It looks like a matrix with a row per user and a column per item. Write one row per user "
        "and item, as melt in pandas does, and choose that file."
    )


def _holds_lists(column: pd.Series, *, joined: bool) -> bool:
    """Whether most cells are lists in brackets, or ids with the same mark between them."""
    cells = [cell.strip() for cell in column if cell.strip()]
    if not cells:
        return False
    brackets = [cell for cell in cells if cell[0] + cell[-1] in ("[]", "()", "{}")]
    if sum("," in cell or " " in cell for cell in brackets) > len(cells) / 2:
        return True
    for mark in ("|", ";", ",", " "):
        parts = [[part.strip() for part in cell.split(mark)] for cell in cells]
        several = [row for row in parts if len(row) > 1]
        if len(several) < (_RARELY if joined and mark == "|" else _MOST_CELLS) * len(cells):
            continue
        alike = all(_is_id(part, mark) for row in several for part in row)
        if alike and (len({len(row) for row in parts}) > 1 or min(map(len, parts)) > 2):
            return True
    return False


def _is_id(part: str, mark: str) -> bool:
    if mark == "|":  # also between the parts of a list of JSON
        return " " not in part
    return bool(_TOKEN.fullmatch(part) or re.fullmatch(r"[A-Za-z]{0,4}\d+-[01]", part))


def _is_numbers(column: pd.Series) -> bool:
    filled = column[column.str.strip() != ""]
    return bool(pd.to_numeric(filled, errors="coerce").notna().all())
