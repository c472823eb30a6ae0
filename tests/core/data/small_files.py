"""Rows of small random domains, for the tests of this room."""

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, RATING, TIME, USER


def random_rows(
    seed: int, prefix: str, users: int = 40, items: int = 25, share: float = 0.4
) -> pd.DataFrame:
    """Ratings 1 to 5 at distinct times for a random share of all user-item places."""
    draw = np.random.default_rng(seed)
    user, item = np.nonzero(draw.random((users, items)) < share)
    return pd.DataFrame(
        {
            USER: [f"u{number:03}" for number in user],
            ITEM: [f"{prefix}{number}" for number in item],
            RATING: draw.integers(1, 6, len(user)).astype("float32"),
            TIME: 1_600_000_000 + draw.permutation(len(user)) * 3_600,
        }
    )
