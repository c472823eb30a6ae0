"""A small world for figures of lists: everything in it can be counted by hand."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import Lists, Masked
from core.data.pair import DomainPair, ItemFeatures
from core.evaluation.lists import ListWorld
from tests.worlds import pair_of

SOURCE = [[1, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0]]
TARGET = [  # six items with 2, 2, 1, 1, 0 and 0 users
    [1, 1, 0, 0, 0, 0],
    [1, 0, 1, 0, 0, 0],
    [0, 1, 0, 1, 0, 0],
    [0, 0, 0, 0, 0, 0],
]
WANTED = [[0, 0, 1, 0, 1, 0], [0, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]]
LISTS = [[2, 3, 4], [3, 1, -1], [2, 4, 5], [0, 1, 2]]
TARGET_KINDS = ["drama", "drama|war", "war", "", "comedy", "war"]
SOURCE_KINDS = ["war", "poetry", "drama"]


def features(kinds: list[str]) -> ItemFeatures:
    """Items with these categories and nothing else."""
    nothing = np.full(len(kinds), "", dtype=object)
    return ItemFeatures(nothing, np.array(kinds, dtype=object), nothing)


def small_world(categories: bool = True) -> ListWorld:
    """Four users, six target items; the last user has no history."""
    pair = pair_of(np.array(SOURCE), np.array(TARGET))
    if categories:
        pair = DomainPair(
            pair.users,
            pair.source_items,
            pair.target_items,
            pair.source,
            pair.target,
            features(SOURCE_KINDS),
            features(TARGET_KINDS),
        )
    wanted = csr_matrix(np.array(WANTED, dtype=np.float32))
    return ListWorld(pair, wanted, Masked(pair.target))


def small_lists() -> Lists:
    """Three places a user; the second has two."""
    return Lists(np.arange(4), np.array(LISTS, dtype=np.int32))
