"""What lists say about the catalogue: how much of it is shown, and how familiar it is."""

from __future__ import annotations

import numpy as np

from core.basics.sorted_sets import distinct
from core.basics.types import FloatArray, IntArray


def coverage(lists: IntArray, n_items: int) -> float:
    """Share of the catalogue that is in at least one list.

    lists: (users, k) item numbers, -1 where a list is shorter. NaN for an empty catalogue.
    """
    shown = distinct(lists)
    return float((shown >= 0).sum() / n_items) if n_items else float("nan")


def novelty(lists: IntArray, popularity: FloatArray, n_users: int) -> FloatArray:
    """Mean self-information of a user's list in bits, (users,); NaN for an empty list.

    popularity: (n_items,) users who have each item in training, of n_users. An item's share is
    (popularity + 1) / (n_users + 1), so that an item nobody has stays finite.
    """
    bits = -np.log2((np.asarray(popularity, dtype=np.float64) + 1) / (n_users + 1))
    there = lists >= 0
    total = np.where(there, bits[np.where(there, lists, 0)], 0.0).sum(axis=1)
    count = there.sum(axis=1)
    return np.divide(total, count, out=np.full(len(lists), np.nan), where=count > 0)
