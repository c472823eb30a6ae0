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
from core.data.database import name, text
from core.data.read_options import ID_ROLES, ReadOptions

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
_OFFSET = r":\d\d(\.\d+)?\s*(Z|[+-]\d\d(:?\d\d)?)$"  # a time of day with its zone


def texts_and_attempts(values: dict[str, str], vector: str, options: ReadOptions) -> str:
    """The inner SELECT list: per role its text, and beside numbers and times a first attempt.

    values: role -> SQL of the text of its column; vector: SQL of the numbers of one, FLOAT[].
    """
    parts = []
    for role, value in values.items():
        parts.append(f"{_words(role, value, options)} AS {name(role)}")
        if role in NUMBERS:
            cast = f"try_cast({_decimal(value, options)} AS {NUMBERS[role]})"
            parts.append(f"{cast} AS {name(role + _READ)}")
        if role == TIME:
            parts.append(f"try_cast({value} AS BIGINT) AS {name(role + _READ)}")
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
            parts.append(f"CASE WHEN {good} THEN {number} END AS {column}")
            parts.append(f"CASE WHEN {good} THEN NULL ELSE {column} END AS {name(role + BAD)}")
        elif role == TIME:
            parts.append(f"{_seconds()} AS {column}")
            parts.append(f"CASE WHEN {_seconds()} IS NULL THEN {column} END AS {name(role + BAD)}")
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


def _decimal(value: str, options: ReadOptions) -> str:
    if not options.decimal_comma:
        return value
    return f"CASE WHEN NOT contains({value}, '.') THEN replace({value}, ',', '.') END"


def _seconds() -> str:
    """Unix seconds; larger numbers are milli-, micro- or nanoseconds; 20240531 is a day."""
    column, number = name(TIME), name(TIME + _READ)
    day = f"epoch(try_strptime({column}, '%Y%m%d'))::BIGINT"
    zoned = f"try_cast(epoch(try_cast({column} AS TIMESTAMPTZ)) AS BIGINT)"
    naive = f"try_cast(epoch(try_cast({column} AS TIMESTAMP)) AS BIGINT)"
    units = " ".join(
        f"WHEN {number} BETWEEN -{most} AND {most} THEN {number} // {unit}"
        for most, unit in ((10**11, 1), (10**14, 10**3), (10**17, 10**6))
    )
    return (
        f"CASE WHEN {number} IS NULL AND regexp_matches({column}, {text(_OFFSET)}) THEN {zoned} "
        f"WHEN {number} IS NULL THEN {naive} "
        f"WHEN {number} BETWEEN 19000101 AND 21001231 "
        f"AND try_strptime({column}, '%Y%m%d') IS NOT NULL THEN {day} "
        f"{units} ELSE {number} // {10**9} END"
    )
