"""One question about a pair: its light, its answer, and whether times can carry a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from core.basics.columns import SOURCE, TARGET, TIME
from core.basics.errors import DataError
from core.basics.files import as_record, read_json, write_json
from core.basics.formatting import count, number
from core.basics.workspace import Workspace

Light = Literal["green", "amber", "red", "grey"]

SAME_PEOPLE, CROSS_LISTED, EXCHANGED, SPELLING, TIMES, IMPORT = (
    "same_people",
    "cross_listed",
    "exchanged",
    "spelling",
    "times",
    "import",
)
DOUBLE_USERS, TIME_LEAK, ITEM_TABLES, GIVEN = "double_users", "time_leak", "item_tables", "given"
RATINGS, SAME_ROWS, TITLES = "ratings", "same_rows", "titles"
BOTH = "both"  # SOURCE, TARGET or BOTH files have their columns exchanged


@dataclass(frozen=True)
class Check:
    """One question about a pair with its answer; figures are what the answer stands on."""

    key: str
    light: Light
    question: str
    answer: str
    figures: dict[str, Any] = field(default_factory=dict)


def alarm_words(checks: Sequence[Check]) -> str:
    """A sentence per failed check that makes a lift doubtful; "" where there is none."""
    return " ".join(filter(None, map(_alarm, checks)))


def _alarm(check: Check) -> str:
    if check.light != "red":
        return ""
    if check.key == SAME_PEOPLE:
        auc, most = number(check.figures["auc"]), check.figures.get("share_high")
        told = f"AUC {auc}" if most is None else f"AUC {auc}, at most {100 * most:.0f} % of them"
        return f"Shared ids may not be the same people ({told}): do not believe a lift."
    if check.key == CROSS_LISTED:
        n = check.figures.get("target_items", check.figures["pairs"])
        listed = count(n, "item that is", "items that are")
        carry = "carries" if n == 1 else "carry"
        return f"{listed} listed in both domains {carry} the lift: the answer leaks."
    if check.key == DOUBLE_USERS:
        return f"{check.figures['share']:.1%} of a domain's users have a second id."
    return {
        EXCHANGED: "User and item columns look exchanged.",
        SAME_ROWS: "Source and target look like one table: do not believe a lift.",
        RATINGS: "In one of the files 1 may be the best rating.",
        TIME_LEAK: "Training knows what came after the test.",
    }.get(check.key, "")


# What was found, kept with the pair: pages read it without loading what found it.

RESULT = "quality.json"


def keep_checks(folder: Path, checks: Sequence[Check], beside: Path) -> None:
    """Keep what was found with the pair, or with a split that came as files of its own.

    beside: the record of either; where that was deleted, DataError is raised.
    """
    write_json(folder / RESULT, [asdict(check) for check in checks], beside=beside)


def read_checks(folder: Path) -> list[Check] | None:
    """What an earlier `check_pair` found; None where the pair was not checked yet.

    None, too, where what was kept is damaged: it can be found again, and no page but that of the
    checks need know (`checks_are_damaged`).
    """
    try:
        kept = read_json(folder / RESULT)
        checks = [as_record(Check, values) for values in kept]
    except (DataError, TypeError):
        return None
    return checks if checks and all(map(_has_its_figures, checks)) else None


def checks_of(workspace: Workspace, dataset_hash: str, split_hash: str) -> list[Check] | None:
    """What was found in the pair of a split, or in a split without one: it came as files."""
    pair = workspace.pairs / dataset_hash
    return read_checks(pair if pair.exists() else workspace.splits / split_hash)


_FIGURES: dict[str, tuple[str, ...]] = {  # what pages say of a check that found something
    CROSS_LISTED: ("pairs", "source_items", "share"),
    DOUBLE_USERS: ("pairs", "spare", "share"),
    IMPORT: ("rows", "rejected", "merged"),
    SAME_PEOPLE: ("auc",),
}


def _has_its_figures(check: Check) -> bool:
    if check.light == "grey":
        return True
    if check.key == EXCHANGED and check.light != "green":
        return check.figures.get("file") in (SOURCE, TARGET, BOTH)
    if check.key == SPELLING and "ignoring" in check.figures:
        ignoring, examples = (check.figures.get(key) for key in ("ignoring", "examples"))
        return isinstance(ignoring, dict) and isinstance(examples, list)
    needed = [check.figures.get(name) for name in _FIGURES.get(check.key, ())]
    return all(isinstance(value, int | float) for value in needed)


# Whether times can carry a split by time, or are numbers of periods, all equal, or odd.

_FIRST_DAY = datetime(1990, 1, 1, tzinfo=UTC)  # nobody rated anything online before
_LAST_PERIOD = 30_000_000  # below this a number counts periods: as seconds it is still 1970
_MOST_PERIODS = 5_000
_MANY_ODD = 0.01  # share of the rows


def times_in(folder: Path) -> dict[str, pd.Series]:
    """Times of the rows of a pair or a snapshot's training, by domain; those without are left out.

    folder: where `source.parquet` and `target.parquet` are.
    """
    files = {domain: folder / f"{domain}.parquet" for domain in (SOURCE, TARGET)}
    timed = [domain for domain, file in files.items() if TIME in pq.read_schema(file).names]
    return {domain: pd.read_parquet(files[domain], columns=[TIME])[TIME] for domain in timed}


@dataclass(frozen=True)
class JudgedTimes:
    """A light, the reason for it as a sentence that begins small, and the figures behind it."""

    light: Light
    reason: str
    figures: dict[str, int]

    @property
    def answer(self) -> str:
        """The answer to "are the times plausible?"."""
        if self.light == "red":
            return f"No: {self.reason} Do not split by time."
        return f"{'Yes' if self.light == 'green' else 'Mostly'}: {self.reason}"


def judge_times(times: dict[str, pd.Series]) -> JudgedTimes:
    """What is to be thought of the times of one or both domains, each (n_rows,) seconds.

    A domain whose times alone are none is named: a split cuts both at the same moments.
    """
    figures = {domain: _figures(column) for domain, column in times.items()}
    both = {key: sum(of[key] for of in figures.values()) for key in ("rows", "missing", "odd")} | {
        key: max(of[key] for of in figures.values()) for key in ("moments", "latest", "firsts")
    }
    light, reason = _said(both)
    bad = [domain for domain, of in figures.items() if _said(of)[0] == "red"]
    if bad and len(bad) < len(figures):
        return JudgedTimes("red", f"in the {bad[0]} {_said(figures[bad[0]])[1]}", both)
    if bad and light != "red":
        return JudgedTimes("red", _said(figures[bad[0]])[1], both)
    return JudgedTimes(light, reason, both)


def _figures(times: pd.Series) -> dict[str, int]:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    odd = (times < _FIRST_DAY.timestamp()) | (times > tomorrow.timestamp())
    moments = times.dropna().unique()
    few = pd.to_datetime(pd.Series(moments[: _MOST_PERIODS + 1], dtype="int64"), unit="s")
    firsts = len(moments) <= _MOST_PERIODS and (few.dt.normalize() == few) & (few.dt.day == 1)
    return {
        "rows": len(times),
        "missing": int(times.isna().sum()),
        "odd": int(odd.sum()),
        "moments": len(moments),
        "latest": int(times.max()) if times.notna().any() else 0,
        "firsts": int(np.all(firsts)),  # whether every time is the first day of a month
    }


def _said(figures: dict[str, int]) -> tuple[Light, str]:
    moments = figures["moments"]
    if moments <= 1:
        return "red", "all rows have one and the same time."
    if figures["latest"] < _LAST_PERIOD and moments <= _MOST_PERIODS:
        return "red", (
            f"the times are numbers of periods, {count(moments, 'different one')} up to "
            f"{figures['latest']:,}. Rows of one period have no order."
        )
    if figures["firsts"]:
        return "red", (
            f"the times are months or years, {count(moments, 'different one')}, each written as "
            "its first day. Rows of one period have no order."
        )
    said = f"{figures['odd']:,} of {figures['rows']:,} rows lie before 1990 or in the future"
    if figures["odd"] > _MANY_ODD * figures["rows"]:
        return "red", f"{said}."
    if figures["odd"] or figures["missing"]:
        return "amber", f"{said}, and {figures['missing']:,} have no time."
    return "green", f"all {figures['rows']:,} lie between 1990 and today."
