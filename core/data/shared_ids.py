"""Why two files share users or not: exchanged columns, ids spelt alike but not equal."""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb

from core.basics.columns import ITEM, SOURCE, TARGET, USER
from core.basics.formatting import count
from core.data.database import number
from core.data.datasets import relation
from core.data.filters import SPELLINGS, loosely
from core.data.pair_settings import PairInputs, PairSettings

HARDLY = 0.01  # share of the smaller user list: fewer shared users than this are next to none
PLAINLY = 0.05  # more than this share is an overlap
UNEVEN = 0.02  # Gini by which one column is plainly used more unevenly than another
BOTH = "both"
AS_THEY_STAND, EVERYTHING = "nothing", "all of these"
_EXAMPLES = 20


@dataclass(frozen=True)
class SharedIds:
    """How many users two files share, read as they are and in other ways."""

    smaller: int  # users of the file with fewer
    shared: int
    with_source_exchanged: int  # source items that are target users
    with_target_exchanged: int  # source users that are target items
    loosely: int  # shared when everything of SPELLINGS is ignored
    with_both_exchanged: int = 0  # source items that are target items
    fewer_items: int = 0  # items of the file with fewer
    popular_users: bool = False  # in both files users differ more in their rows than items do

    @property
    def exchanged(self) -> str | None:
        """SOURCE, TARGET or BOTH: where user and item columns may be exchanged; else None.

        BOTH is plain only where `popular_users` says so too: two shops with one catalogue share
        items and no users, and are right as they stand.
        """
        if self.shared > HARDLY * self.smaller:
            return None
        ways = {SOURCE: self.with_source_exchanged, TARGET: self.with_target_exchanged}
        best = max(ways, key=lambda domain: ways[domain])
        if ways[best] > PLAINLY * max(1, self.smaller):
            return best
        return BOTH if self.with_both_exchanged > PLAINLY * max(1, self.fewer_items) else None

    @property
    def plainly_exchanged(self) -> bool:
        """Whether nothing but exchanged columns explains that nobody is shared."""
        return self.exchanged in (SOURCE, TARGET) or (self.exchanged == BOTH and self.popular_users)

    @property
    def found(self) -> int:
        """Users shared when the columns are read the other way round where `exchanged` says."""
        return {
            SOURCE: self.with_source_exchanged,
            TARGET: self.with_target_exchanged,
            BOTH: self.with_both_exchanged,
            None: self.shared,
        }[self.exchanged]

    @property
    def spelt_differently(self) -> bool:
        """Whether ignoring spelling finds plainly more users."""
        return self.loosely > self.shared + HARDLY * self.smaller

    def exchange_in_words(self, source: str, target: str) -> str:
        """What looks exchanged, and what it would change: two readings where neither is plain."""
        if self.exchanged == BOTH:
            found = count(self.found, "user")
            if self.popular_users:
                return f"User and item look exchanged in both files: read so, {found} are shared."
            return (
                f"No user but {count(self.found, 'item')} of {source} are in {target}: either "
                "user and item are exchanged in both files, or two groups of people choose from "
                "one catalogue."
            )
        file = source if self.exchanged == SOURCE else target
        return f"In {file} user and item look exchanged: read so, {self.found:,} users are shared."


def compare_ids(connection: duckdb.DuckDBPyConnection, inputs: PairInputs) -> SharedIds:
    """Count shared users of two imported files in every way they could be read."""
    return compare_rows(
        connection, relation(connection, inputs.source), relation(connection, inputs.target)
    )


def compare_rows(connection: duckdb.DuckDBPyConnection, source: str, target: str) -> SharedIds:
    """The same of two relations in SQL."""
    fewest = {
        column: min(
            number(connection, f"SELECT count(DISTINCT {column}) FROM {rows}")
            for rows in (source, target)
        )
        for column in (USER, ITEM)
    }
    ways = {
        "shared": (USER, USER),
        "with_source_exchanged": (ITEM, USER),
        "with_target_exchanged": (USER, ITEM),
        "with_both_exchanged": (ITEM, ITEM),
        "loosely": (loosely(USER), loosely(USER)),
    }
    counts = {
        way: number(
            connection,
            f"SELECT count(*) FROM (SELECT {left} FROM {source} INTERSECT "
            f"SELECT {right} FROM {target})",
        )
        for way, (left, right) in ways.items()
    }
    ids = SharedIds(smaller=fewest[USER], fewer_items=fewest[ITEM], popular_users=False, **counts)
    if ids.exchanged != BOTH:
        return ids
    uneven = [
        _unevenness(connection, rows, USER) > _unevenness(connection, rows, ITEM) + UNEVEN
        for rows in (source, target)
    ]
    return replace(ids, popular_users=all(uneven))


def _unevenness(connection: duckdb.DuckDBPyConnection, rows: str, column: str) -> float:
    """Gini coefficient of the rows per id, 0 where all ids have as many.

    Items are used more unevenly than people are active, in nearly every file: a hit has thousands
    of times the rows of the long tail, while nobody can choose that much.
    """
    answer = connection.execute(
        f"SELECT sum((2 * place - n - 1) * rows_of) / (n * sum(rows_of)) FROM (SELECT count(*) AS "
        f"rows_of, row_number() OVER (ORDER BY count(*)) AS place, count(*) OVER () AS n "
        f"FROM {rows} GROUP BY {column}) GROUP BY n"
    ).fetchone()
    return float(answer[0]) if answer else 0.0


@dataclass(frozen=True)
class Spellings:
    """Shared users when one thing about spelling is ignored, and some ids that only then match."""

    shared: dict[str, int]  # what is ignored -> users
    examples: list[list[str]]  # source id, target id


def compare_spellings(connection: duckdb.DuckDBPyConnection, inputs: PairInputs) -> Spellings:
    """How many users are shared as their ids stand, and with each thing ignored."""
    source, target = (  # each id once: rules of spelling cost more than all else here
        f"(SELECT DISTINCT {USER} FROM {relation(connection, file)})"
        for file in (inputs.source, inputs.target)
    )
    shared = {}
    for what, spelt in {AS_THEY_STAND: "{0}", **SPELLINGS, EVERYTHING: loosely("{0}")}.items():
        one = spelt.replace("{0}", USER)
        shared[what] = number(
            connection,
            f"SELECT count(*) FROM (SELECT {one} FROM {source} INTERSECT SELECT {one} "
            f"FROM {target})",
        )
    ids = "(SELECT DISTINCT {0} AS id, {1} AS spelt FROM {2})".replace("{0}", USER)
    left, right = (
        ids.replace("{1}", loosely(USER)).replace("{2}", rows) for rows in (source, target)
    )
    found = connection.execute(
        f"SELECT s.id, t.id FROM {left} s JOIN {right} t USING (spelt) WHERE s.id <> t.id "
        f"AND t.id NOT IN (SELECT {USER} FROM {source}) ORDER BY s.id, t.id LIMIT {_EXAMPLES}"
    ).fetchall()
    return Spellings(shared, [list(pair) for pair in found])


def why_nothing_is_shared(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings
) -> tuple[bool, str]:
    """Whether reading the files otherwise plainly shares users, and a hint on what to try."""
    ids = compare_ids(connection, inputs)
    names = inputs.source_name, inputs.target_name
    if ids.exchanged and settings.exchanged_columns == "none":
        hint = ids.exchange_in_words(*names)
        files = "both files" if ids.exchanged == BOTH else names[ids.exchanged == TARGET]
        way = (
            f"set exchanged_columns to {ids.exchanged} (--exchanged {ids.exchanged}), or name the "
            f"two columns of {files} the other way round"
        )
        if ids.plainly_exchanged:
            return True, f"{hint} To read it so, {way}."
        return False, f"{hint} If they are exchanged, {way}."
    if ids.spelt_differently and settings.match_users == "exactly":
        found = count(ids.loosely, "user matches", "users match")
        return True, (
            f"{found} when spelling is ignored: set match_users to loosely (--match-users loosely)."
        )
    return False, "Use the same user ids in both files, or import a table that links them."
