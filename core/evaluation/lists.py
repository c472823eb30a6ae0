"""Judge recommended lists: what is to be found, and every figure a user has from a list."""

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
from core.fusion.combine import NO_ITEM
from core.metrics.card import OF_RUN, Judged, Need, Seen
from core.metrics.catalogue import head_items
from core.metrics.further import inverse_propensity, kept_share
from core.metrics.lists import unit_rows
from core.metrics.mix import category_mix, even_rows
from core.metrics.registry import PER_USER


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
    def there(self) -> frozenset[Need]:
        """What metrics may need and the split has."""
        known: dict[Need, bool] = {
            "categories": self.categories is not None,
            "shared categories": self.shared_categories is not None,
            # Nobody has a new item in training: all are as popular
            "popularity": self.masked.columns is None,
        }
        return frozenset(need for need, there in known.items() if there)

    @property
    def kinds(self) -> csr_matrix:
        """(n_items, n_categories) ones; no columns without categories."""
        none = csr_matrix((self.n_items, 0))
        return none if self.categories is None else self.categories.members

    @property
    def shared_kinds(self) -> csr_matrix:
        """(n_items, n_shared) ones of categories that both domains name; no columns without any."""
        none = csr_matrix((self.n_items, 0))
        return none if self.shared_categories is None else self.shared_categories[1].members

    @cached_property
    def history_mix(self) -> csr_matrix:
        """(n_users, n_categories) mix of every user's target history."""
        return category_mix(self.train.target, even_rows(self.kinds))

    @cached_property
    def source_mix(self) -> csr_matrix:
        """(n_users, n_shared) mix of every user's source history."""
        source = self.shared_categories[0].members if self.shared_categories else None
        none = csr_matrix((self.train.source.shape[1], 0))
        return category_mix(self.train.source, even_rows(none if source is None else source))

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
        found = np.full((len(users), k), NO_ITEM, dtype=np.int32)
        for row, user in enumerate(users):
            held = place[own.indices[own.indptr[user] : own.indptr[user + 1]]]
            room = min(len(order), k + len(held))
            free = np.ones(room, dtype=bool)
            free[held[held < room]] = False
            best = order[:room][free][:k]
            found[row, : len(best)] = best
        return found


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


# What any two runs can be compared by, user by user.
LIFTED = {name for name, card in PER_USER.items() if not card.needs & OF_RUN}


def sayable(world: ListWorld) -> set[str]:
    """Names of the figures for which the world has what they need."""
    return {name for name, card in PER_USER.items() if card.needs <= world.there | OF_RUN}


def columns_of(seen: Seen) -> dict[str, FloatArray]:
    """(users,) values of every figure that can be said, such as "serendipity@10"."""
    cards = [card for card in PER_USER.values() if card.needs <= seen.there]
    return {card.column(seen.k): card.value(seen) for card in cards}
