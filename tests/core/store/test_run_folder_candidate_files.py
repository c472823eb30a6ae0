"""Candidates come back from Parquet exactly as they were."""

from dataclasses import fields

import numpy as np
import pytest

from core.basics.errors import RunError
from core.basics.types import Candidates
from core.store.run_folder import read_candidates, write_candidates


def some_candidates() -> Candidates:
    starts = np.array([0, 2, 2, 5])  # the second user has none
    n = starts[-1]
    numbers = np.arange(n, dtype=np.int32)
    floats = np.linspace(0, 1, n, dtype=np.float32)
    return Candidates(
        users=np.array([4, 7, 9], dtype=np.int32),
        starts=starts,
        items=numbers,
        source=floats,
        target=floats[::-1].copy(),
        base=floats * 0,
        source_rank=numbers + 1,
        target_rank=numbers + 2,
        dominators=numbers,
        has_source=np.array([True, False, True]),
        has_target=np.array([False, False, True]),
        source_scale=np.arange(12, dtype=np.float32).reshape(3, 4),
        target_scale=np.ones((3, 4), dtype=np.float32),
        depth=50,
    )


def test_candidates_come_back_equal(tmp_path):
    before = some_candidates()
    after = read_candidates(write_candidates(tmp_path / "candidates_valid.parquet", before))
    for field in fields(Candidates):
        np.testing.assert_array_equal(getattr(after, field.name), getattr(before, field.name))


def test_no_users_at_all_come_back_as_none(tmp_path):
    before = some_candidates()
    empty = {
        field.name: getattr(before, field.name)[:0]
        for field in fields(Candidates)
        if field.name not in ("depth", "starts")
    }
    path = tmp_path / "candidates_test.parquet"
    after = read_candidates(
        write_candidates(path, Candidates(**empty, starts=np.array([0]), depth=50))
    )
    assert len(after.users) == len(after.items) == 0
    assert list(after.starts) == [0]


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(RunError, match="cannot be read"):
        read_candidates(tmp_path / "candidates_valid.parquet")
