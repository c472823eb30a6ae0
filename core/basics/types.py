"""Types that travel between rooms: ids as numbers, scores, candidates, lists and masks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.errors import DataError

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.integer]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class DomainScores:
    """What each domain's evidence says about the target items, kept apart.

    source, target: (n_asked, n_target_items) float32. base broadcasts to the same shape: what is
    said without either history. own is the model's own score where that is not the sum.
    """

    source: FloatArray
    target: FloatArray
    base: FloatArray
    own: FloatArray | None
    has_source: BoolArray  # (n_asked,) whether there was any evidence at all
    has_target: BoolArray

    @classmethod
    def ranking(
        cls, source: FloatArray, target: FloatArray, has_source: BoolArray, has_target: BoolArray
    ) -> DomainScores:
        """Scores of an additive ranking model: no base, own score is the sum of the parts."""
        nothing = np.zeros((len(source), 1), dtype=np.float32)
        return cls(source, target, nothing, None, has_source, has_target)

    @property
    def has_evidence(self) -> BoolArray:
        """(n_asked,) whether either domain says anything about the user."""
        return self.has_source | self.has_target

    def own_scores(self) -> FloatArray:
        """The model's own score, (n_asked, n_target_items)."""
        return self.base + self.source + self.target if self.own is None else self.own

    def of(self, rows: IntArray) -> DomainScores:
        """The scores of some of the rows."""
        own = None if self.own is None else self.own[rows]
        base = self.base[rows] if len(self.base) == len(self.source) else self.base
        source, target = self.source[rows], self.target[rows]
        return DomainScores(source, target, base, own, self.has_source[rows], self.has_target[rows])

    def filled(self, popularity: FloatArray) -> DomainScores:
        """The same scores with users nobody knows anything about ranked by popularity.

        popularity: (n_target_items,), interactions in the target's training data. Where the base
        tells items apart, as predicted ratings do, such users have been told something already.
        """
        unknown = ~self.has_evidence
        if unknown.any() and self.base.size:
            unknown &= np.ptp(self.base, axis=1) == 0  # of one row where the base is everybody's
        if not unknown.any():
            return self
        base = np.array(np.broadcast_to(self.base, self.source.shape))
        base[unknown] = popularity
        own = self.own
        if own is not None:
            own = own.copy()
            own[unknown] = popularity
        return replace(self, base=base, own=own)


@dataclass(frozen=True)
class Contributions:
    """How much each history item added to one item's score; amounts sum to the two parts."""

    source_items: IntArray  # (n_source_history,) item numbers
    source_amounts: FloatArray
    target_items: IntArray  # (n_target_history,)
    target_amounts: FloatArray


@dataclass(frozen=True)
class Vectors:
    """Learned vectors for the map, all in one space of `d` factors; None where there are none."""

    source_items: FloatArray | None  # (n_source_items, d)
    target_items: FloatArray | None  # (n_target_items, d)
    source_users: FloatArray | None  # (n_users, d) as the source domain sees them
    target_users: FloatArray | None  # (n_users, d) as the target domain sees them


@dataclass(frozen=True)
class Lists:
    """What a model recommends to each user, best first."""

    users: IntArray  # (n_users,) user numbers
    items: IntArray  # (n_users, longest) int32 target item numbers, -1 where a list is shorter


@dataclass(frozen=True)
class Candidates:
    """Per user the items that can reach the top `depth` at some weighting, for exact fusion.

    Entries of user `i` stand at `starts[i]:starts[i + 1]`, ordered by source part, target part
    (both falling), item number. Ranks are competition ranks (ties share the best) over every item
    that is not masked; minima and the like are over the same items.
    """

    users: IntArray  # (n_users,) user numbers
    starts: IntArray  # (n_users + 1,)
    items: IntArray  # (n_entries,) target item numbers
    source: FloatArray  # (n_entries,) float32
    target: FloatArray
    base: FloatArray  # popularity for users without evidence, else 0
    source_rank: IntArray  # (n_entries,) 1 is best
    target_rank: IntArray
    dominators: IntArray  # (n_entries,) items that stand before this one at every weighting
    has_source: BoolArray  # (n_users,)
    has_target: BoolArray
    source_scale: FloatArray  # (n_users, 4) mean, standard deviation, minimum, maximum
    target_scale: FloatArray  # (n_users, 4)
    depth: int  # lists up to this length are exact


# Names outside, numbers inside: an IdMap turns text ids into 0..n-1 and back.


@dataclass(frozen=True)
class IdMap:
    """Distinct text ids in a fixed order; the position of an id is its number."""

    ids: np.ndarray  # (n,) object array of str

    @classmethod
    def of(cls, *columns: Iterable[str]) -> IdMap:
        """Every id that occurs in any column, sorted, so that row order never matters."""
        parts = [pd.unique(pd.Series(column, dtype="str")) for column in columns]
        together = np.concatenate([np.asarray(part, dtype=object) for part in parts])
        return cls(np.array(sorted(set(together)), dtype=object))

    @cached_property
    def _index(self) -> pd.Index:
        return pd.Index(self.ids, dtype="object")

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def numbers(self, names: Iterable[str]) -> IntArray:
        """Numbers of the ids, (n,) int32; raises DataError for an id that is not here."""
        column = names if isinstance(names, pd.Series) else pd.Series([*names], dtype=object)
        codes, different = pd.factorize(column)  # most ids occur in many rows: each is sought once
        places = self._index.get_indexer(np.asarray(different, dtype=object))
        found = np.append(places, -1)[codes]  # the code of a missing value is -1
        if (found < 0).any():
            raise DataError(
                what=f"There is no id {column.iloc[int(np.argmin(found))]!r}.",
                hint="Check its spelling; ids are text and must match exactly.",
            )
        return found.astype(np.int32)

    def names(self, numbers: IntArray) -> np.ndarray:
        """Ids of the numbers, in their order."""
        return self.ids[numbers]


# What may not be listed: a user's own items, and items that nobody may be listed at all.


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
