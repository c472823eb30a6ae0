import pandas as pd
import pytest

from core.basics.columns import ITEM, RATING, TIME, USER
from core.data.snapshot import SplitTables, read_snapshot, user_history, write_snapshot


def split_of(tmp_path, **times):
    source = pd.DataFrame({USER: ["u1"] * 3, ITEM: ["a", "b", "c"], RATING: [5.0, 3.0, 4.0]})
    if times:
        source[TIME] = times["times"]
    target = pd.DataFrame({USER: ["u1", "u2"], ITEM: ["x", "y"], RATING: [4.0, 4.0]})
    empty = target.iloc[:0]
    folder = write_snapshot(
        tmp_path,
        SplitTables(source, target, empty, empty, None, None),
        source_name="s",
        target_name="t",
        kind="random",
        seed=0,
        settings={},
        dataset_hash="0" * 16,
    )
    return read_snapshot(folder)


def test_rows_come_newest_first_with_unknown_times_last(tmp_path):
    split = split_of(tmp_path, times=[100, 300, None])
    rows = user_history(split, "source_train", 0)
    assert list(split.train.source_items.names(rows[ITEM])) == ["b", "a", "c"]
    assert rows[TIME].iloc[0] == pd.Timestamp("1970-01-01 00:05:00")
    assert rows[TIME].isna().tolist() == [False, False, True]
    assert list(rows[RATING]) == [3.0, 5.0, 4.0]


def test_without_times_rows_stand_by_item_and_times_are_unknown(tmp_path):
    rows = user_history(split_of(tmp_path), "source_train", 0)
    assert list(rows[ITEM]) == [0, 1, 2]
    assert rows[TIME].isna().all()


def test_another_users_rows_never_come(tmp_path):
    split = split_of(tmp_path)
    assert len(user_history(split, "source_train", 1)) == 0
    assert len(user_history(split, "target_train", 1)) == 1


def test_a_part_that_is_none_is_refused(tmp_path):
    with pytest.raises(KeyError):
        user_history(split_of(tmp_path), "../users", 0)
