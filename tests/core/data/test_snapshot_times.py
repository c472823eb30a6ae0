"""Histories in time order: places run over both domains together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, TIME, USER
from core.data.snapshot import SplitTables, read_snapshot, write_snapshot
from core.data.time_order import has_times, in_time_order


def frame(rows: list[tuple], timed: bool) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[USER, ITEM, TIME])
    return table if timed else table.drop(columns=TIME)


@pytest.fixture
def snapshot(tmp_path):
    def write(timed: bool = True):
        source = frame([("ann", "s1", 30), ("ann", "s2", 10), ("bob", "s1", 5)], timed)
        target = frame([("ann", "t1", 20), ("ann", "t2", 30), ("bob", "t2", None)], timed)
        tables = SplitTables(source, target, target.iloc[:0], target.iloc[:0], None, None)
        return write_snapshot(
            tmp_path,
            tables,
            source_name="a",
            target_name="b",
            kind="given files",
            seed=0,
            settings={},
            dataset_hash="0" * 16,
        )

    return write


def test_values_are_places_in_the_joint_history(snapshot):
    timed = read_snapshot(snapshot()).timed
    # ann: s2 at 10, t1 at 20, then s1 and t2 at 30, the source first; bob: t2 without a time first
    np.testing.assert_array_equal(timed.source.toarray(), [[3, 1], [2, 0]])
    np.testing.assert_array_equal(timed.target.toarray(), [[2, 4], [0, 1]])


def test_rows_with_times_are_told_from_rows_without(snapshot):
    assert has_times(snapshot())
    assert not has_times(snapshot(timed=False))


def test_without_times_the_source_stands_first(snapshot):
    timed = read_snapshot(snapshot(timed=False)).timed
    np.testing.assert_array_equal(timed.source.toarray(), [[1, 2], [1, 0]])
    np.testing.assert_array_equal(timed.target.toarray(), [[3, 4], [0, 2]])


def test_rows_that_were_dealt_keep_their_times_beside_the_new_owners_target(snapshot):
    split = read_snapshot(snapshot())
    givers = np.array([1, 0])
    timed = in_time_order(split.train.with_source_of(givers), split.folder, givers)
    # ann has bob's s1 of 5, then t1, t2; bob has s2 at 10, s1 at 30 after his t2 without a time
    np.testing.assert_array_equal(timed.source.toarray(), [[1, 0], [3, 2]])
    np.testing.assert_array_equal(timed.target.toarray(), [[2, 3], [0, 1]])
