"""CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import re

import pandas as pd

_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def escaped(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a `'` before every text, and every heading, that would be a formula."""
    safe = frame.copy()
    for position, dtype in enumerate(safe.dtypes):
        if not pd.api.types.is_numeric_dtype(dtype):
            safe.isetitem(position, safe.iloc[:, position].map(_escape_cell))
    safe.columns = pd.Index([_escape_cell(str(name)) for name in safe.columns])
    return safe


def to_csv(frame: pd.DataFrame) -> bytes:
    """The escaped frame as UTF-8 CSV, with the mark that makes Excel read it as UTF-8."""
    return escaped(frame).to_csv(index=False).encode("utf-8-sig")


def unescaped(text: str) -> str:
    """The text without the `'` that `escaped` put before it; any other text as it is."""
    inside = text[1:]
    return inside if text[:1] == "'" and _escape_cell(inside) == text else text


def _escape_cell(value: object) -> object:
    """A number stays as it is, with its sign: no spreadsheet runs it, and ids may look so."""
    runs = isinstance(value, str) and value.startswith(_STARTS) and not _NUMBER.fullmatch(value)
    return f"'{value}" if runs else value
