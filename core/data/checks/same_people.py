"""Are shared ids the same people, and is one person there twice?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import duckdb
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import ITEM, SOURCE, TARGET, USER
from core.basics.formatting import count
from core.basics.sorted_sets import distinct
from core.basics.types import FloatArray, IdMap, IntArray
from core.data.checks.check import BOTH
from core.data.checks.cross_listed import beyond_chance, expected_common
from core.data.checks.same_share import (
    FEWEST_TESTED,
    FOLDS,
    likeness,
    own_places,
    scores,
    share_of_same,
    within,
)
from core.data.database import number
from core.data.filters import SPELLINGS, loosely
from core.data.pair import DomainPair
from core.data.pair_folder import PairInputs, PairSettings
from core.data.reading.options import relation

MOST_USERS = 2_000  # shared users drawn; more make it slower, not surer of what matters
SHUFFLES = 200
ALL, MANY, FEW = 0.95, 0.6, 0.5  # shares of the shared ids that are the same people
TELLING = 0.25  # mean shift of halves of one domain's histories; without any taste it is up to .22

Verdict = Literal["green", "amber", "red", "unknown"]


@dataclass(frozen=True)
class SamePeople:
    """User-matching AUC with its 95 % interval, beside shuffled ids with their 95 % range.

    0.5: the shared ids say nothing about taste, so they only look alike. 1: every source profile
    ranks its own target profile above everybody else's. share: of the shared ids that are the same
    people, the likeliest, with its 95 % interval (core/data/checks/same_share.py).
    """

    auc: float
    low: float
    high: float
    control: float
    control_low: float
    control_high: float
    tested: int  # shared users whose profiles were matched
    share: float = float("nan")
    share_low: float = float("nan")
    share_high: float = float("nan")
    halves: float = float("nan")  # mean shift that halves of one domain's histories reach

    @property
    def sign(self) -> bool:
        """Whether own profiles are found above what shuffled ids give."""
        return self.low > self.control_high

    @property
    def verdict(self) -> Verdict:
        """By the interval of the share: nobody is accused where all may be the same people.

        green: all may be, and three fifths surely are. red: less than a half are, or there is no
        sign of any. amber: others among them. unknown: too few shared users, or tastes too weak to
        tell, since red and amber need that halves of one domain's histories find each other.
        """
        if self.tested < FEWEST_TESTED:
            return "unknown"
        if self.share_high >= ALL:
            return "green" if self.sign and self.share_low >= MANY else "unknown"
        if self.halves < TELLING:
            return "unknown"
        return "amber" if self.sign and self.share_high >= FEW else "red"


def match_users(pair: DomainPair, seed: int = 2022) -> SamePeople:
    """Let held-out shared users' source profiles look for their own target profiles.

    At most 2,000 shared users are drawn and held out by fifths. The other four fifths teach
    W = S'T, how often items of both domains are liked by one person, profiles at unit length, rare
    items weighing more. A held-out user's source profile s scores every held-out target profile t
    by s W t', without what is common to the rows and columns; the AUC is the share of other
    people's profiles it puts below the user's own (ties half).
    """
    draw = np.random.default_rng(seed)
    shared = draw.permutation(np.flatnonzero(pair.shared))[:MOST_USERS]
    if len(shared) < FEWEST_TESTED:
        nothing = float("nan")
        return SamePeople(nothing, nothing, nothing, nothing, nothing, nothing, len(shared))
    source, target = pair.source[shared], pair.target[shared]
    folds = np.array_split(np.arange(len(shared)), FOLDS)
    affinities = scores(likeness(source), likeness(target), folds)
    wins = [shares_beaten(fold) for fold in affinities]
    own = np.concatenate([np.diag(fold) for fold in wins])
    half_width = 1.96 * own.std(ddof=1) / np.sqrt(len(own))
    # (SHUFFLES,) the AUC when every source profile is paired with somebody else's target one
    control = np.empty(SHUFFLES)
    for shuffle in range(SHUFFLES):
        orders = [draw.permutation(len(fold)) for fold in wins]
        paired = [fold[o, np.roll(o, 1)] for fold, o in zip(wins, orders, strict=True)]
        control[shuffle] = np.concatenate(paired).mean()  # nobody meets himself
    low, high = np.quantile(control, (0.025, 0.975))
    mean = float(own.mean())
    halves = np.sqrt(within(source, draw) * within(target, draw))
    share = share_of_same(own_places(affinities, folds, source, target), halves)
    return SamePeople(
        mean,
        float(mean - half_width),
        float(mean + half_width),
        float(control.mean()),
        float(low),
        float(high),
        len(own),
        share.likeliest,
        share.low,
        share.high,
        float(halves[-1]),
    )


def shares_beaten(affinity: FloatArray) -> FloatArray:
    """Share of the other profiles in its row that each profile beats, ties half, (n, n)."""
    wins = np.empty(affinity.shape)
    for row, values in enumerate(affinity):
        ordered = np.sort(values)
        beaten = np.searchsorted(ordered, values, side="left")
        reached = np.searchsorted(ordered, values, side="right") - 1  # with ties, itself aside
        wins[row] = (beaten + reached) / 2
    return wins / (len(affinity) - 1)


# Why two files share users or not: exchanged columns, ids spelt alike but not equal.

HARDLY = 0.01  # share of the smaller user list: fewer shared users than this are next to none
PLAINLY = 0.05  # more than this share is an overlap
UNEVEN = 0.02  # Gini by which one column is plainly used more unevenly than another
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
    # Each id once, kept for all five comparisons: to find it in its rows is what costs
    different = {}
    for domain, rows in ((SOURCE, source), (TARGET, target)):
        for column in (USER, ITEM):
            different[domain, column] = f"{domain}_{column}_once"
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {different[domain, column]} AS "
                f"SELECT DISTINCT {column} FROM {rows}"
            )
    fewest = {
        column: min(
            number(connection, f"SELECT count({column}) FROM {different[domain, column]}")
            for domain in (SOURCE, TARGET)
        )
        for column in (USER, ITEM)
    }
    ways = {
        "shared": (USER, USER),
        "with_source_exchanged": (ITEM, USER),
        "with_target_exchanged": (USER, ITEM),
        "with_both_exchanged": (ITEM, ITEM),
    }
    shared = "SELECT count(*) FROM (SELECT {0} FROM {1} INTERSECT SELECT {2} FROM {3})"
    counts = {
        way: number(
            connection,
            shared.format(left, different[SOURCE, left], right, different[TARGET, right]),
        )
        for way, (left, right) in ways.items()
    }
    users = different[SOURCE, USER], different[TARGET, USER]
    counts["loosely"] = number(
        connection, shared.format(loosely(USER), users[0], loosely(USER), users[1])
    )
    for table in different.values():
        connection.execute(f"DROP TABLE {table}")
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


# Double users: nearly the same history under two ids of one domain.

USER_ID, OTHER_ID, COMMON_ITEMS, JACCARD = "user", "other_user", "common_items", "jaccard"
FEWEST_ITEMS = 5  # shorter histories are alike by chance
ENOUGH_JACCARD = 0.8
_CROWD = 2_000  # users who begin with one item; more are compared by whole histories only
_PRODUCTS_AT_ONCE = 20_000_000
_PAIRS_AT_ONCE = 100_000


@dataclass(frozen=True)
class DoubleUsers:
    """pairs: USER_ID, OTHER_ID, COMMON_ITEMS, JACCARD, the surest first; users: who could be."""

    pairs: pd.DataFrame
    users: int

    @property
    def found(self) -> int:
        """Ids that are one too many."""
        return len(spare_ids(self.pairs))


def find_double_users(user_items: csr_matrix, users: IdMap) -> DoubleUsers:
    """Users with 5 items or more whose histories have a Jaccard of .8 or more, beyond chance.

    user_items: (n_users, n_items) ones of one domain. Equal histories are found by a fingerprint,
    the others among users who share one of their rarest items: with a Jaccard of .8 one of the
    rarest fifth of a history is in the other's rarest fifth (Bayardo, Ma, Srikant 2007).
    """
    rows = user_items.tocsr().sorted_indices()
    sizes = np.diff(rows.indptr)
    pairs = np.concatenate([_equal(rows, sizes), _near(rows, sizes)])
    numbers = distinct(pairs[:, 0] * len(sizes) + pairs[:, 1])  # one number per pair
    left, right = numbers // max(1, len(sizes)), numbers % max(1, len(sizes))
    # (n_pairs,) how many items both have
    parts = [np.zeros(0, dtype=np.int64)]
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        both = rows[left[part]].multiply(rows[right[part]])
        parts.append(np.asarray(both.sum(axis=1)).ravel().astype(np.int64))
    common = np.concatenate(parts)
    jaccard = common / np.maximum(1, sizes[left] + sizes[right] - common)
    alike = (jaccard >= ENOUGH_JACCARD) & (common >= FEWEST_ITEMS)
    left, right, common, jaccard = left[alike], right[alike], common[alike], jaccard[alike]
    grown = int((sizes >= FEWEST_ITEMS).sum())
    # Items in common if either drew as many as they have by popularity
    items = rows.T.tocsr()
    ways = expected_common(items, items, left, right), expected_common(items, items, right, left)
    expected = np.maximum(*ways)
    sure = beyond_chance(common, expected, grown * (grown - 1) // 2)
    columns = {
        USER_ID: users.names(left[sure]),
        OTHER_ID: users.names(right[sure]),
        COMMON_ITEMS: common[sure],
        JACCARD: jaccard[sure],
    }
    found = pd.DataFrame(columns).sort_values(
        [JACCARD, COMMON_ITEMS], ascending=False, kind="stable", ignore_index=True
    )
    return DoubleUsers(found, grown)


def spare_ids(pairs: pd.DataFrame) -> list[str]:
    """Of every group of ids that are alike, all but the first."""
    from scipy.sparse.csgraph import connected_components

    ids = IdMap.of(pairs[USER_ID], pairs[OTHER_ID])
    places = ids.numbers(pairs[USER_ID]), ids.numbers(pairs[OTHER_ID])
    joined = csr_matrix((np.ones(len(pairs)), places), shape=(len(ids), len(ids)))
    _, group = connected_components(joined, directed=False)
    _, first = np.unique(group, return_index=True)
    return [str(name) for name in np.delete(ids.ids, first)]


def _equal(rows: csr_matrix, sizes: IntArray) -> IntArray:
    """(n, 2) user numbers with the very same items, each beside the first of them."""
    first: dict[bytes, int] = {}
    found = []
    for user in np.flatnonzero(sizes >= FEWEST_ITEMS).tolist():
        key = rows.indices[rows.indptr[user] : rows.indptr[user + 1]].tobytes()
        if (other := first.setdefault(key, user)) != user:
            found.append((other, user))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _near(rows: csr_matrix, sizes: IntArray) -> IntArray:
    """(n, 2) user numbers that share one of their rarest items and have as many, about."""
    # (n_users, n_items) ones at the rarest items of every long enough history
    owner = np.repeat(np.arange(rows.shape[0]), sizes)
    popularity = np.bincount(rows.indices, minlength=rows.shape[1])
    rank = np.empty(rows.shape[1], dtype=np.int64)  # of items, the rarest first
    rank[np.argsort(popularity, kind="stable")] = np.arange(rows.shape[1])
    # One number per row sorts by user and rank, several times faster than `lexsort`
    order = np.argsort(owner * rows.shape[1] + rank[rows.indices])
    place = np.arange(len(order)) - rows.indptr[owner]
    few = sizes - np.ceil(ENOUGH_JACCARD * sizes).astype(np.int64) + 1
    first = (place < few[owner]) & (sizes[owner] >= FEWEST_ITEMS)
    users, items = owner[first], rows.indices[order][first]
    quiet = np.bincount(items, minlength=rows.shape[1])[items] <= _CROWD
    ones = np.ones(int(quiet.sum()), dtype=np.float32)
    rarest = csr_matrix((ones, (users[quiet], items[quiet])), shape=rows.shape)
    found = [np.zeros((0, 2), dtype=np.int64)]
    for part in _chunks(rarest):
        shared = (rarest[part] @ rarest.T).tocoo()
        left, right = shared.row.astype(np.int64) + part.start, shared.col.astype(np.int64)
        small, large = np.minimum(sizes[left], sizes[right]), np.maximum(sizes[left], sizes[right])
        likely = (left < right) & (small >= ENOUGH_JACCARD * large)
        found.append(np.column_stack([left[likely], right[likely]]))
    return np.concatenate(found)


def _chunks(rarest: csr_matrix) -> Iterator[slice]:
    """Runs of users whose products with all others fit in memory."""
    costs = rarest @ np.bincount(rarest.indices, minlength=rarest.shape[1]).astype(np.float64)
    ends = np.cumsum(costs) // _PRODUCTS_AT_ONCE
    starts = np.flatnonzero(np.diff(ends, prepend=-1.0))
    for start, end in zip(starts, [*starts, len(costs)][1:], strict=True):
        yield slice(int(start), int(end))
