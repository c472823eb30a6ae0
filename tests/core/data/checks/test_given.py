"""A split that came as files is checked as a pair is, and its parts are held against each other."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, TIME, USER
from core.data.checks.check import (
    CROSS_LISTED,
    DOUBLE_USERS,
    EXCHANGED,
    GIVEN,
    RATINGS,
    SAME_PEOPLE,
    SAME_ROWS,
    SPELLING,
    TIME_LEAK,
    TIMES,
    Check,
)
from core.data.checks.given import check_given
from core.data.snapshot import SplitTables
from tests.core.data.small_files import two_tastes


def by_key(tables: SplitTables) -> dict[str, Check]:
    return {check.key: check for check in check_given(tables)}


@pytest.fixture
def given() -> SplitTables:
    source, target = two_tastes(1), two_tastes(2)
    part = np.random.default_rng(3).permutation(len(target)) % 10
    known = target[ITEM].isin(target[ITEM][part > 1])
    valid, test = target[(part == 0) & known], target[(part == 1) & known]
    return SplitTables(source, target[part > 1], valid, test, None, None)


def test_a_sound_split_passes(given):
    found = by_key(given)
    assert list(found) == [
        GIVEN,
        SAME_PEOPLE,
        CROSS_LISTED,
        DOUBLE_USERS,
        SAME_ROWS,
        RATINGS,
        EXCHANGED,
        SPELLING,
        TIMES,
    ]
    lights = {key: check.light for key, check in found.items()}
    assert lights[GIVEN] == lights[SAME_PEOPLE] == lights[EXCHANGED] == "green"
    assert found[GIVEN].answer.startswith("Yes: no row is in two of them")


def test_rows_in_two_parts_and_strangers_are_counted_by_hand():
    def rows(*pairs):
        return pd.DataFrame(pairs, columns=[USER, ITEM])

    tables = SplitTables(
        rows(("u", "b"), ("v", "b")),
        rows(("u", "f1"), ("u", "f2"), ("v", "f1")),
        rows(("u", "f1"), ("v", "f2")),
        rows(("u", "f2"), ("v", "f1"), ("v", "f2"), ("w", "f1"), ("x", "new")),
        None,
        None,
    )
    check = by_key(tables)[GIVEN]
    assert check.figures == {
        "valid_rows_in_training": 1,
        "test_rows_in_training": 2,
        "test_rows_in_validation": 1,
        "test_users_unknown": 2,
        "test_items_unknown": 1,
        "test_rows": 5,
    }
    assert check.light == "red"
    assert check.answer == (
        "Not quite: 1 validation row is a training row too: it is left out. 2 test rows are "
        "training rows too: they are left out. 1 test row is a validation row too: it is left "
        "out. 2 test users are in no training file: nothing is known of them. 1 test item has no "
        "training row: only texts can find it."
    )


def test_a_stranger_alone_is_amber(given):
    stranger = given.target_test.head(1).assign(**{USER: "nobody"})
    tables = replace(given, target_test=pd.concat([given.target_test, stranger]))
    assert by_key(tables)[GIVEN].light == "amber"


def test_other_people_under_the_same_ids_come_out_red(given):
    users = given.source_train[USER].unique()
    others = dict(zip(users, np.random.default_rng(1).permutation(users), strict=True))
    wrong = given.source_train.assign(**{USER: given.source_train[USER].map(others)})
    assert by_key(replace(given, source_train=wrong))[SAME_PEOPLE].light == "red"


def test_copies_doubles_exchanged_columns_and_spelling_are_found(given):
    copies = given.target_train[given.target_train[ITEM] == given.target_train[ITEM].iloc[0]]
    listed = pd.concat([given.source_train, copies.assign(**{ITEM: "copy"})])
    assert by_key(replace(given, source_train=listed))[CROSS_LISTED].figures["pairs"] >= 1
    own = [(user, f"own{n}") for user in ("once", "again") for n in range(12)]
    again = pd.DataFrame(own, columns=[USER, ITEM])
    twice = pd.concat([given.source_train, again])
    assert by_key(replace(given, source_train=twice))[DOUBLE_USERS].figures["spare"] == 1
    exchanged = given.source_train.rename(columns={USER: ITEM, ITEM: USER})
    assert by_key(replace(given, source_train=exchanged))[EXCHANGED].figures["file"] == "source"
    loud = given.source_train.assign(**{USER: given.source_train[USER].str.upper()})
    assert by_key(replace(given, source_train=loud))[SPELLING].light == "amber"


def test_a_split_without_shared_users_or_times_is_still_checked(given):
    frames = {
        part: getattr(given, part).drop(columns=TIME, errors="ignore")
        for part in ("source_train", "target_train", "target_valid", "target_test")
    }
    frames["source_train"] = frames["source_train"].assign(
        **{USER: "v" + frames["source_train"][USER]}
    )
    found = by_key(replace(given, **frames))
    assert found[SAME_PEOPLE].light == "grey"
    assert found[TIMES].light == "grey"


def test_a_split_by_time_that_leaks_is_told_from_one_that_was_not_by_time(given):
    """Nobody says how files were split: a few later rows are a leak, many are another kind."""
    start = 1_600_000_000
    draw = np.random.default_rng(1)

    def timed(rows: pd.DataFrame, first: int, later: float = 0.0) -> pd.DataFrame:
        moved = np.where(draw.random(len(rows)) < later, 2_000_000, 0)
        return rows.assign(**{TIME: start + first + np.arange(len(rows)) + moved})

    for later, light in ((0.0, "green"), (0.03, "red"), (0.5, "grey")):
        tables = replace(
            given,
            source_train=timed(given.source_train, 0, later),
            target_train=timed(given.target_train, 0),
            target_valid=timed(given.target_valid, 500_000),
            target_test=timed(given.target_test, 1_000_000),
        )
        assert by_key(tables)[TIME_LEAK].light == light
    assert TIME_LEAK not in by_key(given)
