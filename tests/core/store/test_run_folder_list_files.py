"""Lists come back from Parquet exactly as they were."""

import numpy as np
import pytest

from core.basics.errors import RunError
from core.basics.types import Lists
from core.store.run_folder import read_lists, write_lists


@pytest.mark.parametrize("n_users", [0, 3])
def test_lists_come_back_equal(tmp_path, n_users):
    items = np.arange(15, dtype=np.int32).reshape(3, 5)[:n_users]
    before = Lists(np.array([2, 5, 9])[:n_users], items)
    after = read_lists(write_lists(tmp_path / "lists_test.parquet", before))
    np.testing.assert_array_equal(after.users, before.users)
    np.testing.assert_array_equal(after.items, before.items)


def test_a_run_of_an_older_version_says_that_it_kept_none(tmp_path):
    with pytest.raises(RunError, match="cannot be read"):
        read_lists(tmp_path / "lists_test.parquet")
