"""Every figure a user has from a list: one line per metric, by the name of its card.

A new one is a function in core/metrics, its card, and its line in PER_USER.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, Candidates, FloatArray, IntArray
from core.evaluation.domain_mix import domain_mix
from core.evaluation.list_world import Judged, ListWorld
from core.metrics.lists import (
    average_popularity,
    categories_in,
    category_mix,
    even_rows,
    membership,
    miscalibration,
    outside,
    pair_distance,
    tail_share,
    unit_rows,
)
from core.metrics.ranking import (
    capped_recall,
    discounted_worth,
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
