"""Figures that are kept between two looks at a page, and what they are told apart by.

Streamlit cannot hash a run or a split, and would copy and sample large arrays to do so. So every
class that a kept figure is asked by says here, or beside itself by `known_by`, what stands for it.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Hashable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from core.basics.workspace import VARIABLE
from core.data.snapshot import Split
from core.store.run_folder import Run

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)

# By class, exactly that one: what tells two of its objects apart, as plain values
KEYS: dict[str | type, Callable[[Any], Any]] = {
    Run: lambda run: str(run.folder),
    Split: lambda split: str(split.folder),
    type(Path()): str,
}


def known_by(key: Callable[[Any], Any]) -> Callable[[C], C]:
    """Decorate a class: kept figures tell its objects apart by `key`, which says nothing slow."""

    def known(cls: C) -> C:
        KEYS[cls] = key
        return cls

    return known


def as_json(one: Any) -> str:
    """Key of what has `to_dict`; also where a stranger's text holds halves of a letter."""
    return json.dumps(one.to_dict())


def kept_data(
    *,
    max_entries: int,
    show_spinner: str | bool = False,
    also: Callable[..., Hashable] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep a function's answers, a copy for whoever asks: for frames and small figures.

    Answers are told apart by the workspace and by every argument whose name has no underscore in
    front. also: asked with the same arguments, says what else an answer depends on, such as the
    time of a file.
    """
    cache = st.cache_data(max_entries=max_entries, show_spinner=show_spinner, hash_funcs=KEYS)
    return lambda work: _kept(cache, work, also)


def kept_resource(
    *,
    max_entries: int | None,
    show_spinner: str | bool = False,
    also: Callable[..., Hashable] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep a function's answers, the same object for everybody: for what is large and not changed.

    They are told apart as in `kept_data`.
    """
    cache = st.cache_resource(max_entries=max_entries, show_spinner=show_spinner, hash_funcs=KEYS)
    return lambda work: _kept(cache, work, also)


def _kept(cache: Any, work: Callable[P, R], also: Callable[..., Hashable] | None) -> Callable[P, R]:
    @wraps(work)  # its module, name and source are what Streamlit knows a function by
    def keyed(kept_for: Hashable, /, *args: P.args, **values: P.kwargs) -> R:
        return work(*args, **values)

    first = inspect.Parameter("kept_for", inspect.Parameter.POSITIONAL_ONLY)
    own = list(inspect.signature(work).parameters.values())
    keyed.__signature__ = inspect.Signature([first, *own])  # type: ignore[attr-defined]
    answer = cache(keyed)

    @wraps(work)
    def asked(*args: P.args, **values: P.kwargs) -> R:
        beyond = also(*args, **values) if also else None
        found: R = answer((os.environ.get(VARIABLE), beyond), *args, **values)
        return found

    return asked
