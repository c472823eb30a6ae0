"""Numbers that count something: how a column of them spreads, and ratings that look like it."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from core.basics.columns import COUNT, RATING, SOURCE, TARGET
from core.data.database import columns, name, number
from core.data.datasets import relation
from core.data.liked import liked_from
from core.data.pair_settings import PairInputs, PairSettings
from core.data.roles import HIGHEST_STARS, LONG_TAIL


@dataclass(frozen=True)
class Spread:
    """How the numbers of a column lie; rows: how many there are, NULLs left out."""

    low: float
    median: float
    high: float
    rows: int

    def words(self) -> str:
        """`1 to 9,079, median 4`."""
        shown = [f"{round(value, 2):,.10g}" for value in (self.low, self.high, self.median)]
        return f"{shown[0]} to {shown[1]}, median {shown[2]}"

    @property
    def has_tail(self) -> bool:
        """Whether most are small and some many times as large, as counts are and ratings are not.

        From 0 on and beyond 10: a mean of 4 of 5 stars never makes it, nor do 0 to 100 points.
        """
        return self.low >= 0 and self.high > HIGHEST_STARS and self.high >= LONG_TAIL * self.median


def spread_of(connection: duckdb.DuckDBPyConnection, rows: str, column: str) -> Spread | None:
    """How a column spreads; None where the rows have no such column, or no number in it."""
    if column not in columns(connection, rows):
        return None
    value = name(column)
    found = connection.execute(
        f"SELECT min({value}), median({value}), max({value}), count({value}) FROM {rows}"
    ).fetchone()
    return Spread(*found) if found and found[0] is not None else None


def counts_in(connection: duckdb.DuckDBPyConnection, rows: str) -> Spread | None:
    """How often things were done, for files that say so."""
    return spread_of(connection, rows, COUNT)


def ratings_like_counts(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings
) -> list[str]:
    """A sentence for each file whose ratings look like counts, and how few the threshold keeps."""
    said = []
    for domain, file, called in (
        (SOURCE, inputs.source, inputs.source_name),
        (TARGET, inputs.target, inputs.target_name),
    ):
        rows = relation(connection, file)
        spread = spread_of(connection, rows, RATING)
        liked = liked_from(connection, rows, settings, domain)
        if spread is None or liked is None or not spread.has_tail:
            continue
        kept = number(
            connection, f"SELECT count(*) FROM {rows} WHERE {RATING} >= {liked.start - 1e-6}"
        )
        said.append(
            f"The ratings of {called} look like counts ({spread.words()}), and the threshold keeps "
            f"{kept:,} of {spread.rows:,}. Import the file again with this column as count, or set "
            "the threshold to 0."
        )
    return said
