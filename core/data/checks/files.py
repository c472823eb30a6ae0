"""Questions about the files behind a pair: their columns, spellings, times and rejected rows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import duckdb
import pandas as pd

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count
from core.data.build_pair import KNOWN_SHARE, known_in_words
from core.data.checks.check import (
    EXCHANGED,
    IMPORT,
    ITEM_TABLES,
    SPELLING,
    TIMES,
    Check,
    Light,
    judge_times,
    times_in,
)
from core.data.checks.same_people import SharedIds, compare_spellings
from core.data.pair_folder import PairInfo, PairInputs
from core.data.reading.options import import_counts, rows_weighing_nothing

_COLUMNS = "Are user and item columns exchanged?"
_TIMES = "Are the times plausible?"
MANY_REJECTED = 0.01  # share of the rows of a file


def ask_columns(ids: SharedIds | None, inputs: PairInputs | None) -> Check:
    """Whether exchanging user and item in one file, or in both, makes the overlap appear.

    ids: of the imported files; None where one is gone.
    """
    if inputs is None or ids is None:
        return Check(EXCHANGED, "grey", _COLUMNS, "Cannot be told: an imported file is gone.")
    return judge_columns(ids, inputs.source_name, inputs.target_name)


def judge_columns(ids: SharedIds, source: str, target: str) -> Check:
    """What the ids say of user and item columns; source, target: what the files are called."""
    question, figures = _COLUMNS, asdict(ids)
    if ids.exchanged is None:
        return Check(EXCHANGED, "green", question, "No sign of it.", figures)
    said = ids.exchange_in_words(source, target)
    answer = f"{said} As they are, {count(ids.shared, 'user is', 'users are')} shared."
    light: Light = "red" if ids.plainly_exchanged else "amber"
    return Check(EXCHANGED, light, question, answer, figures | {"file": ids.exchanged})


def ask_spelling(
    connection: duckdb.DuckDBPyConnection, ids: SharedIds | None, inputs: PairInputs | None
) -> Check:
    """Whether more users are shared once spelling is ignored, and what of it does that."""
    question = "Are user ids spelt alike?"
    if inputs is None or ids is None:
        return Check(SPELLING, "grey", question, "Cannot be told: an imported file is gone.")
    spelt = compare_spellings(connection, inputs)
    figures = asdict(ids) | {"ignoring": spelt.shared, "examples": spelt.examples}
    if not ids.spelt_differently:
        answer = "Yes: ignoring spelling (case, blanks, zeros, width) shares no further users."
        return Check(SPELLING, "green", question, answer, figures)
    answer = (
        f"Not all: {ids.shared:,} users are shared, and {ids.loosely:,} when case, blanks, leading "
        "zeros, a trailing .0, full width and the encoding of accents are ignored."
    )
    return Check(SPELLING, "amber", question, answer, figures)


def ask_times(folder: Path) -> Check:
    """Whether the times of the pair's rows can carry a split by time."""
    return check_times_of(times_in(folder))


def check_times_of(times: dict[str, pd.Series]) -> Check:
    """The same of the times of each domain that has any."""
    if not times:
        answer = "There are none, so a split by time cannot be made."
        return Check(TIMES, "grey", _TIMES, answer)
    judged = judge_times(times)
    return Check(TIMES, judged.light, _TIMES, judged.answer, dict(judged.figures))


def ask_item_tables(info: PairInfo) -> Check:
    """Whether the item tables of a pair speak of its items."""
    question = "Are the items in their item tables?"
    called = {SOURCE: info.source_name, TARGET: info.target_name}
    answer = " ".join(known_in_words(n, called[domain]) for domain, n in info.items_known.items())
    shares = [known / max(1, every) for known, every in info.items_known.values()]
    light: Light = "green" if min(shares) >= KNOWN_SHARE else "amber" if any(shares) else "red"
    if light != "green":
        answer += " One of the files may have its items in another column: import it again so."
    return Check(ITEM_TABLES, light, question, answer, {"known": info.items_known})


def ask_import(inputs: PairInputs | None) -> Check:
    """How much of the two files the import kept."""
    question = "Was all of both files taken in?"
    files = [] if inputs is None else [inputs.source, inputs.target]
    counts = [found for file in files if (found := import_counts(file))]
    if len(counts) < 2:
        return Check(IMPORT, "grey", question, "Cannot be told: an imported file is gone.")
    figures = {key: sum(count[key] for count in counts) for key in ("rows", "rejected", "merged")}
    chosen = [rows_weighing_nothing(file) for file in files]  # left out because someone said so
    many = any(
        count["rejected"] - asked > MANY_REJECTED * count["rows"]
        for count, asked in zip(counts, chosen, strict=True)
    )
    light: Light = "amber" if many else "green"
    answer = (
        f"Of {figures['rows']:,} rows {figures['rejected']:,} were rejected, and "
        f"{figures['merged']:,} repeated a user and item and were merged."
    )
    if any(chosen):
        answer += f" Of those rejected, {sum(chosen):,} are of event types that weigh 0."
    return Check(IMPORT, light, question, answer, figures)
