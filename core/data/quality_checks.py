"""Questions that decide whether a lift on a pair is real, each answered in one sentence."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import duckdb
import pandas as pd

from core.basics.columns import ITEM, SOURCE, TARGET, TIME, TITLE, USER
from core.basics.files import write_whole
from core.data.cross_listed import SOURCE_ITEM, TARGET_ITEM, CrossListed, find_cross_listed
from core.data.database import columns, name, number, parquet
from core.data.datasets import import_counts
from core.data.filters import filter_rows
from core.data.pair_folder import PairInfo, as_domain_pair, read_items, read_rows, rows_file
from core.data.pair_settings import PairInputs, everything
from core.data.same_people import MOST_USERS, SamePeople, match_users
from core.data.shared_ids import compare_ids
from core.data.splitting import training_rows

Light = Literal["green", "amber", "red", "grey"]

SAME_PEOPLE, CROSS_LISTED, EXCHANGED, SPELLING, TIMES, IMPORT = (
    "same_people", "cross_listed", "exchanged", "spelling", "times", "import",
)  # fmt: skip
PAIRS = "cross_listed.parquet"
SOURCE_TITLE, TARGET_TITLE = "source_title", "target_title"
SOME_CROSS_LISTED, MANY_CROSS_LISTED = 0.001, 0.02  # shares of the target items
MANY_REJECTED = 0.01  # share of the rows of a file
_FIRST_DAY = "1990-01-01"  # nobody rated anything online before


@dataclass(frozen=True)
class Check:
    """One question about a pair with its answer; figures are what the answer stands on."""

    key: str
    light: Light
    question: str
    answer: str
    figures: dict[str, Any] = field(default_factory=dict)


def ask_same_people(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    info: PairInfo,
    inputs: PairInputs | None,
) -> Check:
    """Whether a source profile finds its own target profile."""
    found = match_users(as_domain_pair(*_rows_of_shared(connection, folder, info, inputs)))
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
        (SOURCE, SOURCE_ITEM, SOURCE_TITLE), (TARGET, TARGET_ITEM, TARGET_TITLE),
    ):  # fmt: skip
        known = _titles(read_items(folder, domain))
        pairs = pairs.assign(**{title: [known.get(name, "") for name in pairs[item]]})
    write_whole(folder / PAIRS, lambda part: pairs.to_parquet(part, index=False))
    light: Light = "green"
    if found.share >= SOME_CROSS_LISTED:
        light = "red" if found.share >= MANY_CROSS_LISTED else "amber"
    figures = {
        "pairs": len(pairs), "source_items": int(pairs[SOURCE_ITEM].nunique()),
        "target_items": found.found, "share": found.share,
    }  # fmt: skip
    question = "Are items listed in both domains?"
    return Check(CROSS_LISTED, light, question, _said_of_items(found, info, light), figures)


def _titles(items: pd.DataFrame | None) -> dict[str, str]:
    if items is None or TITLE not in items:
        return {}
    return dict(zip(items[ITEM], items[TITLE].fillna(""), strict=True))


def _said_of_items(found: CrossListed, info: PairInfo, light: Light) -> str:
    if not found.found:
        dropped = info.settings.get("drop_cross_listed")
        return "None is left: they were dropped." if dropped else "None was found."
    items, have = ("item", "has") if found.found == 1 else ("items", "have")
    figures = (
        f"{found.found:,} target {items} ({found.share:.2%}) {have} nearly the same users as a "
        "source item under another id"
    )
    if light != "red":
        return f"Hardly: {figures}."
    return f"Yes: {figures}. They leak the answer, so drop them before you believe a lift."


def ask_columns(connection: duckdb.DuckDBPyConnection, inputs: PairInputs | None) -> Check:
    """Whether exchanging user and item in one file makes the overlap appear."""
    question = "Are user and item columns exchanged?"
    if inputs is None:
        return Check(EXCHANGED, "grey", question, "Cannot be told: an imported file is gone.")
    ids = compare_ids(connection, inputs)
    figures = asdict(ids)
    if ids.exchanged is None:
        return Check(EXCHANGED, "green", question, "No sign of it.", figures)
    file = inputs.source_name if ids.exchanged == SOURCE else inputs.target_name
    ways = max(ids.with_source_exchanged, ids.with_target_exchanged)
    answer = (
        f"It looks so in {file}: as they are {ids.shared:,} users are shared, with its columns "
        f"exchanged {ways:,}."
    )
    return Check(EXCHANGED, "red", question, answer, figures | {"file": ids.exchanged})


def ask_spelling(connection: duckdb.DuckDBPyConnection, inputs: PairInputs | None) -> Check:
    """Whether more users are shared once spelling is ignored."""
    question = "Are user ids spelt alike?"
    if inputs is None:
        return Check(SPELLING, "grey", question, "Cannot be told: an imported file is gone.")
    ids = compare_ids(connection, inputs)
    if not ids.spelt_differently:
        answer = "Yes: ignoring case, spaces and leading zeros finds no further shared users."
        return Check(SPELLING, "green", question, answer, asdict(ids))
    answer = (
        f"Not all: {ids.shared:,} users are shared, and {ids.loosely:,} when case, spaces, leading "
        "zeros and a trailing .0 are ignored."
    )
    return Check(SPELLING, "amber", question, answer, asdict(ids))


def ask_times(connection: duckdb.DuckDBPyConnection, folder: Path) -> Check:
    """Whether the times of the pair's rows can carry a split by time."""
    question = "Are the times plausible?"
    files = [parquet(rows_file(folder, domain)) for domain in (SOURCE, TARGET)]
    timed = [file for file in files if TIME in columns(connection, file)]
    if not timed:
        answer = "There are none, so a split by time cannot be made."
        return Check(TIMES, "grey", question, answer)
    odd_time = f"{TIME} < epoch(TIMESTAMP '{_FIRST_DAY}') OR {TIME} > epoch(now()) + 86400"
    counts = {
        "rows": "count(*)",
        "missing": f"count(*) FILTER (WHERE {TIME} IS NULL)",
        "odd": f"count(*) FILTER (WHERE {odd_time})",
    }
    figures = {
        key: sum(number(connection, f"SELECT {count} FROM {file}") for file in timed)
        for key, count in counts.items()
    }
    distinct = [number(connection, f"SELECT count(DISTINCT {TIME}) FROM {file}") for file in timed]
    light, answer = _said_of_times(figures, max(distinct))
    return Check(TIMES, light, question, answer, figures)


def _said_of_times(figures: dict[str, int], moments: int) -> tuple[Light, str]:
    if moments <= 1:
        return "red", "No: all rows have one and the same time. Do not split by time."
    said = f"{figures['odd']:,} of {figures['rows']:,} rows lie before 1990 or in the future"
    if figures["odd"] > 0.01 * figures["rows"]:
        return "red", f"No: {said}. Do not split by time."
    if figures["odd"] or figures["missing"]:
        return "amber", f"Mostly: {said}, and {figures['missing']:,} have no time."
    return "green", f"Yes: all {figures['rows']:,} lie between 1990 and today."


def ask_import(inputs: PairInputs | None) -> Check:
    """How much of the two files the import kept."""
    question = "Was all of both files taken in?"
    files = [] if inputs is None else [inputs.source, inputs.target]
    counts = [found for file in files if (found := import_counts(file))]
    if len(counts) < 2:
        return Check(IMPORT, "grey", question, "Cannot be told: an imported file is gone.")
    figures = {key: sum(count[key] for count in counts) for key in ("rows", "rejected", "merged")}
    many = any(count["rejected"] > MANY_REJECTED * count["rows"] for count in counts)
    light: Light = "amber" if many else "green"
    answer = (
        f"Of {figures['rows']:,} rows {figures['rejected']:,} were rejected, and "
        f"{figures['merged']:,} repeated a user and item and were merged."
    )
    return Check(IMPORT, light, question, answer, figures)
