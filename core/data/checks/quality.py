"""The trust checks of a pair, each answered in one sentence, and kept with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from core.basics.columns import DOMAIN, ITEM, SOURCE, TARGET, TIME, TITLE, USER
from core.basics.files import write_whole
from core.basics.formatting import count
from core.basics.progress import Progress, Report, silent
from core.basics.types import FloatArray
from core.data.checks.check import (
    CROSS_LISTED,
    DOUBLE_USERS,
    RESULT,
    SAME_PEOPLE,
    TIME_LEAK,
    Check,
    Light,
    judge_times,
    keep_checks,
    read_checks,
)
from core.data.checks.cross_listed import (
    MANY_REACHED,
    SOURCE_ITEM,
    TARGET_ITEM,
    Carried,
    CrossListed,
    carried_by,
    find_cross_listed,
)
from core.data.checks.files import ask_columns, ask_import, ask_item_tables, ask_spelling, ask_times
from core.data.checks.rows import ask_ratings, ask_same_rows, ask_titles
from core.data.checks.same_people import (
    ALL,
    MOST_USERS,
    SamePeople,
    SharedIds,
    compare_ids,
    find_double_users,
    match_users,
    spare_ids,
)
from core.data.database import name, parquet
from core.data.filters import filter_rows
from core.data.pair_folder import (
    RECORD,
    PairInfo,
    PairInputs,
    as_domain_pair,
    everything,
    read_items,
    read_pair_info,
    read_rows,
    rows_file,
)
from core.data.snapshot import NEW_ITEMS, SplitInfo
from core.data.splitting import TEMPORAL, training_rows


def check_pair(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    inputs: PairInputs | None,
    report: Report = silent,
) -> list[Check]:
    """Answer every question about a pair and keep the answers in its folder.

    inputs: the imported files. Where they are gone (None), questions about ids are asked of the
    rows that are left, and those about columns and spelling stay grey.
    """
    info = read_pair_info(folder)

    @cache
    def ids() -> SharedIds | None:  # two questions are asked of them
        return None if inputs is None else compare_ids(connection, inputs)

    work: list[tuple[str, Callable[[], Check]]] = [
        ("matching profiles", lambda: ask_same_people(connection, folder, info, inputs)),
        ("comparing items", lambda: ask_cross_listed(folder, info)),
        ("comparing histories", lambda: ask_double_users(folder)),
        ("comparing rows", lambda: ask_same_rows(connection, *_all_rows(folder, inputs))),
        (
            "comparing ratings",
            lambda: ask_ratings(
                connection, *_all_rows(folder, inputs), (info.source_name, info.target_name)
            ),
        ),
        ("comparing ids", lambda: ask_columns(ids(), inputs)),
        ("comparing spellings", lambda: ask_spelling(connection, ids(), inputs)),
        ("looking at times", lambda: ask_times(folder)),
        ("reading what the import said", lambda: ask_import(inputs)),
    ]
    if info.items_known:
        work.append(("looking for the items", lambda: ask_item_tables(info)))
    titled = {
        domain: table
        for domain in (SOURCE, TARGET)
        if (table := read_items(folder, domain)) is not None and TITLE in table
    }
    if titled:
        names = {SOURCE: info.source_name, TARGET: info.target_name}
        work.append(("comparing titles", lambda: ask_titles(titled, names)))
    checks = []
    for done, (stage, check) in enumerate(work):
        report(Progress(done, len(work), stage))
        checks.append(check())
    keep_checks(folder, checks, folder / RECORD)
    report(Progress(len(work), len(work), "done"))
    return checks


def checks_are_damaged(folder: Path) -> bool:
    """Whether answers or tables were kept of a pair that cannot be read any more."""
    if not (folder / RESULT).exists():
        return False
    tables = [file for file in (folder / PAIRS, folder / DOUBLES) if file.exists()]
    return read_checks(folder) is None or not all(map(_is_whole, tables))


def _is_whole(file: Path) -> bool:
    try:
        pd.read_parquet(file)
    except (OSError, ValueError):  # pyarrow's errors are of both kinds
        return False
    return True


def read_cross_listed(folder: Path) -> pd.DataFrame:
    """The cross-listed items with their titles, the surest pairs first."""
    return pd.read_parquet(folder / PAIRS)


def read_double_users(folder: Path) -> pd.DataFrame:
    """Ids with nearly the same history and their domain; empty where that was not asked yet."""
    file = folder / DOUBLES
    return pd.read_parquet(file) if file.exists() else pd.DataFrame()


# Questions that decide whether a lift on a pair is real, each answered in one sentence.

PAIRS, DOUBLES = "cross_listed.parquet", "double_users.parquet"
SOURCE_TITLE, TARGET_TITLE = "source_title", "target_title"
SOME_CROSS_LISTED = 0.001  # share of the target's items or rows, or of the people
_GREEN: Light = "green"
SOME_DOUBLE, MANY_DOUBLE = 0.001, 0.02  # shares of the users of a domain


def ask_same_people(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    info: PairInfo,
    inputs: PairInputs | None,
) -> Check:
    """Whether a source profile finds its own target profile."""
    # Rows of at most MOST_USERS shared users, unfiltered where the imported files are there
    if inputs is not None:
        filter_rows(connection, inputs, everything(info.settings))
    tables = _all_rows(folder, inputs)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE drawn AS SELECT {USER} FROM "
        f"(SELECT {USER} FROM {tables[0]} INTERSECT SELECT {USER} FROM {tables[1]}) "
        f"ORDER BY md5({USER}), {USER} LIMIT {MOST_USERS}"
    )
    query = f"SELECT {USER}, {ITEM} FROM {{rows}} WHERE {USER} IN (SELECT {USER} FROM drawn)"
    rows_of_shared = [connection.execute(query.format(rows=rows)).df() for rows in tables]
    return judge_people(match_users(as_domain_pair(*rows_of_shared)))


def _all_rows(folder: Path, inputs: PairInputs | None) -> tuple[str, str]:
    """Both domains in SQL, as `ask_same_people` left them: unfiltered where the files are there."""
    if inputs is None:
        return parquet(rows_file(folder, SOURCE)), parquet(rows_file(folder, TARGET))
    return name(SOURCE), name(TARGET)


def judge_people(found: SamePeople) -> Check:
    """What the matching of profiles says of the shared ids."""
    figures = {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in asdict(found).items()
    }
    light: Light = "grey" if found.verdict == "unknown" else found.verdict
    question = "Are shared ids the same people?"
    return Check(SAME_PEOPLE, light, question, _said_of_people(found), figures)


def _said_of_people(found: SamePeople) -> str:
    if math.isnan(found.auc):
        return f"Cannot be told: only {found.tested:,} users are shared, filters aside."
    figures = (
        f"a source profile picks its own target profile out of two {found.auc:.0%} of the time "
        f"(AUC {found.auc:.3f}, 95 % {found.low:.3f} to {found.high:.3f}; with shuffled ids "
        f"{found.control_low:.3f} to {found.control_high:.3f}; "
        f"{found.tested:,} shared users, filters aside)"
    )
    low, high = f"{100 * found.share_low:.0f}", f"{100 * found.share_high:.0f}"
    likeliest = f"likeliest {100 * found.share:.0f} %"
    if found.verdict == "unknown":
        if found.sign and found.share_high >= ALL:
            return f"Cannot be told of all: {low} to {high} % of them are: {figures}."
        return f"Cannot be told, taste hardly carries over: {figures}."
    if found.verdict == "green":
        return f"Yes, {low} to {high} % of them ({likeliest}): {figures}."
    if not found.sign:
        return (
            f"No sign of it, and it would show if more than {high} % of them were: {figures}. The "
            "ids may only look alike, so a lift on this pair would mean nothing."
        )
    if found.verdict == "red":
        return (
            f"Not of most: {low} to {high} % of them are ({likeliest}). The others only have the "
            f"same id, so a lift on this pair would mean little: {figures}."
        )
    return (
        f"Not of all: {low} to {high} % of them are ({likeliest}). The others only have the same "
        f"id, and a lift on this pair is smaller than it would be: {figures}."
    )


def ask_cross_listed(folder: Path, info: PairInfo) -> Check:
    """Whether the target lists source items under other ids; the pairs go into the folder."""
    source, target = read_rows(folder, SOURCE), read_rows(folder, TARGET)
    rows = training_rows(source, target)
    train = as_domain_pair(source, rows)
    found = find_cross_listed(train)
    carried = carried_by(found, train, target.drop(rows.index))
    pairs = found.pairs
    for domain, item, title in (
        (SOURCE, SOURCE_ITEM, SOURCE_TITLE),
        (TARGET, TARGET_ITEM, TARGET_TITLE),
    ):
        known = _titles(read_items(folder, domain))
        pairs = pairs.assign(**{title: [known.get(name, "") for name in pairs[item]]})
    write_whole(folder / PAIRS, lambda part: pairs.to_parquet(part, index=False), folder / RECORD)
    return judge_cross_listed(found, carried, bool(info.settings.get("drop_cross_listed")))


def judge_cross_listed(found: CrossListed, carried: Carried, dropped: bool = False) -> Check:
    """What the items with the same users in both domains do to a lift.

    They are weighed by the people who gain from them, not by their number: a few items with few
    rows may carry all that the source adds.
    """
    pairs, light = found.pairs, _GREEN
    reach = carried.reached
    if not carried.lift_is_sure:  # nothing measured speaks for them
        reach = max(found.share, found.row_share, carried.reached)
    if carried.carries:
        light = "red"
    elif carried.share or reach >= (MANY_REACHED if carried.lift_is_sure else SOME_CROSS_LISTED):
        light = "amber"
    figures = {
        "pairs": len(pairs),
        "source_items": int(pairs[SOURCE_ITEM].nunique()),
        "target_items": found.found,
        "share": found.share,
        "row_share": found.row_share,
        "people": carried.people,
        "reached": carried.reached,
        "lift_share": carried.share,
        "lift": None if math.isnan(carried.lift) else carried.lift,
        "lift_without": None if math.isnan(carried.without) else carried.without,
    }
    question = "Are items listed in both domains?"
    answer = _said_of_items(found, carried, dropped, light)
    return Check(CROSS_LISTED, light, question, answer, figures)


def _titles(items: pd.DataFrame | None) -> dict[str, str]:
    if items is None or TITLE not in items:
        return {}
    return dict(zip(items[ITEM], items[TITLE].fillna(""), strict=True))


def _said_of_items(found: CrossListed, carried: Carried, dropped: bool, light: Light) -> str:
    if not found.found:
        return "None is left: they were dropped." if dropped else "None was found."
    items, have = ("item", "has") if found.found == 1 else ("items", "have")
    figures = (
        f"{found.found:,} target {items} ({found.share:.2%} of the items, {found.row_share:.1%} of "
        f"the rows) {have} nearly the same users as a source item under another id"
    )
    people = (
        f"{carried.reached:.1%} of {count(carried.people, 'shared person', 'shared people')} with "
        "held-out rows could be told one of them from the source alone"
    )
    if not math.isnan(carried.lift):
        people += (
            f"; the source adds {carried.lift:+.4f} to nDCG@10 of a ridge regression with these "
            f"items and {carried.without:+.4f} without"
        )
    if light != "red":
        return f"Hardly: {figures}. {people[:1].upper()}{people[1:]}."
    return (
        f"Yes, and they carry what the source adds: {figures}. {people[:1].upper()}{people[1:]}. "
        "They leak the answer, so drop them before you believe a lift."
    )


def ask_double_users(folder: Path) -> Check:
    """Whether people have two ids in one domain; the pairs of ids go into the folder."""
    check, pairs = judge_doubles({domain: read_rows(folder, domain) for domain in (SOURCE, TARGET)})
    write_whole(folder / DOUBLES, lambda part: pairs.to_parquet(part, index=False), folder / RECORD)
    return check


def judge_doubles(rows_of: dict[str, pd.DataFrame]) -> tuple[Check, pd.DataFrame]:
    """What ids with nearly the same history say, and the pairs of ids; rows_of: by domain."""
    tables, shares = [], []
    for domain, rows in rows_of.items():
        pair = as_domain_pair(rows, rows.head(0))
        found = find_double_users(pair.source, pair.users)
        tables.append(found.pairs.assign(**{DOMAIN: domain}))
        shares.append(found.found / max(1, len(pair.users)))
    pairs = pd.concat(tables, ignore_index=True)
    spare = len(spare_ids(pairs))
    light = _GREEN
    if max(shares) >= SOME_DOUBLE:
        light = "red" if max(shares) >= MANY_DOUBLE else "amber"
    figures = {"pairs": len(pairs), "spare": spare, "share": max(shares)}
    question = "Does anybody have two ids in one domain?"
    said = _said_of_doubles(spare, light, figures)
    return Check(DOUBLE_USERS, light, question, said, figures), pairs


def _said_of_doubles(spare: int, light: Light, figures: dict[str, Any]) -> str:
    if not spare:
        return "No: no two users share nearly all of their items."
    ids, repeat = ("id", "repeats") if spare == 1 else ("ids", "repeat")
    said = (
        f"{spare:,} {ids} {repeat} nearly the same history as another one "
        f"({figures['share']:.2%} of a domain's users)"
    )
    if light == "green":
        return f"Hardly: {said}."
    return f"It looks so: {said}. What one of them is tested on, the other may have trained."


# Leakage of time: training rows that are later than what their user is tested on.

QUESTION = "Does training know what came after the test?"


@dataclass(frozen=True)
class TimeLeak:
    """Test users with times, and their training rows of both domains."""

    users: int
    users_ahead: int  # of whom some training row is later than their first test row
    rows: int  # training rows of these users, with times
    rows_ahead: int  # those later than the user's first test row
    doubt: str = ""  # why their times are none, where they are not

    @property
    def share(self) -> float:
        """Share of the training rows that are later; 0 where there are none."""
        return self.rows_ahead / self.rows if self.rows else 0.0


def find_time_leak(folder: Path) -> TimeLeak | None:
    """What the training part of a snapshot knows too early; None where test rows have no times."""
    test = _timed(folder, f"{TARGET}_test")
    if test is None or test[TIME].nunique() < 2:
        return None
    first = test.groupby(USER)[TIME].min()
    rows, later = [], []
    for domain in (SOURCE, TARGET):
        train = _timed(folder, f"{domain}_train")
        if train is not None:
            begins = first.reindex(train[USER]).to_numpy(np.float64)  # NaN: no test user
            rows.append(train[USER][~np.isnan(begins)])
            later.append(train[USER][train[TIME].to_numpy() > begins])
    if not rows:
        return None
    ahead = pd.concat(later)
    judged = judge_times({TARGET: test[TIME]})
    doubt = judged.reason if judged.light == "red" else ""
    return TimeLeak(len(first), ahead.nunique(), sum(map(len, rows)), len(ahead), doubt)


def time_check(info: SplitInfo, leak: TimeLeak | None) -> Check:
    """The light and the answer for a split of this kind.

    A temporal split promises that nothing comes from the future; the other kinds do not.
    """
    if leak is None:
        answer = "Cannot be told: the rows of this split have no times that differ."
        return Check(TIME_LEAK, "grey", QUESTION, answer)
    figures = asdict(leak) | {"share": leak.share}
    if not leak.rows_ahead and leak.doubt:
        return Check(TIME_LEAK, "grey", QUESTION, f"Cannot be told: {leak.doubt}", figures)
    if not leak.rows_ahead:
        answer = f"No: nothing any of {count(leak.users, 'test user')} did later is in training."
        return Check(TIME_LEAK, "green", QUESTION, answer, figures)
    said = (
        f"{leak.share:.0%} of the training rows of test users are later than the user's first "
        f"test row ({leak.users_ahead:,} of {count(leak.users, 'user')})"
    )
    if info.kind == TEMPORAL:
        return Check(TIME_LEAK, "red", QUESTION, f"Yes, though it must not: {said}.", figures)
    told = "new items are placed" if info.kind == NEW_ITEMS else "taste is completed"
    answer = (
        f"Yes, as expected of a split that is not by time: {said}. Its figures say how well "
        f"{told}, not how well the future is foreseen; a temporal split says that."
    )
    return Check(TIME_LEAK, "amber", QUESTION, answer, figures)


def _timed(folder: Path, part: str) -> pd.DataFrame | None:
    """USER and TIME of the rows of a part that have one; None where no row can have one."""
    path = folder / f"{part}.parquet"
    if TIME not in pq.read_schema(path).names:
        return None
    frame = pd.read_parquet(path, columns=[USER, TIME])
    times: FloatArray = frame[TIME].to_numpy(dtype=np.float64, na_value=np.nan)
    return frame.assign(**{TIME: times})[~np.isnan(times)]
