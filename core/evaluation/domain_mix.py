"""What each domain adds to the items of a list, from the parts kept for fusion."""

from __future__ import annotations

import numpy as np

from core.basics.types import Candidates, FloatArray, IntArray
from core.metrics.lists import source_share

Parts = tuple[FloatArray, FloatArray]


def domain_mix(users: IntArray, lists: IntArray, candidates: Candidates) -> FloatArray:
    """Share of the source in what both domains add to each list, (users,).

    NaN for a user without evidence in both domains, or without kept parts: there is nothing to
    share between.
    """
    source, target = parts_of(users, lists, candidates)
    both = candidates.users[candidates.has_source & candidates.has_target]
    return np.where(np.isin(users, both), source_share(source, target), np.nan)


def parts_of(users: IntArray, lists: IntArray, candidates: Candidates) -> Parts:
    """Source and target part of every place, (users, k) each; NaN where a place has none kept."""
    n_items = int(max(candidates.items.max(initial=0), lists.max(initial=0))) + 1
    owners = np.repeat(candidates.users.astype(np.int64), np.diff(candidates.starts))
    keys = owners * n_items + candidates.items
    order = np.argsort(keys)
    asked = users.astype(np.int64)[:, None] * n_items + lists
    place = np.minimum(np.searchsorted(keys[order], asked), max(0, len(keys) - 1))
    if not len(keys):
        return np.full(lists.shape, np.nan), np.full(lists.shape, np.nan)
    entry = order[place]
    there = (keys[entry] == asked) & (lists >= 0)
    return (
        np.where(there, candidates.source[entry], np.nan),
        np.where(there, candidates.target[entry], np.nan),
    )
