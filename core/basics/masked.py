"""What may not be listed: a user's own items, and items that nobody may be listed at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.scores import BoolArray, IntArray


@dataclass(frozen=True)
class Masked:
    """Rows are users, or some of them; an item may be listed to a user if neither part holds it."""

    rows: csr_matrix  # (n_users, n_items) an entry for every item the user may not be listed
    columns: BoolArray | None = None  # (n_items,) items nobody may be listed; None: there are none

    def __getitem__(self, users: IntArray | list[int]) -> Masked:
        """The same of some of the users."""
        return Masked(self.rows[users], self.columns)

    @property
    def n_items(self) -> int:
        """Items of the target, listed or not."""
        return int(self.rows.shape[1])

    @property
    def rankable(self) -> BoolArray:
        """(n_items,) whether an item may be listed to anybody."""
        return np.ones(self.n_items, dtype=bool) if self.columns is None else ~self.columns

    @property
    def n_rankable(self) -> int:
        """Items that may be listed to anybody: what coverage is a share of."""
        return self.n_items if self.columns is None else int((~self.columns).sum())

    @property
    def n_free(self) -> IntArray:
        """(n_users,) how many items each user may be listed."""
        own = np.diff(self.rows.indptr)
        if self.columns is not None:
            owners = np.repeat(np.arange(len(own)), own)[~self.columns[self.rows.indices]]
            own = np.bincount(owners, minlength=len(own))
        return self.n_rankable - own

    def free(self, row: int) -> BoolArray:
        """(n_items,) whether an item may be listed to the user of this row."""
        free = self.rankable
        free[self.rows.indices[self.rows.indptr[row] : self.rows.indptr[row + 1]]] = False
        return free

    def toarray(self) -> BoolArray:
        """(n_users, n_items) whether an item may not be listed."""
        n_users = self.rows.shape[0]
        return ~np.array([self.free(row) for row in range(n_users)], dtype=bool).reshape(
            n_users, self.n_items
        )
