import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, SOURCE, TARGET, USER
from core.data.checks.same_people import (
    EVERYTHING,
    compare_ids,
    compare_spellings,
    why_nothing_is_shared,
)
from core.data.pair_folder import PairInputs, PairSettings
from tests.core.data.small_files import random_rows

WIDE = "\uff55" + "".join(chr(0xFF10 + digit) for digit in range(10))
SOURCE_ROWS, TARGET_ROWS = random_rows(1, "b"), random_rows(2, "f")


def exchanged(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.rename(columns={USER: ITEM, ITEM: USER})


def test_plain_files_share_users_and_raise_no_question(connection, inputs):
    ids = compare_ids(connection, inputs)
    assert (ids.shared, ids.loosely, ids.exchanged, ids.spelt_differently) == (40, 40, None, False)


def test_exchanged_columns_are_found_in_either_file(connection, write):
    source = PairInputs(write("s", exchanged(SOURCE_ROWS)), write("t", TARGET_ROWS))
    target = PairInputs(write("a", SOURCE_ROWS), write("b", exchanged(TARGET_ROWS)))
    assert compare_ids(connection, source).exchanged == SOURCE
    assert compare_ids(connection, target).exchanged == TARGET


def skewed(seed: int, prefix: str, users: int = 60, items: int = 40) -> pd.DataFrame:
    """Users with about as many rows each, items from hits to the long tail."""
    draw = np.random.default_rng(seed)
    chance = 1 / (1 + np.arange(items))
    taken = [draw.choice(items, 6, replace=False, p=chance / chance.sum()) for _ in range(users)]
    rows = [(f"u{user:02}", f"{prefix}{item}") for user, of in enumerate(taken) for item in of]
    return pd.DataFrame(rows, columns=[USER, ITEM])


def test_columns_exchanged_in_both_files_are_found(connection, write):
    """Item first, user second in both: it said "use the same user ids"."""
    rows = [exchanged(skewed(seed, prefix)) for seed, prefix in ((1, "b"), (2, "f"))]
    inputs = PairInputs(write("s", rows[0]), write("t", rows[1]))
    ids = compare_ids(connection, inputs)
    assert (ids.shared, ids.exchanged, ids.plainly_exchanged, ids.found) == (0, "both", True, 60)
    plainly, said = why_nothing_is_shared(connection, inputs, PairSettings())
    assert plainly
    assert "exchanged in both files" in said
    both = PairSettings(exchanged_columns="both")
    assert not why_nothing_is_shared(connection, inputs, both)[0]


def test_one_catalogue_with_two_groups_of_people_is_said_to_be_either(connection, write):
    rows = [skewed(1, "b"), skewed(2, "b").assign(**{USER: lambda frame: "v" + frame[USER]})]
    inputs = PairInputs(write("s", rows[0]), write("t", rows[1]))
    ids = compare_ids(connection, inputs)
    assert (ids.shared, ids.exchanged, ids.plainly_exchanged) == (0, "both", False)
    plainly, said = why_nothing_is_shared(connection, inputs, PairSettings())
    assert not plainly
    assert "either user and item are exchanged" in said
    assert "one catalogue" in said


def test_two_files_with_nothing_in_common_raise_no_question(connection, write):
    rows = [skewed(1, "b"), skewed(2, "f").assign(**{USER: lambda frame: "v" + frame[USER]})]
    inputs = PairInputs(write("s", rows[0]), write("t", rows[1]))
    assert compare_ids(connection, inputs).exchanged is None
    said = "Use the same user ids in both files, or import a table that links them."
    assert why_nothing_is_shared(connection, inputs, PairSettings()) == (False, said)


def test_numbers_that_are_users_here_and_items_there_raise_no_question(connection, write):
    """Users and items numbered from 1 alike: items of one file look like the other's users."""
    numbered = [
        rows.assign(**{USER: rows[USER].str[1:], ITEM: "0" + rows[ITEM].str[1:]})
        for rows in (SOURCE_ROWS, TARGET_ROWS)
    ]
    assert (
        compare_ids(
            connection, PairInputs(write("s", numbered[0]), write("t", numbered[1]))
        ).exchanged
        is None
    )


def test_other_spellings_are_counted(connection, write):
    shouted = TARGET_ROWS.assign(**{USER: " " + TARGET_ROWS[USER].str.upper()})
    ids = compare_ids(connection, PairInputs(write("s", SOURCE_ROWS), write("t", shouted)))
    assert (ids.shared, ids.loosely, ids.spelt_differently) == (0, 40, True)


@pytest.mark.parametrize(
    ("what", "spelt"),
    [
        ("full-width letters", lambda ids: ids.str.translate(str.maketrans("u0123456789", WIDE))),
        ("composed letters", lambda ids: "e\u0301" + ids),
    ],
)
def test_ids_of_another_width_or_composition_are_noticed_and_can_be_matched(
    connection, write, what, spelt
):
    """Ids typed in Chinese or Japanese input, or on a Mac, looked the same and shared nobody."""
    source = SOURCE_ROWS.assign(**{USER: spelt(SOURCE_ROWS[USER])})
    target = TARGET_ROWS
    if what == "composed letters":
        target = TARGET_ROWS.assign(**{USER: "\u00e9" + TARGET_ROWS[USER]})
    inputs = PairInputs(write("s", source), write("t", target))
    ids = compare_ids(connection, inputs)
    assert (ids.shared, ids.loosely, ids.spelt_differently) == (0, 40, True)
    assert "match_users to loosely" in why_nothing_is_shared(connection, inputs, PairSettings())[1]
    found = compare_spellings(connection, inputs)
    assert {name for name, users in found.shared.items() if users} == {what, EVERYTHING}
    assert [one != other for one, other in found.examples] == [True] * 20
