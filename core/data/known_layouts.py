"""Layouts that many data sets share: JSON lines, RecBole atomic files, MovieLens with `::`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.basics.columns import CATEGORIES, ITEM, RATING, TIME, TITLE, USER
from core.data.read_options import (
    ADJACENCY,
    INTERACTIONS,
    ITEMS,
    JSON_LINES,
    PYTHON_LINES,
    TABLE,
    ReadOptions,
)
from core.data.roles import RoleGuess

JSON, RECBOLE, MOVIELENS = "JSON lines", "a RecBole atomic file", "a MovieLens file"
LISTS_OF_ITEMS = "an adjacency list (a user and the items of it on every line)"
PYTHON = "lines of Python dictionaries"
_TYPES = ("token", "token_seq", "float", "float_seq")  # after the colon of a RecBole column
_IN_ORDER = {  # what MovieLens files hold, column by column
    INTERACTIONS: (USER, ITEM, RATING, TIME),
    ITEMS: (ITEM, TITLE, CATEGORIES),
}


@dataclass(frozen=True)
class Layout:
    """What a file is called, and its roles where they go by place."""

    name: str  # "" where it is a table like any other
    roles: tuple[str, ...] = ()


def known_layout(columns: Sequence[str], options: ReadOptions) -> Layout:
    """The layout of a file whose columns and style are known."""
    if options.layout == JSON_LINES:
        return Layout(JSON)
    if options.layout == ADJACENCY:
        return Layout(LISTS_OF_ITEMS, (USER, ITEM) if options.kind == INTERACTIONS else ())
    if options.layout == PYTHON_LINES:
        return Layout(PYTHON)
    if options.header and is_recbole(columns, options.delimiter):
        return Layout(RECBOLE)
    roles = _IN_ORDER.get(options.kind, ())
    if options.delimiter == "::" and not options.header and len(columns) == len(roles):
        return Layout(MOVIELENS, roles)
    return Layout("")


def is_recbole(columns: Sequence[str], delimiter: str) -> bool:
    """Whether every column is called like `user_id:token`, tabs between them."""
    named = [column.rpartition(":")[2].strip() in _TYPES for column in columns if ":" in column]
    return delimiter == "\t" and len(named) == len(columns) > 0 and all(named)


def usual_quote(first: Sequence[str], delimiter: str, layout: str) -> str:
    """The quote of a file whose first row is this: these data sets write quotes in titles."""
    plain = layout == TABLE and (delimiter == "::" or is_recbole(first, delimiter))
    return "" if plain else '"'


def guesses_by_place(columns: Sequence[str], layout: Layout) -> dict[str, RoleGuess]:
    """One sure guess per column of a file whose roles go by place; none for other files."""
    if not layout.roles:
        return {}
    why = f"as {layout.name} has it"
    pairs = zip(columns, layout.roles, strict=True)
    return {column: RoleGuess(role, 0.9, why) for column, role in pairs}
