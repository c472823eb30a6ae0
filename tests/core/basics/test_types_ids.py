"""Ids are text, and their numbers do not depend on the order of rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.basics.errors import DataError
from core.basics.types import IdMap


@given(st.lists(st.text(max_size=8), min_size=1))
def test_names_come_back_from_numbers(names):
    ids = IdMap.of(names)
    assert list(ids.names(ids.numbers(names))) == names


@given(st.lists(st.sampled_from(["a", "b", "007", "7", "7.0", "true"]), min_size=1))
def test_row_order_does_not_matter(names):
    assert list(IdMap.of(names).ids) == list(IdMap.of(reversed(names)).ids)


def test_ids_that_look_like_numbers_stay_apart():
    assert len(IdMap.of(["007", "7", "7.0", "07"])) == 4


def test_two_columns_share_one_map():
    assert list(IdMap.of(["b"], ["a", "b"]).ids) == ["a", "b"]


def test_an_unknown_id_is_named():
    with pytest.raises(DataError, match="'zebra'"):
        IdMap.of(["a"]).numbers(["a", "zebra"])


def test_numbers_are_int32():
    assert IdMap.of(["a"]).numbers(["a"]).dtype == np.int32


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_a_column_has_the_numbers_of_its_list(dtype):
    names = ["b", "a", "007", "b", "7"]
    ids = IdMap.of(names)
    assert ids.numbers(pd.Series(names, dtype=dtype)).tolist() == ids.numbers(names).tolist()


def test_the_first_unknown_id_of_a_column_is_named_and_a_missing_one_is_unknown():
    ids = IdMap.of(["a", "b"])
    with pytest.raises(DataError, match="'emu'"):
        ids.numbers(pd.Series(["a", "emu", "zebra"], dtype="str"))
    for dtype in ("str", "object"):
        with pytest.raises(DataError, match="no id nan"):
            ids.numbers(pd.Series(["a", np.nan, "zebra"], dtype=dtype))


def test_nothing_has_no_numbers():
    assert IdMap.of(["a"]).numbers(pd.Series([], dtype="str")).dtype == np.int32
