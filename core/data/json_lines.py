"""Text with a JSON object on every line: told from a table, and its first lines as cells."""

from __future__ import annotations

import json
from typing import Any

from core.basics.errors import DataError

LONGEST_KEY = 100  # characters


def looks_like_json(text: str) -> bool:
    """Whether a head of text holds a JSON object per line.

    Raises DataError for JSON of another kind: one array, or an object over several lines.
    """
    start = text.lstrip()
    first = start.split("\n", 1)[0].strip()
    if _object(first) is not None:
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


def objects_of(text: str, most: int = 2_000) -> list[dict[str, Any]]:
    """The objects of the first lines; lines that hold none are left out."""
    lines = [line for line in text.split("\n", most + 1)[:most] if line.strip()]
    return [found for line in lines if (found := _object(line)) is not None]


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


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "|".join(_text(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
