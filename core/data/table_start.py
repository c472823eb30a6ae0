"""Where a text's table begins, and how its quotes stand, guessed from the first lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from core.data.head import broken_rows, cells, guess_delimiter
from core.data.left_out import text_without
from core.data.read_options import ReadOptions

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
