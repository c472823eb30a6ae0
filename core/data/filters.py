"""From two files of interactions to the rows of a pair: roles, matched users, filters, in SQL."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.basics.columns import COUNT, ITEM, RATING, SOURCE, TARGET, TIME, USER
from core.basics.errors import DataError, SettingsError
from core.data.database import columns, name, number, text
from core.data.pair_folder import DISLIKED, STARS, PairInputs, PairSettings
from core.data.reading.options import relation

if TYPE_CHECKING:
    import duckdb

DOMAINS = (SOURCE, TARGET)
_DAY = 86_400  # seconds
IN_FILE, RATED, LIKED, IN_DAYS, MERGED, ACTIVE, POPULAR, CORE = (
    "in the file",
    "with a rating",
    "liked",
    "in the chosen days",
    "one per user and item",
    "of users as active as asked",
    "of items as popular as asked",
    "in the k-core",
)

Steps = dict[str, dict[str, int]]  # what was asked of rows, in order -> domain -> what is left


@dataclass(frozen=True)
class Left:
    """How many rows and how many people each step left."""

    rows: Steps = field(default_factory=dict)
    people: Steps = field(default_factory=dict)

    def after(self, step: str, domain: str, rows: int, people: int) -> None:
        """Take down what a step left of a domain."""
        self.rows.setdefault(step, {})[domain] = rows
        self.people.setdefault(step, {})[domain] = people


def filter_rows(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings
) -> Left:
    """Leave the rows of both domains in temporary tables named `source` and `target`.

    Filters go in this order: rating, days, bounds of users, bounds of items, k-core. How many
    rows and people each of them left is returned. Raises DataError for a link table that links
    one target user to several source users.
    """
    found = Left()
    for domain, file in zip(DOMAINS, (inputs.source, inputs.target), strict=True):
        links = inputs.links if domain == TARGET else None
        counts = read_rows(connection, domain, relation(connection, file), settings, links)
        role = DOMAINS[DOMAINS.index(domain) - 1] if settings.swap else domain
        for step, left in counts.items():
            found.after(step, role, *left)
    if settings.swap:
        for old, new in ((SOURCE, "traded"), (TARGET, SOURCE), ("traded", TARGET)):
            connection.execute(f"ALTER TABLE {name(old)} RENAME TO {name(new)}")
    for domain in DOMAINS:
        fewest, most, item_fewest, core = (
            getattr(settings, f"{domain}_{what}")
            for what in ("fewest", "most", "item_fewest", "core")
        )
        _keep_within(connection, domain, USER, fewest, most)
        found.after(ACTIVE, domain, *count_left(connection, domain))
        _keep_within(connection, domain, ITEM, item_fewest)
        found.after(POPULAR, domain, *count_left(connection, domain))
        keep_core(connection, domain, core)
        found.after(CORE, domain, *count_left(connection, domain))
    return found


def count_left(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[int, int]:
    """Rows of a table, and how many people they are of."""
    row = connection.execute(f"SELECT count(*), count(DISTINCT {USER}) FROM {name(table)}")
    rows, people = row.fetchone() or (0, 0)
    return rows, people


def read_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: str,
    settings: PairSettings,
    links: Path | None = None,
) -> dict[str, tuple[int, int]]:
    """Put the liked rows of the chosen days into a temporary table, users matched as asked.

    Answers how many rows and how many people are left after each of these steps.
    """
    has = columns(connection, rows)
    user = ITEM if settings.exchanged_columns in (table, "both") else USER
    start = liked_from(connection, rows, settings, table)
    liked = f"{RATING} >= {start.start - 1e-6}" if start else "true"
    kept = f"{liked} AND {_in_days(has, settings)}"
    rated = f"{RATING} IS NOT NULL" if start else "true"
    steps = dict(zip((IN_FILE, RATED, LIKED, IN_DAYS), ("true", rated, liked, kept), strict=True))
    # By user first: counting people under four conditions at once would take four times as long
    each = ", ".join(f"count(*) FILTER ({asked}) AS n{n}" for n, asked in enumerate(steps.values()))
    whole = ", ".join(f"sum(n{n}), count(*) FILTER (n{n} > 0)" for n in range(len(steps)))
    counted = connection.execute(
        f"SELECT {whole} FROM (SELECT {each} FROM {rows} GROUP BY {user})"
    ).fetchone()
    found = [int(value or 0) for value in counted or ()]
    counts = dict(zip(steps, zip(found[::2], found[1::2], strict=True), strict=True))
    query = _matched(connection, table, rows, kept, settings, links)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name(table)} AS {query}")
    return counts | {MERGED: count_left(connection, table)}


def read_disliked(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings
) -> int:
    """Put what people of the pair rated below the threshold into a table; answers its rows.

    The table is named DISLIKED. Its rows are of target items that are left and of people who are
    left in either domain, on the chosen days, matched as the liked rows are. Call it after
    everything that leaves rows out.
    """
    domain = SOURCE if settings.swap else TARGET  # the file whose rows are the target
    file, links = (inputs.source, None) if settings.swap else (inputs.target, inputs.links)
    rows = relation(connection, file)
    start = liked_from(connection, rows, settings, domain)
    kept = _in_days(columns(connection, rows), settings)
    below = f"{RATING} < {start.start - 1e-6} AND {kept}" if start else "false"
    people = f"SELECT {USER} FROM {name(SOURCE)} UNION SELECT {USER} FROM {name(TARGET)}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name(DISLIKED)} AS SELECT * FROM "
        f"({_matched(connection, domain, rows, below, settings, links)}) AS low "
        f"WHERE {USER} IN ({people}) AND {ITEM} IN (SELECT {ITEM} FROM {name(TARGET)}) "
        f"AND NOT EXISTS (SELECT 1 FROM {name(TARGET)} AS liked "
        f"WHERE liked.{USER} = low.{USER} AND liked.{ITEM} = low.{ITEM})"
    )
    return number(connection, f"SELECT count(*) FROM {name(DISLIKED)}")


def _matched(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: str,
    kept: str,
    settings: PairSettings,
    links: Path | None,
) -> str:
    """SQL of the rows of a file that are kept, with roles and users matched as asked."""
    has = columns(connection, rows)
    exchanged = settings.exchanged_columns in (table, "both")
    user, item = (ITEM, USER) if exchanged else (USER, ITEM)
    optional = "".join(f", {name(column)}" for column in (RATING, TIME, COUNT) if column in has)
    query = f"SELECT {user} AS {USER}, {item} AS {ITEM}{optional} FROM {rows} WHERE {kept}"
    if links is not None:
        query = _linked(connection, query, links)
    if settings.match_users == "loosely":
        query = f"SELECT * REPLACE ({loosely(USER)} AS {USER}) FROM ({query})"
    if links is not None or exchanged or settings.match_users == "loosely":
        # One row per user and item, the latest, where two ids became one; counts are added up
        order = [f"{column} DESC NULLS LAST" for column in (TIME, RATING) if column in has]
        same = f"PARTITION BY {USER}, {ITEM}"
        added = (
            f"REPLACE (sum({name(COUNT)}) OVER ({same}) AS {name(COUNT)})" if COUNT in has else ""
        )
        query = (
            f"SELECT * {added} FROM ({query}) QUALIFY row_number() OVER "
            f"({same} ORDER BY {', '.join(order) or ITEM}) = 1"
        )
    return query


_WIDE = [code for code in range(0xFF01, 0xFF5F) if code != 0xFF07]  # of "!" to "~", save "'"
_HALF = "".join(chr(code - 0xFEE0) for code in _WIDE)
# Nearly all ids are ASCII, as many bytes as letters, and have nothing to look for: it is slow.
_NOT_ASCII = "CASE WHEN strlen({{0}}) = length({{0}}) THEN {{0}} ELSE {0} END"
SPELLINGS = {  # what may be ignored -> SQL of an id without it
    "full-width letters": _NOT_ASCII.format(
        f"translate({{0}}, '{''.join(map(chr, _WIDE))}', '{_HALF}')"
    ),
    "composed letters": _NOT_ASCII.format("nfc_normalize({0})"),  # é, or e and an accent
    "case": "lower({0})",
    "blanks": r"regexp_replace({0}, '\s+', '', 'g')",
    "a trailing .0": r"regexp_replace({0}, '\.0$', '')",
    "leading zeros": r"regexp_replace({0}, '^0+(.)', '\1')",
}


def loosely(column: str) -> str:
    """SQL for an id without width, composition, case, blanks, a trailing `.0` and leading zeros."""
    for spelt in SPELLINGS.values():
        column = spelt.replace("{0}", column)
    return column


def keep_core(connection: duckdb.DuckDBPyConnection, table: str, k: int) -> None:
    """Drop users and items with fewer than k rows, again and again until none is left."""
    before, left = -1, number(connection, f"SELECT count(*) FROM {name(table)}")
    while k > 1 and left != before:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name(table)} AS SELECT * FROM {name(table)} "
            f"WHERE {_frequent(table, USER, k)} AND {_frequent(table, ITEM, k)}"
        )
        before, left = left, number(connection, f"SELECT count(*) FROM {name(table)}")


def _frequent(table: str, column: str, fewest: int, most: int | None = None) -> str:
    bound = f" AND count(*) <= {most}" if most else ""
    return (
        f"{column} IN (SELECT {column} FROM {name(table)} GROUP BY {column} "
        f"HAVING count(*) >= {fewest}{bound})"
    )


def _keep_within(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, fewest: int, most: int = 0
) -> None:
    """Keep the users, or the items, with so many rows; most: 0 sets no bound."""
    if fewest > 1 or most:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name(table)} AS SELECT * FROM {name(table)} "
            f"WHERE {_frequent(table, column, fewest, most)}"
        )


def _in_days(has: list[str], settings: PairSettings) -> str:
    wanted = [
        f"{TIME} >= {seconds_of(settings.first_day)}" if settings.first_day else "",
        f"{TIME} < {seconds_of(settings.last_day) + _DAY}" if settings.last_day else "",
    ]
    if any(wanted) and TIME not in has:
        raise DataError(
            what="Days cannot be chosen: a file has no times.",
            hint="Clear the days, or import the file again with its time column.",
        )
    return " AND ".join(filter(None, wanted)) or "true"


def seconds_of(day: str) -> int:
    """Unix seconds at which a day such as 2024-05-31 begins; SettingsError for anything else."""
    try:
        chosen = date.fromisoformat(day)
    except ValueError:
        raise SettingsError(
            what=f"{day!r} is not a day.", hint="Write it as year-month-day, such as 2024-05-31."
        ) from None
    return int(datetime(chosen.year, chosen.month, chosen.day, tzinfo=UTC).timestamp())


def _linked(connection: duckdb.DuckDBPyConnection, query: str, links: Path) -> str:
    """Target rows under the ids of the source users they are linked to.

    With a link table equal ids mean nothing: a target user without a link gets an id of its own.
    """
    table = relation(connection, links)
    several = number(
        connection,
        f"SELECT count(*) FROM (SELECT {TARGET} FROM {table} GROUP BY {TARGET} "
        f"HAVING count(DISTINCT {SOURCE}) > 1)",
    )
    if several:
        raise DataError(
            what=f"The link table links {several:,} target users to several source users each.",
            hint="Keep one line per target user and import it again.",
        )
    unlinked = f"{USER} || {text(' (target)')}"
    return (
        f"SELECT q.* REPLACE (coalesce(l.{SOURCE}, q.{unlinked}) AS {USER}) FROM ({query}) q "
        f"LEFT JOIN (SELECT DISTINCT {SOURCE}, {TARGET} FROM {table}) l ON q.{USER} = l.{TARGET}"
    )


# From which rating on a row counts as liked: a share of the file's scale, or a value told.


@dataclass(frozen=True)
class Liked:
    """Rows rated `start` or more are liked; low and high: the file's lowest and highest rating."""

    start: float
    low: float
    high: float

    def words(self) -> str:
        """`liked from 3 on (of 1 to 5)`."""
        return f"liked from {_said(self.start)} on (of {_said(self.low)} to {_said(self.high)})"


def liked_from(
    connection: duckdb.DuckDBPyConnection, rows: str, settings: PairSettings, domain: str
) -> Liked | None:
    """Where a file's liked ratings begin; None where every row counts.

    rows: a relation in SQL. domain: SOURCE or TARGET, whose exact value may be set. Every row
    counts where there are no ratings, where all are equal, and where the threshold is 0.
    """
    if RATING not in columns(connection, rows):
        return None
    bounds = connection.execute(f"SELECT min({RATING}), max({RATING}) FROM {rows}").fetchone()
    low, high = bounds or (None, None)
    return None if low is None or high is None else liked_of(low, high, settings, domain)


def liked_of(low: float, high: float, settings: PairSettings, domain: str) -> Liked | None:
    """Where liked ratings begin on a scale from low to high; None where every row counts."""
    told = _told(getattr(settings, f"{domain}_liked_from"), domain)
    if told is not None:
        return Liked(told, low, high)
    if low == high or not settings.rating_threshold:
        return None
    return Liked(_scaled(settings.rating_threshold, low, high), low, high)


def _scaled(stars: float, low: float, high: float) -> float:
    """A threshold of 1 to 5 stars on the scale of a file.

    A scale that starts at 0 or above is read as a share of its highest rating: 3 of 5 stars are 3
    on 1–5, 0.5–5 and 0–5, 6 on 1–10 and 0–10, 60 on 0–100. Below 0 that share means nothing (3 of
    5 would be 1.2 on −2..2, its top step alone), so there one star is the lowest rating and five
    are the highest: 3 of 5 stars are 0 on −2..2 and on −10..10.
    """
    if low >= 0:
        return stars / STARS * high
    return low + (stars - 1) / (STARS - 1) * (high - low)


def _told(value: str, domain: str) -> float | None:
    if not value.strip():
        return None
    try:
        told = float(value)
    except ValueError:
        told = math.nan
    if not math.isfinite(told):
        raise SettingsError(
            what=f"The {domain} cannot be liked from {value!r} on.",
            hint="Write a rating of the file, such as 3.5 or -1, or leave it empty.",
        )
    return float(np.float32(told))  # as ratings are kept, so that 1000.1 reaches 1000.1


def _said(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")
