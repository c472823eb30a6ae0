"""Why two files share users or not: exchanged columns, ids spelt alike but not equal."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from core.basics.columns import ITEM, SOURCE, TARGET, USER
from core.data.database import number
from core.data.datasets import relation
from core.data.filters import SPELLINGS, loosely
from core.data.pair_settings import PairInputs, PairSettings

HARDLY = 0.01  # share of the smaller user list: fewer shared users than this are next to none
PLAINLY = 0.05  # more than this share is an overlap
AS_THEY_STAND, EVERYTHING = "nothing", "all of these"
_EXAMPLES = 20


@dataclass(frozen=True)
class SharedIds:
    """How many users two files share, read as they are and in other ways."""

    smaller: int  # users of the file with fewer
    shared: int
    with_source_exchanged: int  # source items that are target users
    with_target_exchanged: int  # source users that are target items
    loosely: int  # shared when case, blanks, leading zeros and a trailing .0 are ignored

    @property
    def exchanged(self) -> str | None:
        """SOURCE or TARGET: the file whose user and item columns look exchanged; else None."""
        ways = {SOURCE: self.with_source_exchanged, TARGET: self.with_target_exchanged}
        best = max(ways, key=lambda domain: ways[domain])
        hardly = self.shared <= HARDLY * self.smaller
        return best if hardly and ways[best] > PLAINLY * max(1, self.smaller) else None

    @property
    def spelt_differently(self) -> bool:
        """Whether ignoring spelling finds plainly more users."""
        return self.loosely > self.shared + HARDLY * self.smaller


def compare_ids(connection: duckdb.DuckDBPyConnection, inputs: PairInputs) -> SharedIds:
    """Count shared users of two imported files in every way they could be read."""
    source, target = relation(connection, inputs.source), relation(connection, inputs.target)
    smaller = min(
        number(connection, f"SELECT count(DISTINCT {USER}) FROM {rows}")
        for rows in (source, target)
    )
    ways = [(USER, USER), (ITEM, USER), (USER, ITEM), (loosely(USER), loosely(USER))]
    counts = [
        number(
            connection,
            f"SELECT count(*) FROM (SELECT {left} FROM {source} INTERSECT "
            f"SELECT {right} FROM {target})",
        )
        for left, right in ways
    ]
    return SharedIds(smaller, *counts)


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
) -> str:
    """One sentence on what to try where no user is shared."""
    ids = compare_ids(connection, inputs)
    if ids.exchanged and settings.exchanged_columns == "none":
        name = inputs.source_name if ids.exchanged == SOURCE else inputs.target_name
        return (
            f"In {name} users and items look exchanged: set exchanged_columns to "
            f"{ids.exchanged}, or import it again with the two columns the other way round."
        )
    if ids.spelt_differently and settings.match_users == "exactly":
        return f"{ids.loosely:,} users match when spelling is ignored: set match_users to loosely."
    return "Use the same user ids in both files, or import a table that links them."
