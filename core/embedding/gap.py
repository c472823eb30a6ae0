"""How far apart two domains draw the same users, and how differently they are made.

A small distance alone says little: vectors that have all become alike are close, too.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.errors import DataError
from core.basics.types import FloatArray, IntArray, Vectors
from core.data.knowledge import compared, names_in
from core.data.pair import DomainPair, ItemFeatures
from core.embedding.maps import interaction_vectors, normalised
from core.embedding.neighbours import nearest_of_all
from core.models.networks.adversarial import (
    FEWEST,
    coral,
    held_out_users,
    proxy_a_distance,
    retrieval_mrr,
)

MOST = 500  # held-out users looked at: the kernel of MMD has (2 n)² cells
PERMUTATIONS = 200
NEIGHBOURS = 10


@dataclass(frozen=True)
class UserVectors:
    """The same users as either domain draws them, at length 1."""

    users: IntArray  # (n,) user numbers with history in both domains
    source: FloatArray  # (n, d)
    target: FloatArray  # (n, d)

    def of(self, users: IntArray) -> UserVectors:
        """Those of some of the users."""
        rows = np.flatnonzero(np.isin(self.users, users))
        return UserVectors(self.users[rows], self.source[rows], self.target[rows])


@dataclass(frozen=True)
class Gap:
    """Figures of one space, over held-out shared users."""

    mmd: float  # squared maximum mean discrepancy; around 0 if alike
    mmd_p: float  # chance of as large a one if the domains drew users alike
    a_distance: float  # 0 alike, 2 apart
    coral: float  # distance of the covariances
    cka: float  # 1: both draw users into the same arrangement, up to a rotation
    agreement: float  # share of the 10 nearest users that both domains name
    retrieval_mrr: float  # 1: each source vector finds its own target vector first
    users: int


def user_vectors(vectors: Vectors) -> UserVectors:
    """Users that both domains draw; raises DataError where the model draws none or too few."""
    source, target = vectors.source_users, vectors.target_users
    if source is None or target is None:
        raise DataError(
            what="This model draws no user from either history alone.",
            hint="Choose another run to compare the two domains.",
        )
    there = [np.isfinite(part).all(axis=1) & (part != 0).any(axis=1) for part in (source, target)]
    users = np.flatnonzero(there[0] & there[1])
    if len(users) < 5 * FEWEST:
        raise DataError(
            what=f"Only {len(users)} users have a vector in both domains, too few for a gap.",
            hint=f"Choose a pair with at least {5 * FEWEST} shared users.",
        )
    return UserVectors(users, normalised(source[users]), normalised(target[users]))


def domain_gap(drawn: UserVectors, seed: int = 0) -> Gap:
    """Every figure over a fifth of the shared users, at most MOST; the same fifth every time.

    The classifier of the A-distance learns from the other users.
    """
    learned, held_out = held_out_users(drawn.users)
    learned_of, asked = drawn.of(learned), drawn.of(held_out[:MOST])
    distance, chance = mmd_permuted(asked.source, asked.target, seed)
    scale = asked.source.shape[1] ** 0.5  # coordinates of size 1, as Deep CORAL has them
    return Gap(
        mmd=distance,
        mmd_p=chance,
        a_distance=proxy_a_distance(
            (learned_of.source, learned_of.target), (asked.source, asked.target)
        ),
        coral=float(coral(scale * asked.source, scale * asked.target)),
        cka=linear_cka(asked.source, asked.target),
        agreement=neighbour_agreement(asked.source, asked.target),
        retrieval_mrr=retrieval_mrr(asked.source, asked.target),
        users=len(asked.users),
    )


def mmd_permuted(source: FloatArray, target: FloatArray, seed: int = 0) -> tuple[float, float]:
    """MMD², unbiased, and the share of permutations with one as large; both (n, d), paired.

    Gretton et al. 2012, eq. 3, kernel exp(-|x - y|² / median). As rows of both samples are the
    same users, a permutation exchanges both vectors of about half of the users.
    """
    n = len(source)
    both = np.concatenate([source, target]).astype(np.float64)
    lengths = (both * both).sum(axis=1)
    squares = np.maximum(lengths[:, None] + lengths[None, :] - 2.0 * both @ both.T, 0.0)
    median = max(float(np.median(squares[~np.eye(2 * n, dtype=bool)])), 1e-12)
    kernel = np.exp(-squares / median)
    np.fill_diagonal(kernel, 0.0)
    swapped = np.random.default_rng(seed).random((n, PERMUTATIONS)) < 0.5
    swapped = np.concatenate([np.zeros((n, 1), dtype=bool), swapped], axis=1)  # first: as it is
    first = np.concatenate([~swapped, swapped]).astype(np.float64)  # (2n, 1 + permutations)
    ours, theirs = kernel @ first, kernel @ (1.0 - first)
    within = (first * ours).sum(axis=0) + ((1.0 - first) * theirs).sum(axis=0)
    across = (first * theirs).sum(axis=0)
    found = within / (n * (n - 1)) - 2.0 * across / n**2
    as_large = (found[1:] >= found[0] - 1e-12).sum()
    return float(found[0]), float((1 + as_large) / (1 + PERMUTATIONS))


def linear_cka(source: FloatArray, target: FloatArray) -> float:
    """Linear centred kernel alignment of the same users, 0 to 1; Kornblith et al. 2019, eq. 3.

    1 where both arrange the users alike, whatever the rotation and scale; NaN without any spread.
    """
    x, y = (part - part.mean(axis=0) for part in (source, target))
    spread = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(x.T @ y) ** 2 / spread) if spread > 0 else float("nan")


def neighbour_agreement(source: FloatArray, target: FloatArray) -> float:
    """Share of a user's 10 nearest users that both domains name, mean over users; both (n, d).

    Users equally near stand in another order in either domain, so that collapsed vectors, which are
    all equally near, agree by chance alone.
    """
    k = min(NEIGHBOURS, len(source) - 1)
    order = np.random.default_rng(0).permutation(len(source))
    near = [
        nearest_of_all(np.asarray(source, dtype=np.float32), k + 1)[0][:, 1:],
        order[nearest_of_all(np.asarray(target[order], dtype=np.float32), k + 1)[0]][
            np.argsort(order), 1:
        ],
    ]
    shared = (near[0][:, :, None] == near[1][:, None, :]).any(axis=2).sum(axis=1)
    return float(shared.mean() / k)


def chance_agreement(users: int) -> float:
    """What `neighbour_agreement` is where the two domains know nothing of each other."""
    return min(NEIGHBOURS, users - 1) / (users - 1)


# How differently two domains are made: what kinds of items are taken, and how unevenly.

BINS = 20  # parts of the catalogue, from its most to its least popular items


@dataclass(frozen=True)
class ContentGap:
    """Jensen-Shannon divergences in bits: 0 alike, 1 nothing in common."""

    categories: float  # NaN where a domain has no categories
    shared_categories: int  # names that both domains use
    popularity: float


def content_gap(train: DomainPair) -> ContentGap:
    """Divergence of categories, by interactions, and of how these fall on the catalogue."""
    mixes = [
        _category_mix(matrix, features)
        for matrix, features in (
            (train.source, train.source_features),
            (train.target, train.target_features),
        )
    ]
    names = sorted(set(mixes[0]) | set(mixes[1]))
    shares = [np.array([mix.get(name, 0.0) for name in names]) for mix in mixes]
    known = bool(mixes[0]) and bool(mixes[1])
    return ContentGap(
        categories=jensen_shannon(*shares) if known else float("nan"),
        shared_categories=len(set(mixes[0]) & set(mixes[1])),
        popularity=jensen_shannon(_popularity(train.source), _popularity(train.target)),
    )


def jensen_shannon(first: FloatArray, second: FloatArray) -> float:
    """Jensen-Shannon divergence in bits of two weightings of the same things; Lin 1991, eq. 4.1.

    NaN where either has no weight at all.
    """
    if not first.sum() > 0 or not second.sum() > 0:
        return float("nan")
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2
    return float((_bits(p, middle) + _bits(q, middle)) / 2)


def _bits(p: FloatArray, q: FloatArray) -> float:
    there = p > 0
    return float((p[there] * np.log2(p[there] / q[there])).sum())


def _category_mix(matrix: csr_matrix, features: ItemFeatures | None) -> dict[str, float]:
    """Interactions by category; an item's count is split over its categories."""
    if features is None:
        return {}
    counts: defaultdict[str, float] = defaultdict(float)
    taken = np.asarray(matrix.sum(axis=0)).ravel()
    for item in np.flatnonzero(taken):
        names = names_in(features.categories[item])
        for name in names:
            counts[compared(name)] += float(taken[item]) / len(names)
    return dict(counts)


def _popularity(matrix: csr_matrix) -> FloatArray:
    """Share of the interactions in each twentieth of the items, the most popular first, (BINS,)."""
    taken = np.sort(np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel())[::-1]
    if not len(taken):
        return np.zeros(BINS)
    place = np.arange(len(taken)) * BINS // len(taken)
    return np.bincount(place, weights=taken, minlength=BINS).astype(np.float64)


# Each domain's users drawn from that domain alone: the honest "before" of an alignment.
# Two spaces made apart differ by an arbitrary rotation, so their gap would be large for nothing:
# one is turned onto the other first, learned from users the gap is not measured on.

FACTORS = 32


def separate_vectors(train: DomainPair, factors: int = FACTORS, seed: int = 0) -> UserVectors:
    """Users by either domain's interactions alone, the source turned onto the target.

    The rotation is the orthogonal Procrustes solution (Schönemann 1966) over the shared users whom
    no gap is measured on. Raises DataError for too few shared users.
    """
    source = interaction_vectors(_alone(train, source=True), factors, seed).source_users
    target = interaction_vectors(_alone(train, source=False), factors, seed).target_users
    assert source is not None
    assert target is not None
    width = max(source.shape[1], target.shape[1])
    source, target = _wide(source, width), _wide(target, width)
    drawn = user_vectors(Vectors(None, None, source, target))
    learned, _ = held_out_users(drawn.users)
    some = drawn.of(learned)
    return replace(drawn, source=drawn.source @ rotation(some.source, some.target))


def turned_onto(before: UserVectors, after: UserVectors) -> UserVectors:
    """The separate space laid onto a model's: one rotation for both domains, by target vectors.

    Both then share one layout; a rotation changes no distance within `before`.
    """
    width = max(before.source.shape[1], after.source.shape[1])
    onto = _wide(after.target, width)
    both = np.intersect1d(before.users, after.users)
    turn = rotation(
        _wide(before.of(both).target, width), onto[np.flatnonzero(np.isin(after.users, both))]
    )
    return replace(
        before, source=_wide(before.source, width) @ turn, target=_wide(before.target, width) @ turn
    )


def rotation(moved: FloatArray, onto: FloatArray) -> FloatArray:
    """Orthogonal matrix, (d, d), that brings rows of `moved` nearest to those of `onto`."""
    left, _, right = np.linalg.svd(moved.T.astype(np.float64) @ onto)
    return np.asarray(left @ right, dtype=np.float32)


def _alone(train: DomainPair, *, source: bool) -> DomainPair:
    """The pair with the other domain silenced."""
    if source:
        return replace(train, target=csr_matrix(train.target.shape, dtype=np.float32))
    return replace(train, source=csr_matrix(train.source.shape, dtype=np.float32))


def _wide(vectors: FloatArray, width: int) -> FloatArray:
    """The vectors with zeros behind them; no distance changes."""
    return np.pad(vectors, ((0, 0), (0, max(0, width - vectors.shape[1]))))
