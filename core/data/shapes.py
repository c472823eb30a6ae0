"""Tables of another shape than one row per interaction: adjacency lists, matrices, lists as ids."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, USER
from core.basics.types import IntArray
from core.data.roles import RoleGuess

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
_MOSTLY, _RARELY = 0.8, 0.02  # shares of cells


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
    return len(widths) > 2 and max(widths.values()) < _MOSTLY * len(rows)


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
    if len(keys) >= _MOSTLY * len(lines) and len(set(keys)) <= len(keys) / 2:
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
    if {USER, ITEM} <= named or len(numbers) < max(_MANY_NUMBERS, _MOSTLY * len(head.columns)):
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
        if len(several) < (_RARELY if joined and mark == "|" else _MOSTLY) * len(cells):
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
