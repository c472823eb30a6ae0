"""Lists of another system that have several items in one cell: told, cut, one row per item."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

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
        return _in_brackets(cell)
    return [part for part in map(str.strip, cell.split(between)) if part]


def _in_brackets(cell: str) -> list[str]:
    """Items as they are written in the list, so that neither 007 nor 1.0 becomes another id."""
    if not (cell.startswith("[") and cell.endswith("]")):  # lists of Parquet come with bars
        return _parts(cell, "|")
    inside = _json_list(cell)
    if inside is None:  # Python's and NumPy's lists are no JSON
        outside_quotes = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", "", cell[1:-1])
        if set(outside_quotes) & set("[({"):
            raise _nested(cell)
        inside = [next(filter(None, found), "") for found in _PART.findall(cell[1:-1])]
    return [part for part in map(str.strip, inside) if part]


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
