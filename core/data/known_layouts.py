"""Layouts that many data sets share: JSON lines, RecBole atomic files, MovieLens with `::`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from core.basics.columns import CATEGORIES, ITEM, RANK, RATING, TIME, TITLE, USER
from core.basics.errors import DataError
from core.data.read_options import (
    ADJACENCY,
    IGNORE,
    INTERACTIONS,
    ITEMS,
    JSON_LINES,
    LISTS,
    PYTHON_LINES,
    TABLE,
    ReadOptions,
)
from core.data.roles import RoleGuess

JSON, RECBOLE, MOVIELENS = "JSON lines", "a RecBole atomic file", "a MovieLens file"
TREC = "a TREC run"
_RDF = re.compile(r"\s*(<[^>]*>|_:\S+)\s+<[^>]*>\s+.*\.\s*$")
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


def trec_run(head: pd.DataFrame, options: ReadOptions) -> Layout:
    """The layout of lists as `trec_eval` takes them: user, Q0, item, rank, score, system."""
    if options.kind != LISTS or options.header or head.shape[1] != 6 or head.empty:
        return Layout("")
    second, rank = head.iloc[:, 1].str.upper(), head.iloc[:, 3]
    if not second.isin(["Q0", "0"]).all() or not rank.str.fullmatch(r"\d+").all():
        return Layout("")
    return Layout(TREC, (USER, IGNORE, ITEM, RANK, IGNORE, IGNORE))


def refuse_rdf(text: str) -> None:
    """Raises DataError for triples as the semantic web writes them, whose ids stand in < >."""
    lines = [line for line in text.split("\n")[:50] if line.strip() and not line.startswith("#")]
    if lines and (
        sum(map(bool, map(_RDF.match, lines))) > len(lines) / 2 or "@prefix" in text[:500]
    ):
        raise DataError(
            what="This is RDF (N-Triples or Turtle), whose ids stand in < >, and no table.",
            hint="Write a table of head, relation and tail, with the ids of the items as heads.",
        )


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
