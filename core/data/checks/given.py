"""The trust checks of a split that came as files, and what is odd about its parts."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from core.basics.columns import ITEM, RATING, SOURCE, TARGET, TIME, USER
from core.basics.formatting import count
from core.data.checks.check import GIVEN, SPELLING, TIME_LEAK, Check, Light, judge_times
from core.data.checks.cross_listed import carried_by, find_cross_listed
from core.data.checks.files import check_times_of, judge_columns
from core.data.checks.quality import QUESTION, judge_cross_listed, judge_doubles, judge_people
from core.data.checks.rows import ask_ratings, ask_same_rows
from core.data.checks.same_people import SharedIds, compare_rows, match_users
from core.data.database import in_memory
from core.data.pair_folder import as_domain_pair
from core.data.snapshot import SplitTables

BY_TIME = 0.1  # share of training rows that are later; less is a leak of a split by time
MANY_REPEATED = 0.02  # share of the test rows that are in training too


def check_given(tables: SplitTables) -> list[Check]:
    """Every check of a pair that a given split can answer, and one of its parts.

    People and cross-listed items are looked for in training rows alone: test rows betray the
    answer. Whether the import kept all rows is said by the import.
    """
    source, train = tables.source_train, tables.target_train
    target = pd.concat([train, tables.target_valid, tables.target_test], ignore_index=True)
    target = target.drop_duplicates([USER, ITEM], ignore_index=True)
    source = source.drop_duplicates([USER, ITEM], ignore_index=True)
    train = train.drop_duplicates([USER, ITEM], ignore_index=True)
    ids, *others = _compare(source, target)
    pair = as_domain_pair(source, train)
    listed = find_cross_listed(pair)
    held_out = pd.concat([tables.target_valid, tables.target_test]).drop_duplicates([USER, ITEM])
    times = {SOURCE: source, TARGET: target}
    return [
        check_parts(tables),
        judge_people(match_users(pair)),
        judge_cross_listed(listed, carried_by(listed, pair, held_out)),
        judge_doubles({SOURCE: source, TARGET: target})[0],
        *others,
        judge_columns(ids, "the source", "the target"),
        _judge_spelling(ids),
        check_times_of({domain: rows[TIME] for domain, rows in times.items() if TIME in rows}),
        *check_future(tables),
    ]


def check_parts(tables: SplitTables) -> Check:
    """Which held-out rows are in training too, and who and what of the test training never saw.

    Held-out rows that are trained on are left out of the evaluation, because known items are
    masked. figures: numbers of rows, users and items.
    """
    train, valid, test = (
        pd.MultiIndex.from_frame(frame[[USER, ITEM]].astype("str"))
        for frame in (tables.target_train, tables.target_valid, tables.target_test)
    )
    known = set(tables.source_train[USER]) | set(tables.target_train[USER])
    figures = {
        "valid_rows_in_training": int(valid.isin(train).sum()),
        "test_rows_in_training": int(test.isin(train).sum()),
        "test_rows_in_validation": int((test.isin(valid) & ~test.isin(train)).sum()),
        "test_users_unknown": len(set(tables.target_test[USER]) - known),
        "test_items_unknown": len(set(tables.target_test[ITEM]) - set(tables.target_train[ITEM])),
    }
    rows, repeated = len(test), figures["test_rows_in_training"]
    question = "Are training, validation and test apart?"
    light: Light = "amber" if any(figures.values()) else "green"
    if repeated > MANY_REPEATED * rows:
        light = "red"
    return Check(GIVEN, light, question, _said_of_parts(figures), figures | {"test_rows": rows})


def parts_in_words(figures: Mapping[str, int]) -> list[str]:
    """A sentence for each figure of check_parts that is not nought."""
    rows = {
        "valid_rows_in_training": ("validation row is a training row", "are training rows"),
        "test_rows_in_training": ("test row is a training row", "are training rows"),
        "test_rows_in_validation": ("test row is a validation row", "are validation rows"),
    }
    said = []
    for name, (one, many) in rows.items():
        if n := figures[name]:
            whose = one.split(" is ")[0]
            what = f"1 {one}" if n == 1 else f"{n:,} {whose}s {many}"
            said.append(f"{what} too: {'it is' if n == 1 else 'they are'} left out.")
    if n := figures["test_users_unknown"]:
        users = count(n, "test user is", "test users are")
        said.append(f"{users} in no training file: nothing is known of {_them(n, 'this one')}.")
    if n := figures["test_items_unknown"]:
        items = count(n, "test item has", "test items have")
        said.append(f"{items} no training row: only texts can find {_them(n, 'it')}.")
    return said


def _said_of_parts(figures: Mapping[str, int]) -> str:
    if said := parts_in_words(figures):
        return f"Not quite: {' '.join(said)}"
    return "Yes: no row is in two of them, and training knows every test user and item."


def _them(n: int, one: str) -> str:
    return one if n == 1 else "them"


def check_future(tables: SplitTables) -> list[Check]:
    """Whether a split that is nearly by time lets training see what came after the test.

    Nobody says how files were split. Where less than a tenth of the test users' training rows are
    later than their first test row, time was meant, and those rows are a leak; where more are, it
    was not. Nothing where rows have no times that tell.
    """
    parts = tables.source_train, tables.target_train, tables.target_test
    timed = [part.dropna(subset=TIME) for part in parts if TIME in part]
    if len(timed) < len(parts) or judge_times({TARGET: timed[-1][TIME]}).light == "red":
        return []
    first = timed[-1].groupby(USER)[TIME].min()
    ahead = {}
    for name, part in zip(("source", "target"), timed[:2], strict=True):
        begins = part[USER].map(first)
        ahead[name] = (int((part[TIME] > begins).sum()), int(begins.notna().sum()))
    later, rows = (sum(one[place] for one in ahead.values()) for place in (0, 1))
    if not rows:
        return []
    figures = {"users": len(first), "rows": rows, "rows_ahead": later, "share": later / rows}
    said = f"{later:,} of {rows:,} training rows of test users are later than their first test row"
    if not later:
        answer = f"No: nothing any of {count(len(first), 'test user')} did later is in training."
        return [Check(TIME_LEAK, "green", QUESTION, answer, figures)]
    if later / rows >= BY_TIME:
        answer = f"Yes, so these files were not split by time: {said}."
        return [Check(TIME_LEAK, "grey", QUESTION, answer, figures)]
    answer = f"Yes, though the files look split by time: {said}. Leave these rows out of training."
    return [Check(TIME_LEAK, "red", QUESTION, answer, figures)]


def _compare(source: pd.DataFrame, target: pd.DataFrame) -> tuple[SharedIds, Check, Check]:
    """What the ids say, whether rows are in both domains, whether ratings point the same way."""
    with tempfile.TemporaryDirectory() as folder, in_memory(Path(folder)) as connection:
        tables = "given_source", "given_target"
        for name, rows in zip(tables, (source, target), strict=True):
            ids = {column: rows[column].astype("str") for column in (USER, ITEM)}
            connection.register(name, rows[[c for c in (RATING,) if c in rows]].assign(**ids))
        return (
            compare_rows(connection, *tables),
            ask_same_rows(connection, *tables),
            ask_ratings(connection, *tables, ("the source", "the target")),
        )


def _judge_spelling(ids: SharedIds) -> Check:
    question = "Are user ids spelt alike?"
    if not ids.spelt_differently:
        return Check(SPELLING, "green", question, "Yes: ignoring spelling shares no further users.")
    answer = (
        f"Not all: {count(ids.shared, 'user is', 'users are')} shared, and {ids.loosely:,} when "
        "case, blanks, leading zeros, a trailing .0, "
        "full width and the encoding of accents are ignored."
    )
    return Check(SPELLING, "amber", question, answer)
