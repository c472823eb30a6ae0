"""Leakage of time: counted by hand, expected of random splits, an alarm in temporal ones."""

import pandas as pd
import pytest

from core.basics.columns import ITEM, TIME, USER
from core.data.build_pair import build_pair
from core.data.checks.quality import find_time_leak, time_check
from core.data.pair_folder import PairSettings
from core.data.snapshot import SplitTables, read_info, write_snapshot
from core.data.splitting import RANDOM, TEMPORAL, SplitSettings, split_pair
from tests.core.data.small_files import random_rows


@pytest.fixture
def snapshot(tmp_path):
    """A split of rows (user, item, time) of each part."""

    def write(source, train, test, kind=TEMPORAL):
        frames = [pd.DataFrame(rows, columns=[USER, ITEM, TIME]) for rows in (source, train, test)]
        tables = SplitTables(frames[0], frames[1], frames[2].head(0), frames[2], None, None)
        return write_snapshot(
            tmp_path,
            tables,
            source_name="a",
            target_name="b",
            kind=kind,
            seed=0,
            settings={},
            dataset_hash="0" * 16,
        )

    return write


def test_rows_after_a_users_first_test_row_are_counted_by_hand(snapshot):
    folder = snapshot(
        source=[("u", "b1", 5), ("u", "b2", 50), ("v", "b1", 99), ("w", "b1", 99)],
        train=[("u", "f1", 20), ("u", "f2", 10), ("v", "f1", 1), ("w", "f1", None)],
        test=[("u", "f3", 10), ("u", "f4", 90), ("v", "f3", 99)],
    )
    leak = find_time_leak(folder)
    assert (leak.users, leak.users_ahead, leak.rows, leak.rows_ahead) == (2, 1, 6, 2)
    assert leak.share == pytest.approx(1 / 3)
    check = time_check(read_info(folder), leak)
    assert check.light == "red"
    assert "33% of the training rows of test users are later" in check.answer


@pytest.mark.parametrize(("kind", "light"), [(RANDOM, "amber"), (TEMPORAL, "green")])
def test_a_random_split_looks_ahead_and_a_temporal_one_does_not(
    connection, inputs, tmp_path, kind, light
):
    settings = PairSettings(rating_threshold=0, target_core=0)
    pair = build_pair(connection, inputs, settings, tmp_path / "pairs")
    folder = split_pair(pair, SplitSettings(kind=kind), 1, tmp_path / "splits")
    leak = find_time_leak(folder)
    check = time_check(read_info(folder), leak)
    assert check.light == light
    assert (leak.rows_ahead > 0) == (light == "amber")
    assert ("as expected" in check.answer) == (light == "amber")


def test_without_times_it_cannot_be_told(snapshot, connection, write, tmp_path):
    same = [("u", "f1", 7), ("v", "f2", 7)]
    folder = snapshot([("u", "b", 7)], same, [("u", "f2", 7), ("v", "f1", 7)])
    assert time_check(read_info(folder), find_time_leak(folder)).light == "grey"
    assert random_rows(1, "b").columns.tolist()[-1] == TIME


def test_a_split_by_numbers_of_periods_gets_no_green_light(snapshot):
    """Rows of one period have no order: it said that nothing in training was later."""
    rows = {"source": [("u", "b", 1)], "train": [("u", "f1", 1), ("v", "f1", 2)]}
    folder = snapshot(**rows, test=[("u", "f2", 3), ("v", "f2", 4)])
    check = time_check(read_info(folder), find_time_leak(folder))
    assert check.light == "grey"
    assert "numbers of periods, 2 different ones up to 4" in check.answer
