"""Both domains side by side: sizes, activity, popularity, ratings, times and shared users."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from core.basics.columns import (
    COUNT,
    DECILE,
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
from core.basics.errors import DataError
from core.basics.files import read_json, write_json
from core.data.database import columns, name, number
from core.data.filters import liked_from
from core.data.pair_folder import RECORD, PairInputs, PairSettings, rows_file
from core.data.reading.options import relation
from core.data.reading.roles import HIGHEST_STARS, LONG_TAIL

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


# How much two domains share: users, the interactions they carry, and how active they are.


@dataclass(frozen=True)
class Overlap:
    """deciles: DOMAIN, DECILE (1: the least active tenth of its users), COUNT users, SHARE of
    them that are shared, and what each has "fewest" and "most" interactions."""

    source_users: int
    target_users: int
    shared: int
    source_rows: int
    target_rows: int
    source_rows_shared: int  # rows carried by shared users
    target_rows_shared: int
    deciles: pd.DataFrame

    def share_of(self, domain: str) -> float:
        """Share of the domain's users who are in the other one too."""
        users = self.source_users if domain == SOURCE else self.target_users
        return self.shared / users if users else 0.0

    def carried(self, domain: str) -> float:
        """Share of the domain's interactions that shared users made."""
        rows = self.source_rows if domain == SOURCE else self.target_rows
        carried = self.source_rows_shared if domain == SOURCE else self.target_rows_shared
        return carried / rows if rows else 0.0


def overlap(connection: duckdb.DuckDBPyConnection, source: Path, target: Path) -> Overlap:
    """Overlap of two files of interactions, matched by equal user ids."""
    files = {SOURCE: relation(connection, source), TARGET: relation(connection, target)}
    for domain, interactions in files.items():
        other = files[TARGET if domain == SOURCE else SOURCE]
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {domain}_activity AS "
            f"SELECT {USER}, count(*) AS n, {USER} IN (SELECT {USER} FROM {other}) AS shared "
            f"FROM {interactions} GROUP BY {USER}"
        )
    return Overlap(
        source_users=_ask(connection, SOURCE, "count(*)"),
        target_users=_ask(connection, TARGET, "count(*)"),
        shared=number(connection, f"SELECT count(*) FROM {SOURCE}_activity WHERE shared"),
        source_rows=_ask(connection, SOURCE, "sum(n)"),
        target_rows=_ask(connection, TARGET, "sum(n)"),
        source_rows_shared=_ask(connection, SOURCE, "sum(n) FILTER (WHERE shared)"),
        target_rows_shared=_ask(connection, TARGET, "sum(n) FILTER (WHERE shared)"),
        deciles=pd.concat([_deciles(connection, domain) for domain in files], ignore_index=True),
    )


def _ask(connection: duckdb.DuckDBPyConnection, domain: str, what: str) -> int:
    return number(connection, f"SELECT {what} FROM {domain}_activity")


def _deciles(connection: duckdb.DuckDBPyConnection, domain: str) -> pd.DataFrame:
    return connection.execute(
        f"SELECT '{domain}' AS {DOMAIN}, {DECILE}, count(*) AS {COUNT}, "
        f"avg(shared::INT) AS {SHARE}, min(n) AS fewest, max(n) AS most "
        f"FROM (SELECT *, ntile(10) OVER (ORDER BY n, {USER}) AS {DECILE} FROM {domain}_activity) "
        f"GROUP BY {DECILE} ORDER BY {DECILE}"
    ).df()


# What is known of a pair is worked out once and lies in its folder: of ten million rows it takes
# twenty CPU seconds, and nothing of a pair ever changes.

KEPT = "profile.json"
_VERSION = 1  # higher where the figures mean something else
_FRAMES = ("sizes", "activity", "popularity", "ratings", "times")


def pair_figures(connection: duckdb.DuckDBPyConnection, folder: Path) -> tuple[Overlap, Profile]:
    """Overlap and profile of the pair in a folder: as kept there, else made, and kept."""
    with suppress(DataError, KeyError, TypeError, ValueError):
        return _as_kept(read_json(folder / KEPT))
    files = rows_file(folder, SOURCE), rows_file(folder, TARGET)
    found = overlap(connection, *files), profile(connection, *files)
    # Where the disk is full, or the pair was deleted meanwhile, they are made again the next time
    with suppress(OSError, DataError):
        write_json(folder / KEPT, _to_keep(*found), beside=folder / RECORD)
    return found


def _to_keep(shared: Overlap, domains: Profile) -> dict[str, Any]:
    frames = {name: _split(getattr(domains, name)) for name in _FRAMES}
    counts = {domain: asdict(spread) for domain, spread in domains.counts.items()}
    return {
        "version": _VERSION,
        "overlap": vars(shared) | {"deciles": _split(shared.deciles)},
        "profile": frames | {"time_step": domains.time_step, "counts": counts},
    }


def _split(frame: pd.DataFrame) -> dict[str, Any]:
    """Columns, rows and kinds as plain values."""
    kinds = frame.dtypes.astype(str).to_dict()
    plain = frame.astype(dict.fromkeys([TIME], str)) if TIME in frame else frame
    columns = {name: plain[name].tolist() for name in frame}
    return {"columns": columns, "kinds": kinds}


def _frame(kept: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(kept["columns"]).astype(kept["kinds"])


def _as_kept(kept: dict[str, Any]) -> tuple[Overlap, Profile]:
    """Raises KeyError, TypeError or ValueError for anything but what `_to_keep` says."""
    if kept["version"] != _VERSION:
        raise ValueError(kept["version"])
    shared, domains = kept["overlap"], kept["profile"]
    counts = {domain: Spread(**spread) for domain, spread in domains["counts"].items()}
    frames = {name: _frame(domains[name]) for name in _FRAMES}
    return (
        Overlap(**shared | {"deciles": _frame(shared["deciles"])}),
        Profile(**frames, time_step=domains["time_step"], counts=counts),
    )


# Numbers that count something: how a column of them spreads, and ratings that look like it.


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
