"""A small split made by hand, for every test of this room."""

import numpy as np
import pytest

from core.data.snapshot import Split
from tests.core.evaluation.evaluation_worlds import split_of


@pytest.fixture
def split() -> Split:
    """60 users, 40 items; users 0 to 9 have no target history, users 0 to 2 no history at all."""
    generator = np.random.default_rng(0)
    which = generator.choice(
        [0, 1, 2, 3], p=[0.7, 0.15, 0.05, 0.1], size=(60, 40)
    )  # nothing, train, valid, test
    which[:10][which[:10] == 1] = 0
    source = generator.random((60, 30)) < 0.2
    source[:3] = False
    return split_of(source, which == 1, which == 2, which == 3)
