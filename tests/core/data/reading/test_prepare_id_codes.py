import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from core.data.reading.prepare import IdColumn, kept_rows, trimmed


@pytest.mark.parametrize("keep", ["first", "last"])
@pytest.mark.parametrize("columns", [1, 2])
def test_one_row_of_each_stays_as_pandas_would_keep_it(keep, columns):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.integers(0, 60, 4_000) for name in range(columns)})
    codes = [frame[name].to_numpy(np.int32) for name in frame]
    kept = kept_rows(codes, [60] * columns, keep_last=keep == "last")
    assert (kept == ~frame.duplicated(keep=keep).to_numpy()).all()


def test_codes_of_huge_catalogues_do_not_collide():
    users = np.array([2**31 - 1, 2**31 - 2, 0], dtype=np.int32)
    items = np.array([0, 2**31 - 1, 5], dtype=np.int32)
    assert kept_rows([users, items], [2**31, 2**31], keep_last=True).all()


def test_ids_are_numbered_across_blocks(monkeypatch):
    monkeypatch.setattr("core.data.reading.prepare._BLOCK", 3)
    column = IdColumn()
    names = ["b", "a", "b", "c", "a", "007", "b"]
    for start in range(0, len(names), 2):
        column.add(pa.array(names[start : start + 2]))
    codes, ids = column.finish()
    assert [ids[code].as_py() for code in codes] == names
    assert len(ids) == 4


def test_a_column_without_rows_has_no_ids():
    codes, ids = IdColumn().finish()
    assert (len(codes), len(ids)) == (0, 0)


def test_blank_ids_become_null():
    assert trimmed(pa.array([" a ", "", "\u3000", None, "b\t"])).to_pylist() == [
        "a",
        None,
        None,
        None,
        "b",
    ]
