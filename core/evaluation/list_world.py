"""What recommended lists are judged by: what is to be found, how popular and of what kind it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, FloatArray, IntArray, Lists, Masked
from core.data.knowledge import Categories, item_categories
from core.data.pair import DomainPair
from core.data.snapshot import Split
from core.evaluation.evaluate import findable
from core.fusion.combine import NOBODY
from core.metrics.lists import category_mix, even_rows, head_items, unit_rows
from core.metrics.ranking import inverse_propensity, kept_share


@dataclass(frozen=True)
class ListWorld:
    """One held-out part of a split; everything in it is made when first asked for, then kept."""

    train: DomainPair
    relevant: csr_matrix  # (n_users, n_target_items) what is to be found
    masked: Masked  # what may not be recommended

    @classmethod
    def of(cls, split: Split, part: str) -> ListWorld:
        """The world of a part, as runs of the split are evaluated on it."""
        masked = split.masked(part)
        return cls(split.train, findable(split.held_out(part), masked), masked)

    @property
    def n_items(self) -> int:
        """Items of the target, also those that nobody may get."""
        return self.relevant.shape[1]

    @cached_property
    def rankable(self) -> BoolArray:
        """(n_items,) whether an item may be recommended to anybody: the catalogue of the lists."""
        return self.masked.rankable

    @cached_property
    def popularity(self) -> FloatArray:
        """(n_items,) users who have the item in training."""
        return self.train.popularity

    @cached_property
    def n_known(self) -> int:
        """Users with any target item in training."""
        return int((self.train.target_history > 0).sum())

    @cached_property
    def users_of_items(self) -> FloatArray:
        """(n_items,) the popularity as float64, for figures that sum it."""
        return self.popularity.astype(np.float64)

    @cached_property
    def unfamiliarity(self) -> FloatArray:
        """(n_items,) share of the known users who do not have the item."""
        return 1 - self.users_of_items / max(1, self.n_known)

    @cached_property
    def bits(self) -> FloatArray:
        """(n_items,) self-information of the item, as in novelty."""
        return np.asarray(-np.log2((self.users_of_items + 1) / (max(1, self.n_known) + 1)))

    @cached_property
    def rarity(self) -> FloatArray:
        """(n_items,) inverse propensity of the item by its popularity."""
        return inverse_propensity(self.users_of_items)

    @cached_property
    def debiased(self) -> FloatArray:
        """(n_items,) weight of the item's held-out interactions without what is too popular."""
        return kept_share(np.bincount(self.relevant.indices, minlength=self.n_items))

    @cached_property
    def head(self) -> BoolArray:
        """(n_items,) whether an item is in the most popular fifth."""
        return head_items(self.popularity)

    @cached_property
    def item_vectors(self) -> csr_matrix:
        """(n_items, n_users) who has the item in training, rows of length 1."""
        return unit_rows(csr_matrix(_ones(self.train.target).T))

    @cached_property
    def categories(self) -> Categories | None:
        """Categories of the target's items, None where they have none."""
        return item_categories(self.train.target_features)

    @cached_property
    def shared_categories(self) -> tuple[Categories, Categories] | None:
        """Categories that both domains name: of the source's and of the target's items."""
        source, target = item_categories(self.train.source_features), self.categories
        both = sorted(set(source.keys) & set(target.keys)) if source and target else []
        if source is None or target is None or not both:
            return None
        return source.only(both), target.only(both)

    @cached_property
    def history_mix(self) -> csr_matrix | None:
        """(n_users, n_categories) mix of every user's target history."""
        if self.categories is None:
            return None
        return category_mix(self.train.target, even_rows(self.categories.members))

    @cached_property
    def source_mix(self) -> csr_matrix | None:
        """(n_users, n_shared_categories) mix of every user's source history."""
        if self.shared_categories is None:
            return None
        return category_mix(self.train.source, even_rows(self.shared_categories[0].members))

    @cached_property
    def history_popularity(self) -> FloatArray:
        """(n_users,) mean popularity of each user's target history, NaN without any."""
        history = self.train.target_history
        total = _ones(self.train.target) @ self.popularity.astype(np.float64)
        return np.divide(total, history, out=np.full(len(history), np.nan), where=history > 0)

    def most_popular(self, users: IntArray, k: int) -> IntArray:
        """(users, k) the most popular items each may get, ties by item number, -1 padded."""
        order = np.argsort(-self.popularity, kind="stable").astype(np.int32)
        order = order[self.rankable[order]]
        place = np.full(self.n_items, len(order))  # of items nobody may get: behind the last
        place[order] = np.arange(len(order))
        own = self.masked.rows
        found = np.full((len(users), k), NOBODY, dtype=np.int32)
        for row, user in enumerate(users):
            held = place[own.indices[own.indptr[user] : own.indptr[user + 1]]]
            room = min(len(order), k + len(held))
            free = np.ones(room, dtype=bool)
            free[held[held < room]] = False
            best = order[:room][free][:k]
            found[row, : len(best)] = best
        return found


@dataclass(frozen=True)
class Judged:
    """Lists with what became of every place."""

    users: IntArray  # (n,) user numbers
    items: IntArray  # (n, depth) item numbers, -1 where a list is shorter
    hits: BoolArray  # (n, depth) whether the item is to be found
    n_relevant: IntArray  # (n,) items to find
    n_candidates: IntArray  # (n,) items that may be recommended to the user

    def of(self, rows: IntArray | BoolArray) -> Judged:
        """Some of the users."""
        return Judged(
            self.users[rows],
            self.items[rows],
            self.hits[rows],
            self.n_relevant[rows],
            self.n_candidates[rows],
        )


def judge(lists: Lists, world: ListWorld) -> Judged:
    """Which places of the lists are hits; a place is taken where its item number is not -1."""
    users = np.asarray(lists.users, dtype=np.int64)
    relevant, depth = world.relevant, lists.items.shape[1]
    rows = np.repeat(np.arange(relevant.shape[0], dtype=np.int64), np.diff(relevant.indptr))
    wanted = np.sort(rows * world.n_items + relevant.indices)
    asked = users[:, None] * world.n_items + lists.items
    place = np.minimum(np.searchsorted(wanted, asked.ravel()), max(0, len(wanted) - 1))
    found = wanted[place] == asked.ravel() if len(wanted) else np.zeros(asked.size, dtype=bool)
    return Judged(
        users=users,
        items=lists.items,
        hits=found.reshape(len(users), depth) & (lists.items >= 0),
        n_relevant=np.diff(relevant.indptr)[users],
        n_candidates=world.masked.n_free[users],
    )


def _ones(matrix: csr_matrix) -> csr_matrix:
    """The matrix with ones for its entries; ratings are not looked at."""
    return csr_matrix((np.ones(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape)
