"""Double users: nearly the same history under two ids of one domain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.sorted_sets import distinct
from core.basics.types import IdMap, IntArray
from core.data.beyond_chance import beyond_chance, expected_common

USER_ID, OTHER_ID, COMMON_ITEMS, JACCARD = "user", "other_user", "common_items", "jaccard"
FEWEST_ITEMS = 5  # shorter histories are alike by chance
ENOUGH_JACCARD = 0.8
_CROWD = 2_000  # users who begin with one item; more are compared by whole histories only
_PRODUCTS_AT_ONCE = 20_000_000
_PAIRS_AT_ONCE = 100_000


@dataclass(frozen=True)
class DoubleUsers:
    """pairs: USER_ID, OTHER_ID, COMMON_ITEMS, JACCARD, the surest first; users: who could be."""

    pairs: pd.DataFrame
    users: int

    @property
    def found(self) -> int:
        """Ids that are one too many."""
        return len(spare_ids(self.pairs))


def find_double_users(user_items: csr_matrix, users: IdMap) -> DoubleUsers:
    """Users with 5 items or more whose histories have a Jaccard of .8 or more, beyond chance.

    user_items: (n_users, n_items) ones of one domain. Equal histories are found by a fingerprint,
    the others among users who share one of their rarest items: with a Jaccard of .8 one of the
    rarest fifth of a history is in the other's rarest fifth (Bayardo, Ma, Srikant 2007).
    """
    rows = user_items.tocsr().sorted_indices()
    sizes = np.diff(rows.indptr)
    pairs = np.concatenate([_equal(rows, sizes), _near(rows, sizes)])
    numbers = distinct(pairs[:, 0] * len(sizes) + pairs[:, 1])  # one number per pair
    left, right = numbers // max(1, len(sizes)), numbers % max(1, len(sizes))
    common = _common(rows, left, right)
    jaccard = common / np.maximum(1, sizes[left] + sizes[right] - common)
    alike = (jaccard >= ENOUGH_JACCARD) & (common >= FEWEST_ITEMS)
    left, right, common, jaccard = left[alike], right[alike], common[alike], jaccard[alike]
    grown = int((sizes >= FEWEST_ITEMS).sum())
    sure = beyond_chance(common, _expected(rows, left, right), grown * (grown - 1) // 2)
    columns = {
        USER_ID: users.names(left[sure]),
        OTHER_ID: users.names(right[sure]),
        COMMON_ITEMS: common[sure],
        JACCARD: jaccard[sure],
    }
    found = pd.DataFrame(columns).sort_values(
        [JACCARD, COMMON_ITEMS], ascending=False, kind="stable", ignore_index=True
    )
    return DoubleUsers(found, grown)


def spare_ids(pairs: pd.DataFrame) -> list[str]:
    """Of every group of ids that are alike, all but the first."""
    from scipy.sparse.csgraph import connected_components

    ids = IdMap.of(pairs[USER_ID], pairs[OTHER_ID])
    places = ids.numbers(pairs[USER_ID]), ids.numbers(pairs[OTHER_ID])
    joined = csr_matrix((np.ones(len(pairs)), places), shape=(len(ids), len(ids)))
    _, group = connected_components(joined, directed=False)
    _, first = np.unique(group, return_index=True)
    return [str(name) for name in np.delete(ids.ids, first)]


def _equal(rows: csr_matrix, sizes: IntArray) -> IntArray:
    """(n, 2) user numbers with the very same items, each beside the first of them."""
    first: dict[bytes, int] = {}
    found = []
    for user in np.flatnonzero(sizes >= FEWEST_ITEMS).tolist():
        key = rows.indices[rows.indptr[user] : rows.indptr[user + 1]].tobytes()
        if (other := first.setdefault(key, user)) != user:
            found.append((other, user))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _near(rows: csr_matrix, sizes: IntArray) -> IntArray:
    """(n, 2) user numbers that share one of their rarest items and have as many, about."""
    rarest = _rarest(rows, sizes)
    found = [np.zeros((0, 2), dtype=np.int64)]
    for part in _chunks(rarest):
        shared = (rarest[part] @ rarest.T).tocoo()
        left, right = shared.row.astype(np.int64) + part.start, shared.col.astype(np.int64)
        small, large = np.minimum(sizes[left], sizes[right]), np.maximum(sizes[left], sizes[right])
        likely = (left < right) & (small >= ENOUGH_JACCARD * large)
        found.append(np.column_stack([left[likely], right[likely]]))
    return np.concatenate(found)


def _rarest(rows: csr_matrix, sizes: IntArray) -> csr_matrix:
    """(n_users, n_items) ones at the rarest items of every long enough history."""
    owner = np.repeat(np.arange(rows.shape[0]), sizes)
    popularity = np.bincount(rows.indices, minlength=rows.shape[1])
    order = np.lexsort((rows.indices, popularity[rows.indices], owner))
    place = np.arange(len(order)) - rows.indptr[owner]
    few = sizes - np.ceil(ENOUGH_JACCARD * sizes).astype(np.int64) + 1
    first = (place < few[owner]) & (sizes[owner] >= FEWEST_ITEMS)
    users, items = owner[first], rows.indices[order][first]
    quiet = np.bincount(items, minlength=rows.shape[1])[items] <= _CROWD
    ones = np.ones(int(quiet.sum()), dtype=np.float32)
    return csr_matrix((ones, (users[quiet], items[quiet])), shape=rows.shape)


def _chunks(rarest: csr_matrix) -> Iterator[slice]:
    """Runs of users whose products with all others fit in memory."""
    costs = rarest @ np.bincount(rarest.indices, minlength=rarest.shape[1]).astype(np.float64)
    ends = np.cumsum(costs) // _PRODUCTS_AT_ONCE
    starts = np.flatnonzero(np.diff(ends, prepend=-1.0))
    for start, end in zip(starts, [*starts, len(costs)][1:], strict=True):
        yield slice(int(start), int(end))


def _common(rows: csr_matrix, left: IntArray, right: IntArray) -> IntArray:
    """(n_pairs,) how many items both have."""
    parts = [np.zeros(0, dtype=np.int64)]
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        both = rows[left[part]].multiply(rows[right[part]])
        parts.append(np.asarray(both.sum(axis=1)).ravel().astype(np.int64))
    return np.concatenate(parts)


def _expected(rows: csr_matrix, left: IntArray, right: IntArray) -> np.ndarray:
    """Items in common if either drew as many as they have by popularity."""
    items = rows.T.tocsr()
    ways = expected_common(items, items, left, right), expected_common(items, items, right, left)
    return np.maximum(*ways)
