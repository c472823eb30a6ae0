"""Both domains side by side: sizes, activity, popularity, ratings, times and shared users."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from core.basics.columns import (
    COUNT,
    DOMAIN,
    HIGH,
    ITEM,
    LOW,
    RATING,
    SHARE,
    SOURCE,
    TARGET,
    TIME,
    USER,
)
from core.data.database import columns
from core.data.datasets import relation
from core.data.long_tails import Spread, counts_in

MOST_BARS = 96
MOST_RATINGS = 21  # distinct ratings shown one by one; more are binned
_STEPS = (  # step of the time axis and its days
    ("day", 1),
    ("week", 7),
    ("month", 31),
    ("quarter", 92),
    ("year", 366),
)


@dataclass(frozen=True)
class Profile:
    """Frames with one row per DOMAIN and bin; COUNT and SHARE of what the bin holds.

    sizes: one row per domain. activity (users by their interactions) and popularity (items by
    their users): bins LOW to HIGH, doubling. ratings: LOW to HIGH. times: TIME, start of a step.
    A frame is empty where neither file has the column. counts: by domain, how often things were
    done, where its file says so.
    """

    sizes: pd.DataFrame
    activity: pd.DataFrame
    popularity: pd.DataFrame
    ratings: pd.DataFrame
    times: pd.DataFrame
    time_step: str  # "day", "week", "month", "quarter" or "year"
    counts: dict[str, Spread] = field(default_factory=dict)


def profile(connection: duckdb.DuckDBPyConnection, source: Path, target: Path) -> Profile:
    """The profile of two files of interactions."""
    files = {SOURCE: relation(connection, source), TARGET: relation(connection, target)}
    has = {domain: columns(connection, rows) for domain, rows in files.items()}
    rated = {domain: rows for domain, rows in files.items() if RATING in has[domain]}
    timed = {domain: rows for domain, rows in files.items() if TIME in has[domain]}
    step = _time_step(connection, timed)
    return Profile(
        sizes=_each(connection, files, _SIZES),
        activity=_shares(_each(connection, files, _doubling(USER))),
        popularity=_shares(_each(connection, files, _doubling(ITEM))),
        ratings=_shares(_ratings(connection, rated)),
        times=_shares(_each(connection, timed, _TIMES.format(step=step))),
        time_step=step,
        counts={
            domain: spread
            for domain, rows in files.items()
            if (spread := counts_in(connection, rows)) is not None
        },
    )


_SIZES = f"""
    SELECT users, items, interactions, interactions / users / items AS density,
        interactions / users AS per_user,
        (SELECT median(n) FROM (SELECT count(*) AS n FROM {{rows}} GROUP BY {USER})) AS median_user,
        (SELECT median(n) FROM (SELECT count(*) AS n FROM {{rows}} GROUP BY {ITEM})) AS median_item
    FROM (SELECT count(DISTINCT {USER}) AS users, count(DISTINCT {ITEM}) AS items,
        count(*) AS interactions FROM {{rows}})
"""

_TIMES = f"""
    SELECT date_trunc('{{step}}', make_timestamp({TIME} * 1000000))::TIMESTAMP AS {TIME},
        count(*) AS {COUNT} FROM {{{{rows}}}} WHERE {TIME} IS NOT NULL GROUP BY ALL ORDER BY {TIME}
"""


def _doubling(column: str) -> str:
    """Users or items by their number of rows, in bins 1, 2–3, 4–7, 8–15 and so on."""
    return f"""
        SELECT 2 ** step AS {LOW}, 2 ** (step + 1) - 1 AS {HIGH}, count(*) AS {COUNT}
        FROM (SELECT floor(log2(count(*))) AS step FROM {{rows}} GROUP BY {column})
        GROUP BY step ORDER BY step
    """


def _ratings(connection: duckdb.DuckDBPyConnection, files: dict[str, str]) -> pd.DataFrame:
    """Each rating on its own where they are few, else equal bins over both domains."""
    if not files:
        return pd.DataFrame(columns=[DOMAIN, LOW, HIGH, COUNT])
    every = " UNION ALL ".join(f"SELECT {RATING} FROM {rows}" for rows in files.values())
    row = connection.execute(
        f"SELECT count(DISTINCT {RATING}), min({RATING}), max({RATING}) FROM ({every})"
    ).fetchone()
    distinct, low, high = row or (0, None, None)
    if low is None:
        return pd.DataFrame(columns=[DOMAIN, LOW, HIGH, COUNT])
    width = 0.0 if distinct <= MOST_RATINGS else (high - low) / MOST_RATINGS
    place = f"least({MOST_RATINGS - 1}, floor(({RATING} - {low}) / {width}))" if width else RATING
    start = f"{low} + {place} * {width}" if width else RATING
    return _each(
        connection,
        files,
        f"SELECT ({start})::DOUBLE AS {LOW}, ({start} + {width})::DOUBLE AS {HIGH}, "
        f"count(*) AS {COUNT} FROM {{rows}} WHERE {RATING} IS NOT NULL GROUP BY ALL ORDER BY {LOW}",
    )


def _time_step(connection: duckdb.DuckDBPyConnection, files: dict[str, str]) -> str:
    """The finest step that shows all times of both domains in at most MOST_BARS bars."""
    if not files:
        return "month"
    every = " UNION ALL ".join(f"SELECT {TIME} FROM {rows}" for rows in files.values())
    row = connection.execute(
        f"SELECT (max({TIME}) - min({TIME})) / 86400 FROM ({every})"
    ).fetchone()
    days = (row[0] if row else None) or 0
    return next((step for step, length in _STEPS if days / length <= MOST_BARS), "year")


def _each(connection: duckdb.DuckDBPyConnection, files: dict[str, str], query: str) -> pd.DataFrame:
    """Answers of the query, `{rows}` in it replaced, with the DOMAIN in front."""
    frames = []
    for domain, rows in files.items():
        frame = connection.execute(query.format(rows=rows)).df()
        frame.insert(0, DOMAIN, domain)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[DOMAIN, COUNT])


def _shares(frame: pd.DataFrame) -> pd.DataFrame:
    whole = frame.groupby(DOMAIN)[COUNT].transform("sum")
    return frame.assign(**{SHARE: frame[COUNT] / whole})
