"""Bends of a run's record: every field of its JSON, left out, of a wrong kind, or odd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
MISSING = object()  # in place of a value: the field is left out
LONG = "x" * 10_000
ODD_TEXTS = ("", "a\nb", "../x", "<img src=x onerror=alert(1)>")
ODD_NUMBERS = (float("nan"), float("inf"), 1e308, 2**70, -1, 0.5)
WRONG = (None, [], {}, "", True, 3)
NAMED_ALIKE = ("valid", "test", "lift", "lift_over_popularity", "lift_over_bias")


def short(record: dict[str, Any]) -> dict[str, Any]:
    """The record with one metric a table and one entry a list: alike ones are checked alike."""
    metric = "rmse" if "rmse" in record["test"] else "ndcg@10"
    less = {
        name: {metric: record[name][metric]}
        for name in NAMED_ALIKE
        if metric in (record.get(name) or {})
    }
    lists = ("segments", "curve", "against", "findings")
    return record | less | {name: record[name][:1] for name in lists if record.get(name)}


def fields(value: Any, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every field below the value, with what stands there; of a list its first entry alone."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1])
    for name, one in inside:
        yield (*at, name), one
        if isinstance(one, dict | list):
            yield from fields(one, (*at, name))


def bent(value: Any, at: Path, bad: Any) -> Any:
    """A copy with another value at the path, or without the field."""
    if not at:
        return bad
    copy = dict(value) if isinstance(value, dict) else list(value)
    if at[1:] or bad is not MISSING:
        copy[at[0]] = bent(value[at[0]], at[1:], bad)
    else:
        del copy[at[0]]
    return copy


def bends(good: Any) -> list[Any]:
    """What is put in place of a good value: nothing, other kinds, and odd values of its kind."""
    odd: tuple[Any, ...] = ()
    if isinstance(good, str):
        odd = (*ODD_TEXTS, LONG, "\x00")
    elif kind(good) == "number":
        odd = ODD_NUMBERS
    return [MISSING, *WRONG, *odd]


def kind(value: Any) -> str:
    """ "number", "text", "flag", "list", "table", "none" or "missing"."""
    if value is MISSING:
        return "missing"
    names = {bool: "flag", int: "number", float: "number", str: "text", list: "list"}
    return "none" if value is None else names.get(type(value), "table")
