"""Cells as the reader cuts them, and several names or items written into one cell."""

from __future__ import annotations

import ast
import html
import itertools
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa

from core.basics.columns import FURTHER, ITEM, RANK, SCORE, USER
from core.basics.errors import DataError

ONE_ITEM = ""  # what stands between the items of one cell where it holds only one
BRACKETS = "[ ]"  # items in brackets, as JSON or Python write a list
BETWEEN = {
    ONE_ITEM: "nothing: one item in a cell",
    BRACKETS: "brackets around them  [ ]",
    " ": "space",
    ",": "comma  ,",
    ";": "semicolon  ;",
    "|": "bar  |",
}
_TRIED = ("|", ";", ",", " ")
_MOST = 0.8  # share of the cells of a head that hold several
_SEVERAL = re.compile(r"items|ids$|list|recs|recommendations|predictions|top", re.IGNORECASE)
_PART = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|([^,\s]+)")


@dataclass(frozen=True)
class CellGuess:
    """What seems to stand between the items of one cell, and whether it need not be asked."""

    between: str = ONE_ITEM
    sure: bool = True


def guess_between(users: pd.Series | None, items: pd.Series) -> CellGuess:
    """How the cells of an item column hold several items; ONE_ITEM where each holds one.

    items: a head's cells under the column's name; users: those beside them. Brackets and a
    column called after many items are sure; a space in a file with one row per user is not.
    """
    filled = items[items.str.strip() != ""].str.strip()
    if filled.empty:
        return CellGuess()
    if (filled.str.startswith("[") & filled.str.endswith("]")).mean() >= _MOST:
        return CellGuess(BRACKETS)
    if users is not None and users.duplicated().any():
        return CellGuess()  # a row per user and item, whatever its ids look like
    shares = {mark: filled.str.contains(mark, regex=False).mean() for mark in _TRIED}
    found = next((mark for mark in _TRIED if shares[mark] >= _MOST), None)
    if found is None:
        return CellGuess()
    return CellGuess(found, sure=bool(_SEVERAL.search(str(items.name))))


def cells_of(head: pd.DataFrame, roles: dict[str, str]) -> CellGuess:
    """How the item column of lists holds its items; roles: column -> role."""
    column = {role: column for column, role in roles.items()}
    if ITEM not in column or FURTHER in column:
        return CellGuess()
    users = head[column[USER]] if USER in column else None
    return guess_between(users, head[column[ITEM]])


def scores_rise(head: pd.DataFrame, roles: dict[str, str]) -> bool:
    """Whether the scores of most users rise down the rows, as distances do; roles: by column."""
    column = {role: column for column, role in roles.items()}
    if RANK in column or not {USER, SCORE} <= set(column):
        return False
    scores = pd.to_numeric(head[column[SCORE]].str.replace(",", "."), errors="coerce")
    by_user = scores.groupby(head[column[USER]])
    spread = by_user.max() > by_user.min()
    rising = by_user.agg(lambda part: part.is_monotonic_increasing) & spread
    return bool(rising.sum() * 2 > spread.sum())


def one_row_per_item(frame: pd.DataFrame, between: str) -> pd.DataFrame:
    """The frame with one item in a row, in the order of its cells and then of its FURTHER columns.

    Raises DataError for a cell of lists or pairs inside a list, which is named.
    """
    further = [column for column in frame if str(column).startswith(FURTHER)]
    if not further and between == ONE_ITEM:
        return frame
    columns = [[_parts(str(cell), between) for cell in frame[name]] for name in [ITEM, *further]]
    joined = [list(itertools.chain(*row)) for row in zip(*columns, strict=True)]
    frame = frame.drop(columns=further).assign(**{ITEM: joined})
    frame = frame.explode(ITEM, ignore_index=True).dropna(subset=[ITEM])
    return frame.reset_index(drop=True).astype({ITEM: "str"})


def pieces(cell: str) -> list[list[str]]:
    """The cell cut by everything that may stand between items, as it might have been meant."""
    marks = [BRACKETS] if cell.startswith("[") else []
    found = []
    for mark in [*marks, *_TRIED]:
        try:
            parts = _parts(cell, mark)
        except DataError:
            continue
        if len(parts) > 1:
            found.append(parts)
    return found


def _parts(cell: str, between: str) -> list[str]:
    cell = cell.strip()
    if between == ONE_ITEM:
        return [cell] if cell else []
    if between == BRACKETS:
        # Items as they are written in the list, so that neither 007 nor 1.0 becomes another id
        if not (cell.startswith("[") and cell.endswith("]")):  # lists of Parquet come with bars
            return _parts(cell, "|")
        inside = _json_list(cell)
        if inside is None:  # Python's and NumPy's lists are no JSON
            outside_quotes = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", "", cell[1:-1])
            if set(outside_quotes) & set("[({"):
                raise _nested(cell)
            inside = [next(filter(None, found), "") for found in _PART.findall(cell[1:-1])]
        return [part for part in map(str.strip, inside) if part]
    return [part for part in map(str.strip, cell.split(between)) if part]


def _json_list(cell: str) -> list[str] | None:
    try:
        found: Sequence = json.loads(cell, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    if any(isinstance(part, (list, dict)) for part in found):
        raise _nested(cell)
    return [part if isinstance(part, str) else "" for part in found]


def _nested(cell: str) -> DataError:
    return DataError(
        what=f"A cell holds a list of lists or of pairs: {cell[:60]!r}.",
        hint="Write a row for each user and item, with its rank or score in a column beside it.",
    )


# Several names in one cell, however they are written, joined by bars as everywhere.

BAR = "|"
SEPARATORS = {
    BAR: "bar  |",
    ";": "semicolon  ;",
    ",": "comma  ,",
    "/": "slash  /",
    ">": "arrow  >",
    "、": "、",
    "，": "，",
    " ": "space",
}
CAREFUL = (",", "/", " ", "，")  # that stand inside names too: "Smith, John"
_NAME_KEYS = ("name", "title", "label", "value", "text", "category", "genre", "term", "tag")
_LONGEST = 50_000  # characters of a list that is parsed
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_ARRAY = re.compile(r"\[\s*('[^']*'|\"[^\"]*\")(\s+('[^']*'|\"[^\"]*\"))+\s*\]")
_RECOMBINED = 0.5  # share of the cells of several names with one that other cells have too


def bar_joined(cells: pa.Array, separator: str) -> pa.Array:
    """A column of texts with the names of each cell joined by bars.

    Lists as Python, JSON or Parquet write them are read whatever the separator is; each different
    cell once.
    """
    coded = cells.dictionary_encode()
    names = [names_of(cell, separator) for cell in coded.dictionary.to_pylist()]
    return pa.array(names, type=pa.string()).take(coded.indices)


def names_of(cell: str, separator: str = BAR) -> str:
    """The names in one cell joined by bars; a bar inside a name of a list becomes a slash."""
    if cell[:1] in "[({" and cell.rstrip()[-1:] in "])}" and (found := _parsed(cell)) is not None:
        return BAR.join(found)
    if separator == BAR or separator not in cell:
        return cell
    plain = html.unescape(cell) if separator == ";" else cell
    parts = (" ".join(part.split()) for part in plain.split(separator))
    return BAR.join(part for part in parts if part)


def is_list(cell: str) -> bool:
    """Whether a cell is written as a list of values."""
    cell = cell.strip()
    return cell[:1] == "[" and cell[-1:] == "]" and _parsed(cell) is not None


def guess_separator(cells: Sequence[str]) -> tuple[str, list[str]]:
    """What stands between the names of these cells, and what else might, where that is open.

    A separator is plain where the names it cuts come in other cells too. One that stands inside
    names as well (Rock/Pop) is never taken unasked.
    """
    seen = [cell for cell in dict.fromkeys(cells) if cell.strip() and not is_list(cell)]
    if any(BAR in cell for cell in seen):
        return BAR, []
    for mark in (";", "、"):
        if any(mark in (html.unescape(cell) if mark == ";" else cell) for cell in seen):
            return mark, []
    open_ones: list[str] = []
    for mark in (",", "，", ">", "/"):
        several = [parts for cell in seen if len(parts := _cut_at(cell, mark)) > 1]
        if not several:
            continue
        among = Counter(part for cell in seen for part in set(_cut_at(cell, mark)))
        again = sum(any(among[part] > 1 for part in parts) for parts in several) / len(several)
        if mark != "/" and len(several) > 2 and again >= _RECOMBINED and not open_ones:
            return mark, []
        open_ones.append(mark)
    return BAR, open_ones


def _cut_at(cell: str, mark: str) -> list[str]:
    return [name for part in cell.split(mark) if (name := " ".join(part.split()))]


def _parsed(cell: str) -> list[str] | None:
    """The names in a list as Python or JSON write it; None where it is none."""
    if len(cell) > _LONGEST:
        return None
    if _ARRAY.fullmatch(cell):  # as NumPy prints it, without commas
        return [name for one, other in _QUOTED.findall(cell) if (name := one or other)]
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(cell.strip())
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            quoted = [one or other for one, other in _QUOTED.findall(cell)]
            value = quoted if cell.lstrip()[:2] in ("['", '["') and quoted else None
    if not isinstance(value, list | tuple | dict | set):
        return None
    names = _flat(value)
    told = isinstance(value, dict) or any(part is not None for part in value)
    return names if names or not told else None


def _flat(value: Any) -> list[str]:
    """Names of a nested value; an object is called by its name, or it has none."""
    if isinstance(value, dict):
        named = next((value[key] for key in _NAME_KEYS if value.get(key)), None)
        return _flat(named) if named is not None else []
    if isinstance(value, list | tuple | set):
        return [name for part in value for name in _flat(part)]
    text = " ".join(str(value).replace(BAR, "/").split())
    return [] if value is None or not text else [text]


# Lines cut into cells exactly as the reader cuts them: pads, quotes, and quotes in quotes.


@dataclass(frozen=True)
class Cutter:
    """What separates and encloses the cells of a row.

    One blank before a quoted cell and any behind it do not belong to it; the reader takes a quote
    behind two blanks, as any within a cell that does not begin with one, for a letter like others.
    """

    delimiter: str
    quote: str = '"'
    escape: str = ""  # "" where a quote inside quotes is doubled

    def row(self, text: str, at: int = 0) -> tuple[list[str], int, bool]:
        """The cells of the row that begins at a place, where it ends, and whether it is whole.

        A row whose quotes do not fit is cut at every delimiter of its first line, and not whole.
        """
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        first, start, cells = end, at, []
        if not self.quote or text.find(self.quote, at, end) < 0:
            return text[at:end].split(self.delimiter), end, True
        while True:
            if self._opening.match(text, at):
                found = self._quoted.match(text, at)
                if found is None:
                    return text[start:first].split(self.delimiter), first, False
                cells.append(self._undone(found[1]))
                at = found.end()
                end = text.find("\n", at)
                end = len(text) if end < 0 else end
            else:
                stop = text.find(self.delimiter, at, end)
                stop = end if stop < 0 else stop
                cells.append(text[at:stop])
                at = stop
            if at == end:
                return cells, end, True
            at += len(self.delimiter)

    def ends_open(self, line: str, inside: bool) -> bool:
        """Whether a quote is open at the end of a line; inside: whether one is at its start."""
        if not inside and self._closed.fullmatch(line):
            return False
        at = 0
        while True:
            if inside or self._opening.match(line, at):
                pattern = self._rest if inside else self._quoted
                found = pattern.match(line, at)
                if found is None:
                    unended = self._open_rest if inside else self._open
                    return bool(unended.fullmatch(line, at))
                inside, at = False, found.end()
            stop = line.find(self.delimiter, at)
            if stop < 0:
                return False
            at = stop + len(self.delimiter)

    @property
    def _pad(self) -> str:
        return "" if self.delimiter.startswith(" ") else " *"

    @property
    def _inner(self) -> str:
        """What stands between two quotes; every possible end is tried once, so it is linear."""
        quote, escape = re.escape(self.quote), re.escape(self.escape)
        if not self.escape:
            return f"(?:[^{quote}]++|{quote}{quote})*+"
        return f"(?:[^{quote}{escape}]++|{escape}.)*+"

    @cached_property
    def _opening(self) -> re.Pattern[str]:
        one_blank = self._pad and " ?"
        return re.compile(one_blank + re.escape(self.quote))

    @cached_property
    def _quoted(self) -> re.Pattern[str]:
        return re.compile(f"{self._opening.pattern}({self._inner}){self._closing}", re.DOTALL)

    @cached_property
    def _closed(self) -> re.Pattern[str]:
        """A line of whole cells, which most are, matched in one go."""
        mark = re.escape(self.delimiter)
        plain = f"(?!{self._opening.pattern})[^{re.escape(self.delimiter[:1])}\\n]*+"
        quoted = f"{self._opening.pattern}{self._inner}{self._closing}"
        cell = f"(?:{quoted}|{plain})"
        return re.compile(f"{cell}(?:{mark}{cell})*+\\r?\\n?", re.DOTALL)

    @cached_property
    def _rest(self) -> re.Pattern[str]:
        return re.compile(f"({self._inner}){self._closing}", re.DOTALL)

    @cached_property
    def _open(self) -> re.Pattern[str]:
        return re.compile(f"{self._opening.pattern}{self._inner}", re.DOTALL)

    @cached_property
    def _open_rest(self) -> re.Pattern[str]:
        return re.compile(self._inner, re.DOTALL)

    @property
    def _closing(self) -> str:
        return f"{re.escape(self.quote)}{self._pad}(?={re.escape(self.delimiter)}|\\r?\\n|\\Z)"

    def _undone(self, inside: str) -> str:
        if self.escape:
            return re.sub(re.escape(self.escape) + "(.)", r"\1", inside, flags=re.DOTALL)
        return inside.replace(self.quote * 2, self.quote)
