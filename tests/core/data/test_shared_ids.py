import pandas as pd
from small_files import random_rows

from core.basics.columns import ITEM, SOURCE, TARGET, USER
from core.data.pair_settings import PairInputs
from core.data.shared_ids import compare_ids

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
