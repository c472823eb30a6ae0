"""Questions about the rows of a pair: are scales turned round, is one table cut in two?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import duckdb
import pandas as pd

from core.basics.columns import ITEM, RATING, SOURCE, TARGET, TITLE, USER
from core.basics.formatting import count
from core.data.checks.check import RATINGS, SAME_ROWS, TITLES, Check
from core.data.database import columns, number

# Whether the best rating of one file is the worst of the other.

_RATINGS = "Is a high rating a good one in both files?"
_FEWEST_RATINGS, _FEWEST_USERS, _FEWEST_ITEMS = 3, 50, 30
_SURELY = 4.0  # standard errors
_LOW, _HIGH = 0.45, 0.55  # places of a mean rating between the lowest and the highest


@dataclass(frozen=True)
class RatingScale:
    """mean: place of the mean rating, 0 to 1; liking: how surely popular items are rated higher."""

    mean: float
    liking: float  # standard errors of the correlation of an item's mean with the log of its rows


def ask_ratings(
    connection: duckdb.DuckDBPyConnection, source: str, target: str, names: tuple[str, str]
) -> Check:
    """Whether ratings of two relations point the same way.

    People who rate high in one domain rate high in the other, and popular items are rated higher
    than others in nearly every file. Red where shared people's means go against each other; amber
    where one file's ratings lie low and fall with popularity, and the other's do the contrary.
    """
    of = {name: rows for name, rows in zip(names, (source, target), strict=True)}
    if any(RATING not in columns(connection, rows) for rows in of.values()):
        return Check(RATINGS, "grey", _RATINGS, "Not both files have ratings.")
    scales = {name: _scale(connection, rows) for name, rows in of.items()}
    if any(scale is None for scale in scales.values()):
        return Check(RATINGS, "grey", _RATINGS, "The ratings of a file are all equal.")
    means = (
        f"SELECT {USER}, avg({RATING}) AS mean FROM {{rows}} WHERE {RATING} IS NOT NULL "
        f"GROUP BY {USER} HAVING count(*) >= {_FEWEST_RATINGS}"
    )
    users, r = connection.execute(
        f"SELECT count(*), corr(s.mean, t.mean) FROM ({means.format(rows=source)}) s "
        f"JOIN ({means.format(rows=target)}) t USING ({USER})"
    ).fetchone() or (0, None)
    surely = _standard_errors(r, users) if users >= _FEWEST_USERS else 0.0
    figures = {"users": users, "correlation": r if surely else None} | {
        name: round(scale.mean, 3) for name, scale in scales.items() if scale
    }
    places = " and at ".join(f"{100 * scale.mean:.0f} %" for scale in scales.values() if scale)
    said = f"the mean rating lies at {places} of the way from the lowest to the highest"
    if surely:
        said += f", and the means of {users:,} shared people correlate by {r:.2f}"
    ordered = sorted((scale.mean, scale.liking, name) for name, scale in scales.items() if scale)
    lower, higher = ordered[0], ordered[-1]
    turned = f"In {lower[2]} 1 may be the best: import it again with its ratings turned round."
    if surely < -_SURELY:
        return Check(RATINGS, "red", _RATINGS, f"No, it seems: {said}. {turned}", figures)
    apart = lower[0] < _LOW and higher[0] > _HIGH
    if apart and lower[1] < -2 and higher[1] > 2:
        return Check(RATINGS, "amber", _RATINGS, f"Perhaps not: {said}. {turned}", figures)
    return Check(RATINGS, "green", _RATINGS, f"No sign against it: {said}.", figures)


def _scale(connection: duckdb.DuckDBPyConnection, rows: str) -> RatingScale | None:
    """None where all ratings are equal or there are none."""
    low, high, mean = connection.execute(
        f"SELECT min({RATING}), max({RATING}), avg({RATING}) FROM {rows}"
    ).fetchone() or (None, None, None)
    if low is None or high == low:
        return None
    items, r = connection.execute(
        f"SELECT count(*), corr(ln(n), mean) FROM (SELECT count(*) AS n, avg({RATING}) AS mean "
        f"FROM {rows} WHERE {RATING} IS NOT NULL GROUP BY {ITEM} "
        f"HAVING count(*) >= {_FEWEST_RATINGS})"
    ).fetchone() or (0, None)
    liking = _standard_errors(r, items) if items >= _FEWEST_ITEMS else 0.0
    return RatingScale((mean - low) / (high - low), liking)


def _standard_errors(r: float | None, n: int) -> float:
    """How far from 0 a correlation is in standard errors (Fisher's z); 0 where there is none."""
    if r is None or math.isnan(r) or n < 4:
        return 0.0
    return math.atanh(max(-0.999, min(0.999, r))) * math.sqrt(n - 3)


# Whether the two files are one table cut in two, or hold the same rows.

_SAME_ROWS = "Are source and target two tables of their own?"
_ENOUGH = 30  # rows in both, or rows that chance would put into both
_MORE, _LESS = 3.0, 0.5  # times what chance gives


def ask_same_rows(connection: duckdb.DuckDBPyConnection, source: str, target: str) -> Check:
    """Whether user and item of the one file stand together in the other one, too often or never.

    Item ids of two domains may be equal by accident, such as running numbers: then a person has
    items of one number in both as often as their popularity says. A row that was copied is in
    both; of a table cut in two no row is.
    """
    rows = f"SELECT DISTINCT {USER}, {ITEM} FROM"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE rows_in_source AS {rows} {source};"
        f"CREATE OR REPLACE TEMP TABLE rows_in_target AS {rows} {target}"
    )
    both = number(
        connection,
        "SELECT count(*) FROM rows_in_source s JOIN rows_in_target t "
        f"ON s.{USER} = t.{USER} AND s.{ITEM} = t.{ITEM}",
    )
    # A target row is in the source by chance as often as its user's rows and its item's rows say
    shares = "(SELECT {0}, count(*) AS n FROM rows_in_source GROUP BY {0}) {1} ON {1}.{0} = t.{0}"
    expected = connection.execute(
        "SELECT sum(u.n::DOUBLE * i.n) / greatest(1, (SELECT count(*) FROM rows_in_source)) "
        f"FROM rows_in_target t JOIN {shares.format(USER, 'u')} JOIN {shares.format(ITEM, 'i')}"
    ).fetchone()
    by_chance = float(expected[0] or 0.0) if expected else 0.0
    connection.execute("DROP TABLE rows_in_source; DROP TABLE rows_in_target")
    figures = {"both": both, "by_chance": by_chance}
    said = f"{count(both, 'row is', 'rows are')} in both files, {by_chance:,.0f} would be by chance"
    if both >= _ENOUGH and both > _MORE * by_chance:
        answer = f"No: {said}. The source knows answers of the test, so a lift would mean nothing."
        return Check(SAME_ROWS, "red", _SAME_ROWS, answer, figures)
    if by_chance >= _ENOUGH and both < _LESS * by_chance:
        answer = (
            f"It seems not: {said}. One table may have been cut in two: then both files are one "
            "domain, and a lift says nothing of another one."
        )
        return Check(SAME_ROWS, "red", _SAME_ROWS, answer, figures)
    if not both and by_chance < 1:
        return Check(SAME_ROWS, "green", _SAME_ROWS, "Yes: no row is in both.", figures)
    return Check(SAME_ROWS, "green", _SAME_ROWS, f"Yes: {said}.", figures)


# Whether one item stands in a table twice, under nearly the same title.

_TITLES = "Has every item one id?"
MANY_TITLES = 0.04  # of the titled items: real tables have up to .025, remakes and pack sizes


def ask_titles(items: dict[str, pd.DataFrame], names: dict[str, str]) -> Check:
    """Whether titles come twice once case, signs and remarks in brackets are ignored.

    items, names: item tables and what their files are called, by domain.
    """
    plain = {domain: plain_titles(table[TITLE]) for domain, table in items.items()}
    shares = {
        names[domain]: (int(titles.duplicated().sum()), len(titles))
        for domain, titles in plain.items()
        if len(titles)
    }
    if not shares:
        return Check(TITLES, "grey", _TITLES, "Cannot be told: there are no titles.")
    said = [
        f"{n:,} of {of:,} titles of {name} are there before" for name, (n, of) in shares.items()
    ]
    figures: dict[str, object] = {"again": {name: n for name, (n, _) in shares.items()}}
    if len(plain) == 2:
        source, target = plain[SOURCE], plain[TARGET]
        both = int(target.isin(set(source)).sum())
        shares["both"] = both, len(target)
        figures["both"] = both
        said.append(f"{both:,} of the target are in the source too")
    words = f"{', '.join(said)}, with case, signs and remarks in brackets ignored."
    if max(n / max(1, of) for n, of in shares.values()) < MANY_TITLES:
        return Check(TITLES, "green", _TITLES, f"Yes, nearly: {words}", figures)
    answer = (
        f"Not all: {words} Whoever has one of two such ids is tested on the other; give both one "
        "id, or say in the report that they are two."
    )
    return Check(TITLES, "amber", _TITLES, answer, figures)


def plain_titles(titles: pd.Series) -> pd.Series:
    """Titles without case, signs and remarks in brackets, years aside; empty ones are gone."""
    plain = titles.dropna().str.casefold().str.replace(r"\((?!\d{4}\))[^)]*\)", "", regex=True)
    plain = plain.str.replace(r"\[[^\]]*\]", "", regex=True)
    plain = plain.str.replace(r"[\W_]+", " ", regex=True).str.strip()
    return plain[plain != ""]
