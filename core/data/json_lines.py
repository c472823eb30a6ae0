"""Text with an object on every line: told from a table, and its first lines as cells.

An object is written as JSON, or as Python prints its dictionaries. What stands in an object within
an object is a column too, called like `reviewer.id`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.basics.errors import DataError

LONGEST_KEY = 100  # characters
_DEEPEST = 3  # parts of a key such as `a.b.c`
_MOST_INSIDE = 20  # keys of an object within an object; one with more is a value as it stands
_LONGEST_LINE, _MOST_BRACKETS = 2_000_000, 1_000  # of a line that Python's own reader is given


def looks_like_python(text: str) -> bool:
    """Whether a head of text holds a dictionary per line, as Python prints it."""
    first = text.lstrip().split("\n", 1)[0].strip()
    return _object(first) is None and _dictionary(first) is not None


def write_as_json(path: Path, to: Path) -> None:
    """A copy of lines of Python dictionaries as JSON lines; other lines as they stand."""
    with (
        path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file,
        to.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out,
    ):
        for line in file:
            found = _dictionary(line)
            out.write(line if found is None else json.dumps(found, ensure_ascii=False) + "\n")


def looks_like_json(text: str) -> bool:
    """Whether a head of text holds a JSON object per line.

    Raises DataError for JSON of another kind: one array, or an object over several lines.
    """
    start = text.lstrip()
    first = start.split("\n", 1)[0].strip()
    if (found := _object(first)) is not None:
        if start.strip() == first and _holds_table(found):
            raise DataError(
                what="The file is one JSON object that holds the whole table.",
                hint="Write every row of it as an object on a line of its own, and choose that "
                "file.",
            )
        return True
    if start.startswith("[") and start[1:].lstrip()[:1] in ("{", "["):
        raise DataError(
            what="The file is one JSON array, not one JSON object per line.",
            hint="Write every entry of the array on a line of its own, as "
            "`jq -c '.[]' file.json > file.jsonl` does, and choose that file.",
        )
    if first == "{" or (first.startswith('{"') and first.endswith((",", "{", "[", ":"))):
        raise DataError(
            what="The file is JSON written over several lines, not one object per line.",
            hint="Write every object on a line of its own, as `jq -c . file.json > file.jsonl` "
            "does, and choose that file.",
        )
    return False


def _holds_table(found: dict[str, Any]) -> bool:
    """Whether an object holds nothing but lists and objects, or a list of objects."""
    values = list(found.values())
    if any(isinstance(value, list) and value and isinstance(value[0], dict) for value in values):
        return True
    return len(values) > 0 and all(isinstance(value, (list, dict)) for value in values)


def objects_of(text: str, *, python: bool = False, most: int = 2_000) -> list[dict[str, Any]]:
    """The objects of the first lines, flat; lines that hold none are left out."""
    read: Callable[[str], dict[str, Any] | None] = _from_python if python else _object
    lines = [line for line in text.split("\n", most + 1)[:most] if line.strip()]
    found = [value for line in lines if (value := read(line)) is not None]
    for _ in range(_DEEPEST - 1):
        found = _flatter(found)
    return found


def lacking(objects: list[dict[str, Any]]) -> int:
    """How many of the objects lack a key that others have; an empty value is no lack."""
    keys = {key for found in objects for key in found}
    return sum(not keys <= found.keys() for found in objects)


def _flatter(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The objects with what stands in an object of theirs as keys of their own, one level of it.

    An object with very many keys, or with keys that hold a point, is a value as it stands.
    """
    inside: dict[str, set[str]] = {}
    other: set[str] = set()
    for found in objects:
        for key, value in found.items():
            if isinstance(value, dict):
                inside.setdefault(key, set()).update(value)
            elif value is not None:
                other.add(key)
    opened = {
        key
        for key, names in inside.items()
        if key not in other
        and 0 < len(names) <= _MOST_INSIDE
        and all(name and not set(name) & set('."\\') for name in names)
    }
    return [_opened(found, opened) for found in objects]


def _opened(found: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in found.items():
        if key not in keys:
            flat[key] = value
        elif value is not None:
            parts = {f"{key}.{name}": part for name, part in value.items()}
            flat |= {name: part for name, part in parts.items() if name not in found}
    return flat


def keys_of(objects: list[dict[str, Any]]) -> list[str]:
    """Every key of the objects, in the order in which they come; those that SQL can ask for."""
    keys = dict.fromkeys(key for found in objects for key in found)
    return [key for key in keys if 0 < len(key) <= LONGEST_KEY and not set(key) & set('"\\')]


def json_rows(objects: list[dict[str, Any]]) -> list[list[str]]:
    """The objects as rows of texts under a first row with their keys."""
    keys = keys_of(objects)
    return [keys, *([_text(found.get(key)) for key in keys] for found in objects)]


def _object(line: str) -> dict[str, Any] | None:
    """Numbers stay as they are written, so that an id 1.0 is not taken for 1."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(line, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _from_python(line: str) -> dict[str, Any] | None:
    found = _dictionary(line)
    return None if found is None else _object(json.dumps(found, ensure_ascii=False))


def _dictionary(line: str) -> dict[str, Any] | None:
    """A dictionary as Python prints it, `u'...'`, `True` and `None` included; no code is run."""
    whole = line.strip()
    if not (whole.startswith("{") and whole.endswith("}")) or len(whole) > _LONGEST_LINE:
        return None
    if sum(whole.count(mark) for mark in "([{") > _MOST_BRACKETS:
        return None
    try:
        found = ast.literal_eval(whole)
        json.dumps(found)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return found if isinstance(found, dict) and all(isinstance(key, str) for key in found) else None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "|".join(_text(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
