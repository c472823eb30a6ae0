"""Judge recommended lists: what is to be found, and every figure a user has from a list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, Candidates, FloatArray, IntArray, Lists, Masked
from core.data.knowledge import Categories, item_categories
from core.data.pair import DomainPair
from core.data.snapshot import Split
from core.evaluation.evaluate import findable
from core.fusion.combine import NOBODY
from core.metrics.lists import (
    average_popularity,
    categories_in,
    category_mix,
    even_rows,
    head_items,
    membership,
    miscalibration,
    outside,
    pair_distance,
    source_share,
    tail_share,
    unit_rows,
)
from core.metrics.ranking import (
    capped_recall,
    discounted_worth,
    inverse_propensity,
    kept_share,
    limited_auc,
    partial_auc,
    percentile_rank,
    r_precision,
    rank_biased_precision,
    serendipity,
    top_relevant_auc,
    weighted_hits,
    weighted_recall,
)


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


# What each domain adds to the items of a list, from the parts kept for fusion.

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


# Every figure a user has from a list: one line per metric, by the name of its card.
# A new one is a function in core/metrics, its card, and its line in PER_USER.


@dataclass(frozen=True)
class Seen:
    """Lists at one k and what is known beside them; what several figures need is made once."""

    judged: Judged
    world: ListWorld
    k: int
    auc: FloatArray | None = None  # (users,) where the model's scores were known
    parts: Candidates | None = None  # of an additive model: what each domain adds

    @cached_property
    def lists(self) -> IntArray:
        """(users, k) item numbers."""
        return self.judged.items[:, : self.k]

    @cached_property
    def hits(self) -> BoolArray:
        """(users, k) whether each is to be found."""
        return self.judged.hits[:, : self.k]

    @cached_property
    def shown(self) -> BoolArray:
        """(users, depth) which places of the whole lists are filled."""
        return np.asarray(self.judged.items >= 0)

    @cached_property
    def members(self) -> csr_matrix:
        """(users, n_items) ones where an item is in the list."""
        return membership(self.lists, self.world.n_items)

    @property
    def wanted(self) -> IntArray:
        """(users,) items to find."""
        return self.judged.n_relevant


def by_category(figure: Callable[[Seen, csr_matrix], FloatArray]) -> Figure:
    """The figure of the target's categories, (n_items, n_categories); None without any."""

    def of(seen: Seen) -> FloatArray | None:
        found = seen.world.categories
        return None if found is None else figure(seen, found.members)

    return of


def _percentile_rank(seen: Seen) -> FloatArray | None:
    if seen.auc is None or np.isnan(seen.auc).all():
        return None
    return percentile_rank(seen.auc, seen.wanted, seen.judged.n_candidates)


def _unexpectedness(seen: Seen) -> FloatArray:
    usual = seen.world.most_popular(seen.judged.users, seen.k)
    return outside(seen.members, membership(usual, seen.world.n_items))


def _subtopic_recall(seen: Seen, kinds: csr_matrix) -> FloatArray:
    return categories_in(seen.members, kinds) / int(kinds.shape[1])


def _calibration(seen: Seen) -> FloatArray | None:
    world = seen.world
    if world.categories is None or world.history_mix is None:
        return None
    got = category_mix(seen.members, even_rows(world.categories.members))
    return miscalibration(world.history_mix[seen.judged.users], got)


def _source_calibration(seen: Seen) -> FloatArray | None:
    world = seen.world
    if world.shared_categories is None or world.source_mix is None:
        return None
    got = category_mix(seen.members, even_rows(world.shared_categories[1].members))
    return miscalibration(world.source_mix[seen.judged.users], got)


def _domain_mix(seen: Seen) -> FloatArray | None:
    return None if seen.parts is None else domain_mix(seen.judged.users, seen.lists, seen.parts)


Figure = Callable[[Seen], FloatArray | None]  # None where it cannot be said of anybody

PER_USER: dict[str, Figure] = {
    "capped_recall": lambda s: capped_recall(s.judged.hits, s.wanted, s.k),
    "rbp": lambda s: rank_biased_precision(s.judged.hits, s.wanted, s.k),
    "r_precision": lambda s: r_precision(s.judged.hits, s.wanted),
    "percentile_rank": _percentile_rank,
    "lauc": lambda s: limited_auc(s.judged.hits, s.shown, s.wanted, s.judged.n_candidates, s.k),
    "pauc": lambda s: partial_auc(s.judged.hits, s.shown, s.wanted, s.judged.n_candidates, s.k),
    "pap": lambda s: top_relevant_auc(s.judged.hits, s.shown, s.wanted, s.judged.n_candidates, s.k),
    "ips_hit_rate": lambda s: weighted_hits(s.hits, s.lists, s.wanted, s.world.rarity),
    "debiased_recall": lambda s: weighted_recall(
        s.hits, s.lists, s.world.relevant[s.judged.users], s.world.debiased
    ),
    "intra_list_diversity": lambda s: pair_distance(s.lists, s.world.item_vectors),
    "category_distance": by_category(lambda s, kinds: pair_distance(s.lists, unit_rows(kinds))),
    "categorical_diversity": by_category(lambda s, kinds: categories_in(s.members, kinds) / s.k),
    "s_recall": by_category(_subtopic_recall),
    "full_list": lambda s: (np.diff(s.members.indptr) == s.k).astype(np.float64),
    "user_coverage": lambda s: np.asarray(s.shown.any(axis=1), dtype=np.float64),
    "serendipity": lambda s: serendipity(s.hits, s.lists, s.wanted, s.world.users_of_items),
    "unexpectedness": _unexpectedness,
    "epc": lambda s: discounted_worth(s.hits, s.lists, s.wanted, s.world.unfamiliarity),
    "efd": lambda s: discounted_worth(s.hits, s.lists, s.wanted, s.world.bits),
    "average_popularity": lambda s: average_popularity(s.lists, s.world.users_of_items),
    "tail_share": lambda s: tail_share(s.lists, s.world.head),
    "calibration": _calibration,
    "source_calibration": _source_calibration,
    "domain_mix": _domain_mix,
}


_CATEGORICAL = {"category_distance", "categorical_diversity", "s_recall", "calibration"}
_OF_SCORES = {"percentile_rank", "domain_mix"}  # of what not every run knows
_OF_POPULARITY = {  # nobody has a new item in training: all are as popular
    "ips_hit_rate",
    "debiased_recall",
    "serendipity",
    "unexpectedness",
    "epc",
    "efd",
    "average_popularity",
    "tail_share",
}
LIFTED = set(PER_USER) - _OF_SCORES  # what any two runs can be compared by, user by user


def sayable(world: ListWorld) -> set[str]:
    """Names of the figures for which the world has what they need."""
    silent = set(_CATEGORICAL) if world.categories is None else set()
    if not world.shared_categories:
        silent.add("source_calibration")
    if world.masked.columns is not None:
        silent |= _OF_POPULARITY
    return set(PER_USER) - silent


def columns_of(seen: Seen) -> dict[str, FloatArray]:
    """(users,) values of every figure that can be said, by name without k."""
    said = sayable(seen.world)
    found = {name: figure(seen) for name, figure in PER_USER.items() if name in said}
    return {name: values for name, values in found.items() if values is not None}
