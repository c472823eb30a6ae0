"""SQL that turns the texts of a file's columns into what their roles need."""

from __future__ import annotations

from core.basics.columns import (
    ATTRIBUTE,
    CATEGORIES,
    COUNT,
    DISTANCE,
    EVENT,
    RANK,
    RATING,
    SCORE,
    TIME,
    VECTOR,
)
from core.data.database import name
from core.data.number_forms import number_as_text, unrated_numbers
from core.data.read_options import ID_ROLES, ReadOptions
from core.data.time_forms import read_in_form, trimmed, usual_seconds

BAD = " as it stands"  # suffix of the column with the text of a value that was not understood
NUMBERS = {  # roles of numbers, and how precise
    RATING: "FLOAT",
    COUNT: "DOUBLE",
    SCORE: "DOUBLE",
    RANK: "DOUBLE",
    DISTANCE: "DOUBLE",
}
TOKENS = ":token_seq"  # a RecBole column of several words, a space between two
_READ = " as a number"  # suffix of the first attempt


def texts_and_attempts(values: dict[str, str], vector: str, options: ReadOptions) -> str:
    """The inner SELECT list: per role its text, and beside numbers and times a first attempt.

    values: role -> SQL of the text of its column; vector: SQL of the numbers of one, FLOAT[].
    """
    parts = []
    for role, value in values.items():
        parts.append(f"{_words(role, value, options)} AS {name(role)}")
        if role in NUMBERS:
            plain = number_as_text(value, options.decimal_comma, options.thousands)
            cast = f"try_cast({plain} AS {NUMBERS[role]})"
            parts.append(f"{cast} AS {name(role + _READ)}")
        if role == TIME:
            whole = f"try_cast({trimmed(value)} AS BIGINT)"
            form = options.date_format
            read = read_in_form(value, form) if form else whole
            parts.append(f"{read} AS {name(role + _READ)}")
    if options.vector_columns():
        parts.append(f"{vector} AS {VECTOR}")
    return ", ".join(parts)


def values_and_faults(options: ReadOptions) -> str:
    """The outer SELECT list: what each role needs, NULL where it was not understood.

    The text of what was not understood is in the column with the suffix BAD.
    """
    parts = []
    for role in options.columns():
        column = name(role)
        if role in NUMBERS:
            number, good = name(role + _READ), f"isfinite({name(role + _READ)})"
            if role == COUNT:
                good = f"({good} AND {number} > 0)"
            if role == RATING and options.no_rating:
                good = f"({good} AND NOT {_not_rated(number, options)})"
            parts.append(f"CASE WHEN {good} THEN {number} END AS {column}")
            parts.append(f"CASE WHEN {good} THEN NULL ELSE {column} END AS {name(role + BAD)}")
        elif role == TIME:
            read = name(role + _READ)
            seconds = read if options.date_format else usual_seconds(column, read)
            parts.append(f"{seconds} AS {column}")
            parts.append(f"CASE WHEN {seconds} IS NULL THEN {column} END AS {name(role + BAD)}")
        elif role in ID_ROLES[options.kind]:
            parts.append(column)
        else:
            parts.append(f"coalesce({column}, '') AS {column}")
    if options.vector_columns():
        parts.append(VECTOR)
    return ", ".join(parts)


def _words(role: str, value: str, options: ReadOptions) -> str:
    """Names in one cell of a RecBole file stand apart by bars from here on, as everywhere."""
    if role == EVENT:
        return f"trim({value})"
    if role.startswith((CATEGORIES, ATTRIBUTE)) and options.columns()[role].endswith(TOKENS):
        return f"replace({value}, ' ', '|')"
    return value


def _not_rated(rating: str, options: ReadOptions) -> str:
    """SQL of whether a number says that nothing was rated."""
    return f"list_contains({unrated_numbers(options.no_rating)}::FLOAT[], {rating})"
