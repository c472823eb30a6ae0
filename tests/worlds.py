"""Planted worlds: small pairs with a known answer, for every test that needs one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import IdMap
from core.data.pair import DomainPair, ItemFeatures


@dataclass(frozen=True)
class World:
    """A pair and what its users would like: (n_users, n_target_items) bool."""

    pair: DomainPair
    liked: np.ndarray


def pair_of(source: np.ndarray, target: np.ndarray) -> DomainPair:
    """A pair from two dense tables, (n_users, n_items of the domain) each; 0 is no interaction."""

    def names(letter: str, count: int) -> IdMap:
        return IdMap(np.array([f"{letter}{number:04d}" for number in range(count)], dtype=object))

    matrices = [csr_matrix(np.asarray(table, dtype=np.float32)) for table in (source, target)]
    ids = names("u", len(source)), names("s", source.shape[1]), names("t", target.shape[1])
    return DomainPair(*ids, *matrices, described(source.shape[1], 0), described(target.shape[1], 1))


SPACE = ["rocket", "orbit", "planet", "astronaut", "galaxy", "comet", "telescope", "lunar"]
GARDEN = ["flower", "soil", "tulip", "orchard", "seed", "meadow", "blossom", "garden"]


def described(n_items: int, seed: int) -> ItemFeatures:
    """Titles of three words: even items are about space, odd ones about gardens."""
    rng, none = np.random.default_rng(seed), np.full(n_items, "", dtype=object)
    titles = [" ".join(rng.permutation((SPACE, GARDEN)[item % 2])[:3]) for item in range(n_items)]
    return ItemFeatures(np.array(titles, dtype=object).reshape(n_items), none, none)


def pictured(pair: DomainPair, width: int = 6, titled: bool = False) -> DomainPair:
    """The pair with vectors that tell its even items from its odd ones, and no titles to read."""

    def features(known: ItemFeatures, seed: int) -> ItemFeatures:
        n_items, rng = len(known.titles), np.random.default_rng(seed)
        vectors = rng.normal(scale=0.3, size=(n_items, width)).astype(np.float32)
        vectors[:, 0] += np.where(np.arange(n_items) % 2, -1, 1)
        titles = known.titles if titled else np.full(n_items, "", dtype=object)
        return replace(known, titles=titles, vectors=3 * vectors)

    return replace(
        pair,
        source_features=features(pair.source_features, 2),
        target_features=features(pair.target_features, 3),
    )


def categorised(
    pair: DomainPair, source: list[str] | None = None, target: list[str] | None = None
) -> DomainPair:
    """The pair with categories of its items, by default two of no meaning each."""

    def features(categories: list[str] | None, known: ItemFeatures) -> ItemFeatures:
        given = categories or [f"{item % 3}|{item % 5 + 3}" for item in range(len(known.titles))]
        return replace(known, categories=np.array(given, dtype=object))

    return replace(
        pair,
        source_features=features(source, pair.source_features),
        target_features=features(target, pair.target_features),
    )


def twin_tastes(
    seed: int = 0, n_users: int = 160, n_source: int = 60, n_target: int = 40, n_cold: int = 30
) -> World:
    """Even users like even items and odd users odd ones, in both domains.

    Every user took 8 of the source items they like and 6 of the target items; the last `n_cold`
    users took no target item, so that popularity finds half of what they like.
    """
    rng = np.random.default_rng(seed)
    parity = np.arange(n_users) % 2
    likes_source = parity[:, None] == np.arange(n_source)[None, :] % 2
    liked = parity[:, None] == np.arange(n_target)[None, :] % 2
    source, target = _some(rng, likes_source, 8), _some(rng, liked, 6)
    target[n_users - n_cold :] = 0
    return World(pair_of(source, target), liked)


def _some(rng: np.random.Generator, liked: np.ndarray, count: int) -> np.ndarray:
    """`count` liked items of each user, as zeros and ones."""
    order = np.argsort(np.where(liked, rng.random(liked.shape), 2.0), axis=1)[:, :count]
    taken = np.zeros(liked.shape, dtype=np.float32)
    np.put_along_axis(taken, order, 1.0, axis=1)
    return taken


def rated_tastes(
    seed: int = 0, n_users: int = 160, n_source: int = 60, n_target: int = 40, n_cold: int = 30
) -> World:
    """The same tastes in ratings: users rate what they like 4 or 5 and the rest 1 or 2.

    Every user rated 8 source items and 6 target items they like, and as many they do not; the last
    `n_cold` users rated no target item. So every item is rated alike on average.
    """
    rng = np.random.default_rng(seed)
    parity = np.arange(n_users) % 2
    likes_source = parity[:, None] == np.arange(n_source)[None, :] % 2
    liked = parity[:, None] == np.arange(n_target)[None, :] % 2
    source, target = (
        _some(rng, likes, count) * rng.integers(4, 6, likes.shape)
        + _some(rng, ~likes, count) * rng.integers(1, 3, likes.shape)
        for likes, count in ((likes_source, 8), (liked, 6))
    )
    target[n_users - n_cold :] = 0
    return World(pair_of(source, target), liked)
