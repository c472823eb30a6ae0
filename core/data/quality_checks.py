"""Questions that decide whether a lift on a pair is real, each answered in one sentence."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from core.basics.columns import DOMAIN, ITEM, SOURCE, TARGET, TITLE, USER
from core.basics.files import write_whole
from core.data.check import CROSS_LISTED, DOUBLE_USERS, SAME_PEOPLE, Check, Light
from core.data.cross_listed import SOURCE_ITEM, TARGET_ITEM, CrossListed, find_cross_listed
from core.data.database import name, parquet
from core.data.double_users import find_double_users, spare_ids
from core.data.filters import filter_rows
from core.data.pair_folder import RECORD, PairInfo, as_domain_pair, read_items, read_rows, rows_file
from core.data.pair_settings import PairInputs, everything
from core.data.same_people import MOST_USERS, SamePeople, match_users
from core.data.splitting import training_rows

PAIRS, DOUBLES = "cross_listed.parquet", "double_users.parquet"
SOURCE_TITLE, TARGET_TITLE = "source_title", "target_title"
SOME_CROSS_LISTED, MANY_CROSS_LISTED = 0.001, 0.02  # shares of the target's items or rows
_GREEN: Light = "green"
SOME_DOUBLE, MANY_DOUBLE = 0.001, 0.02  # shares of the users of a domain


def ask_same_people(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    info: PairInfo,
    inputs: PairInputs | None,
) -> Check:
    """Whether a source profile finds its own target profile."""
    return judge_people(
        match_users(as_domain_pair(*_rows_of_shared(connection, folder, info, inputs)))
    )


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
    if found.verdict == "unknown":
        return f"Cannot be told: only {found.tested:,} users are shared, filters aside."
    figures = (
        f"a source profile picks its own target profile out of two {found.auc:.0%} of the time "
        f"(AUC {found.auc:.3f}, 95 % {found.low:.3f} to {found.high:.3f}; with shuffled ids "
        f"{found.control_low:.3f} to {found.control_high:.3f}; "
        f"{found.tested:,} shared users, filters aside)"
    )
    if found.verdict == "green":
        return f"Yes: {figures}."
    if found.verdict == "amber":
        return f"Probably, but taste hardly carries over: {figures}."
    return (
        f"No sign of it: {figures}. The ids may only look alike, so a lift on this pair "
        "would mean nothing."
    )


def _rows_of_shared(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    info: PairInfo,
    inputs: PairInputs | None,
) -> list[pd.DataFrame]:
    """Rows of at most MOST_USERS shared users, unfiltered where the imported files are there."""
    if inputs is None:
        tables = [parquet(rows_file(folder, domain)) for domain in (SOURCE, TARGET)]
    else:
        filter_rows(connection, inputs, everything(info.settings))
        tables = [name(SOURCE), name(TARGET)]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE drawn AS SELECT {USER} FROM "
        f"(SELECT {USER} FROM {tables[0]} INTERSECT SELECT {USER} FROM {tables[1]}) "
        f"ORDER BY md5({USER}), {USER} LIMIT {MOST_USERS}"
    )
    query = f"SELECT {USER}, {ITEM} FROM {{rows}} WHERE {USER} IN (SELECT {USER} FROM drawn)"
    return [connection.execute(query.format(rows=rows)).df() for rows in tables]


def ask_cross_listed(folder: Path, info: PairInfo) -> Check:
    """Whether the target lists source items under other ids; the pairs go into the folder."""
    source, target = read_rows(folder, SOURCE), read_rows(folder, TARGET)
    found = find_cross_listed(as_domain_pair(source, training_rows(source, target)))
    pairs = found.pairs
    for domain, item, title in (
        (SOURCE, SOURCE_ITEM, SOURCE_TITLE),
        (TARGET, TARGET_ITEM, TARGET_TITLE),
    ):
        known = _titles(read_items(folder, domain))
        pairs = pairs.assign(**{title: [known.get(name, "") for name in pairs[item]]})
    write_whole(folder / PAIRS, lambda part: pairs.to_parquet(part, index=False), folder / RECORD)
    return judge_cross_listed(found, bool(info.settings.get("drop_cross_listed")))


def judge_cross_listed(found: CrossListed, dropped: bool = False) -> Check:
    """What the items with the same users in both domains say of a lift."""
    pairs, light = found.pairs, _GREEN
    share = max(found.share, found.row_share)
    if share >= SOME_CROSS_LISTED:
        light = "red" if share >= MANY_CROSS_LISTED else "amber"
    figures = {
        "pairs": len(pairs),
        "source_items": int(pairs[SOURCE_ITEM].nunique()),
        "target_items": found.found,
        "share": found.share,
        "row_share": found.row_share,
    }
    question = "Are items listed in both domains?"
    return Check(CROSS_LISTED, light, question, _said_of_items(found, dropped, light), figures)


def _titles(items: pd.DataFrame | None) -> dict[str, str]:
    if items is None or TITLE not in items:
        return {}
    return dict(zip(items[ITEM], items[TITLE].fillna(""), strict=True))


def _said_of_items(found: CrossListed, dropped: bool, light: Light) -> str:
    if not found.found:
        return "None is left: they were dropped." if dropped else "None was found."
    items, have = ("item", "has") if found.found == 1 else ("items", "have")
    figures = (
        f"{found.found:,} target {items} ({found.share:.2%} of the items, {found.row_share:.1%} of "
        f"the rows) {have} nearly the same users as a source item under another id"
    )
    if light != "red":
        return f"Hardly: {figures}."
    return f"Yes: {figures}. They leak the answer, so drop them before you believe a lift."


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
