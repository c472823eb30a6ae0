"""Dataclasses from JSON that may be damaged: whole and of the right kinds, or refused."""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from core.basics.errors import DataError
from core.basics.files import read_json

T = TypeVar("T")


def as_record(kind: type[T], values: Any) -> T:
    """A dataclass of plain values; raises DataError for a wrong, missing or unknown member."""
    hints = typing.get_type_hints(kind)
    if not isinstance(values, dict):
        raise _damaged(kind, "it is no object")
    if unknown := sorted(set(values) - set(hints)):
        raise _damaged(kind, f"nobody knows its {', '.join(map(str, unknown))[:80]}")
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        there = field.name in values
        required = field.default is field.default_factory is dataclasses.MISSING
        if (required and not there) or (there and not _fits(values[field.name], hints[field.name])):
            raise _damaged(kind, f"{field.name} is {'wrong' if there else 'missing'}")
    return kind(**{name: _made(value, hints[name]) for name, value in values.items()})


def read_record(path: Path, kind: type[T]) -> T | None:
    """What a side file holds; None where it is not there or damaged, for it can be made anew."""
    if not path.exists():
        return None
    try:
        return as_record(kind, read_json(path))
    except DataError:
        return None


def _damaged(kind: type, reason: str) -> DataError:
    return DataError(
        what=f"A kept {kind.__name__} cannot be read: {reason}.", hint="Make it again."
    )


def _made(value: Any, hint: Any) -> Any:
    return as_record(hint, value) if _is_class(hint) else value


def _is_class(hint: Any) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value of JSON is of the kind that a type hint asks for."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or _is_class(hint):  # the latter is looked at when it is made
        return True
    if origin is typing.Literal:
        return value in inner
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if hint is None or hint is types.NoneType:
        return value is None
    if origin in (list, tuple):
        return isinstance(value, list) and all(_fits(one, inner[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(one, inner[1]) for one in value.values())
    if hint in (int, float):
        whole = hint is float or isinstance(value, int)
        return isinstance(value, (int, float)) and not isinstance(value, bool) and whole
    return isinstance(value, hint)
