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


def two_tastes(seed: int, users: int = 300, items: int = 60) -> pd.DataFrame:
    """Even users like even items: seed 1 rows of items b0, b1, ..., any other f0, f1, ..."""
    draw = np.random.default_rng(seed)
    own = np.arange(users)[:, None] % 2 == np.arange(items)[None, :] % 2
    user, item = np.nonzero(draw.random((users, items)) < np.where(own, 0.25, 0.03))
    prefix = "b" if seed == 1 else "f"
    return pd.DataFrame(
        {USER: [f"u{number:03}" for number in user], ITEM: [f"{prefix}{n}" for n in item]}
    )
