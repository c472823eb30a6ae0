"""Several names in one cell, however they are written, joined by bars as everywhere."""

from __future__ import annotations

import ast
import html
import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

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
        several = [parts for cell in seen if len(parts := _parts(cell, mark)) > 1]
        if not several:
            continue
        among = Counter(part for cell in seen for part in set(_parts(cell, mark)))
        again = sum(any(among[part] > 1 for part in parts) for parts in several) / len(several)
        if mark != "/" and len(several) > 2 and again >= _RECOMBINED and not open_ones:
            return mark, []
        open_ones.append(mark)
    return BAR, open_ones


def _parts(cell: str, mark: str) -> list[str]:
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
