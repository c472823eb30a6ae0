"""Errors a person can act on: one sentence on what happened, one on what to do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


class CrosswalkError(Exception):
    """What went wrong and what to do about it; pages and the command line show both sentences."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(f"{what} {hint}")
        self.what = what
        self.hint = hint


class DataError(CrosswalkError):
    """The data cannot be read or used as asked."""


class SettingsError(CrosswalkError):
    """A setting has an unknown name or a value out of bounds."""


class RunError(CrosswalkError):
    """A run cannot be trained, read or compared as asked."""


class JobError(CrosswalkError):
    """A job cannot be started, found or finished."""


def told_if_damaged(kind: str, hint: str) -> Callable[[F], F]:
    """For what reads a folder, its first argument: files of it that are gone, half-written or of
    other columns are told as DataError, with the folder's name.
    """

    def telling(read: F) -> F:
        @functools.wraps(read)
        def told(folder: Path, *rest: Any, **named: Any) -> Any:
            try:
                return read(folder, *rest, **named)
            except (OSError, ValueError, KeyError) as error:  # pyarrow's own are of these
                reason = type(error).__name__
                raise DataError(
                    f"The {kind} {folder.name} cannot be read ({reason}).", hint
                ) from error

        return cast(F, told)

    return telling
