"""Small files as an import leaves them, shared by the tests of this room."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from core.data.database import in_memory
from core.data.pair_folder import PairInputs
from tests.core.data.small_files import random_rows

Writer = Callable[[str, pd.DataFrame], Path]


@pytest.fixture
def write(tmp_path) -> Writer:
    def to_parquet(called: str, frame: pd.DataFrame) -> Path:
        frame.to_parquet(tmp_path / f"{called}.parquet", index=False)
        return tmp_path / f"{called}.parquet"

    return to_parquet


@pytest.fixture
def connection(tmp_path):
    return in_memory(tmp_path)


@pytest.fixture
def inputs(write) -> PairInputs:
    return PairInputs(
        write("books", random_rows(1, "b")),
        write("films", random_rows(2, "f")),
        source_name="books",
        target_name="films",
    )
