"""How far apart two domains draw the same users, and how differently they are made.

A figure alone says little: it stands beside what it is by chance. Vectors that have all become
alike are close, too, so closeness is read together with who is still recognised.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray, IntArray
from core.data.knowledge import compared, names_in
from core.data.pair import DomainPair, ItemFeatures
from core.embedding.neighbours import nearest_of_all
from core.models.kernel.domain_gap import (
    UserVectors,
    classifier_of_swaps,
    discrepancies,
    held_out_users,
    reciprocal_ranks,
    retrieval_mrr,
    rotation,
    told_apart,
    wide,
)

MOST = 500  # held-out users looked at: the kernel of MMD has (2 n)² cells
MOST_LEARNED = 5_000  # other users whom the classifier of the A-distance learns from
EXCHANGES = 999
PARTS = 20  # of the users, each left out in turn to tell how sure a change is
NEIGHBOURS = 10
TINY = 1e-12
NEVER = 0.05  # of a view's figures one is beyond chance this often where nothing is there

MMD, A_DISTANCE, CORAL = "mmd", "a_distance", "coral"
CKA, AGREEMENT, MRR = "cka", "agreement", "retrieval_mrr"
APART = (MMD, A_DISTANCE, CORAL)  # larger is further apart; a user's two vectors are exchanged
ALIKE = (CKA, AGREEMENT, MRR)  # larger is more alike; users' target vectors are dealt anew


@dataclass(frozen=True)
class Figure:
    """A figure beside what it is by chance."""

    value: float
    chance: float  # 19 of 20 exchanges stay below
    p: float  # share of exchanges with one as large


@dataclass(frozen=True)
class Gap:
    """Figures of one space, over held-out shared users; those APART and those ALIKE."""

    figures: dict[str, Figure]
    users: int


@dataclass(frozen=True)
class Change:
    """After less before, over the same users; p: of a change as large where there is none."""

    value: float
    p: float


def domain_gap(drawn: UserVectors, asked: IntArray | None = None, seed: int = 0) -> Gap:
    """Every figure over at most MOST of the asked users, each with its chance by exchanges.

    asked: user numbers; None for a fifth, the same every time. The classifier of the A-distance
    learns from all others.

    A user's two vectors are paired, so that samples of one law are told from others by exchanging
    both vectors of about half of the users: sign flips of each user's difference, which is valid
    whatever ties the two. Whether people are recognised is told by dealing target vectors to other
    users.
    """
    sample = _Sample.of(drawn, asked)
    values, rng = sample.figures(), np.random.default_rng(seed)
    by_chance = sample.swapped(rng) | sample.dealt(rng)
    return Gap(
        {name: _beside_chance(value, by_chance[name]) for name, value in values.items()},
        sample.n,
    )


def gap_changes(before: UserVectors, after: UserVectors, asked: IntArray) -> dict[str, Change]:
    """How much each figure of the same users changed between two spaces, and how surely.

    A jackknife that leaves out a twentieth of the users at a time, both spaces together (Efron and
    Tibshirani 1993, ch. 11); of discrepancies around 0 it is cautious.
    """
    spaces = [_Sample.of(space, asked) for space in (before, after)]
    then, now = (sample.figures() for sample in spaces)
    n = spaces[0].n
    parts = np.random.default_rng(0).permutation(n) % min(PARTS, n)
    without = [
        [sample.figures(np.flatnonzero(parts != part)) for sample in spaces]
        for part in range(parts.max() + 1)
    ]
    return {
        name: _change(
            now[name] - then[name],
            np.array([late[name] - early[name] for early, late in without]),
        )
        for name in now
    }


def _beside_chance(value: float, by_chance: FloatArray) -> Figure:
    if not np.isfinite(value):
        return Figure(value, float("nan"), float("nan"))
    as_large = int((by_chance >= value - 1e-12).sum())
    p = (1 + as_large) / (1 + len(by_chance))
    return Figure(value, float(np.quantile(by_chance, 1 - NEVER)), p)


def _change(found: float, without: FloatArray) -> Change:
    from scipy.stats import t as student

    if not np.isfinite(found) or not np.isfinite(without).all():
        return Change(float("nan"), float("nan"))
    parts = len(without)
    error = np.sqrt((parts - 1) / parts * ((without - without.mean()) ** 2).sum())
    if not error > 0:  # nothing to go by, unless every part says the same
        same = found != 0 and np.allclose(without, found)
        return Change(found, 0.0 if same else 1.0)
    return Change(found, float(2 * student.sf(abs(found) / error, parts - 1)))


@dataclass(frozen=True)
class _Sample:
    """Users that are asked, and what the exchanges need of them, made once."""

    source: FloatArray  # (n, d)
    target: FloatArray
    learned: tuple[FloatArray, FloatArray]  # other users
    of_mmd: FloatArray  # (n, n) what two users add
    of_coral: FloatArray
    told: FloatArray  # (n, 2) how surely either vector is taken for the source's

    @classmethod
    def of(cls, drawn: UserVectors, asked: IntArray | None) -> _Sample:
        if asked is None:
            asked = held_out_users(drawn.users)[1]
        others = np.setdiff1d(drawn.users, asked)
        if len(others) > MOST_LEARNED:
            others = np.random.default_rng(0).choice(others, MOST_LEARNED, replace=False)
        if len(asked) > MOST:
            asked = np.random.default_rng(0).choice(asked, MOST, replace=False)
        learned, here = drawn.of(others).drawn, drawn.of(asked).drawn
        return cls(
            *here,
            learned=learned,
            of_mmd=discrepancies(here),
            of_coral=_covariances_apart(*here),
            told=told_apart(learned, here),
        )

    @property
    def n(self) -> int:
        return len(self.source)

    def figures(self, rows: IntArray | None = None) -> dict[str, float]:
        """All figures, or those of some of the users."""
        if rows is None:
            rows = np.arange(self.n)
        source, target, told = self.source[rows], self.target[rows], np.sign(self.told[rows])
        square, pairs = np.ix_(rows, rows), len(rows) * (len(rows) - 1)
        return {
            MMD: float(self.of_mmd[square].sum() / pairs),
            A_DISTANCE: float((told[:, 0] - told[:, 1]).mean()),
            CORAL: float(self.of_coral[square].sum() / pairs),
            CKA: debiased_cka(source, target),
            AGREEMENT: neighbour_agreement(source, target, neighbours_of(self.n)),
            MRR: retrieval_mrr(source, target),
        }

    def swapped(self, rng: np.random.Generator) -> dict[str, FloatArray]:
        """Distances where about half of the users have their two vectors exchanged."""
        signs = rng.choice([-1.0, 1.0], (self.n, EXCHANGES))
        pairs = self.n * (self.n - 1)
        others = rng.choice([-1.0, 1.0], (len(self.learned[0]), EXCHANGES))
        slopes, centre = classifier_of_swaps(self.learned, others)
        source, target = (np.sign((part - centre) @ slopes) for part in (self.source, self.target))
        return {
            MMD: (signs * (self.of_mmd @ signs)).sum(axis=0) / pairs,
            CORAL: (signs * (self.of_coral @ signs)).sum(axis=0) / pairs,
            A_DISTANCE: (signs * (source - target)).mean(axis=0),
        }

    def dealt(self, rng: np.random.Generator) -> dict[str, FloatArray]:
        """Likenesses where every target vector belongs to another user."""
        source, target = (_centred(part) for part in (self.source, self.target))
        size = np.sqrt(_hsic(source, source) * _hsic(target, target))
        near = [self._near(part) for part in (self.source, self.target)]
        edges = np.nonzero(near[0])
        ranks = reciprocal_ranks(self.source, self.target)
        found = np.empty((3, EXCHANGES))
        for place in range(EXCHANGES):
            deal = rng.permutation(self.n)
            found[0, place] = _hsic(source, target[deal]) / size
            found[1, place] = near[1][deal[edges[0]], deal[edges[1]]].mean()
            found[2, place] = ranks[np.arange(self.n), deal].mean()
        return dict(zip(ALIKE, found, strict=True))

    def _near(self, vectors: FloatArray) -> np.ndarray:
        """(n, n) whether a user is among the 10 nearest of another."""
        there = np.zeros((self.n, self.n), dtype=bool)
        k = neighbours_of(self.n)
        nearest = nearest_of_all(np.asarray(vectors, dtype=np.float32), k + 1)[0][:, 1:]
        np.put_along_axis(there, nearest, True, axis=1)
        return there


def _covariances_apart(source: FloatArray, target: FloatArray) -> FloatArray:
    """What each two users add to the squared distance of the covariances, (n, n), over 4 d².

    With m half the sum of a user's vectors, less its mean, and e half their difference, the
    covariances differ by 2 times the mean of m e' + e m'; a user with themself adds nothing, so
    that alike covariances are around 0. Coordinates have size 1, as in Deep CORAL.
    """
    middle = (source + target).astype(np.float64) / 2
    middle = middle - middle.mean(axis=0)
    apart = (source - target).astype(np.float64) / 2
    cross = middle @ apart.T
    cells = 2 * ((middle @ middle.T) * (apart @ apart.T) + cross * cross.T)
    np.fill_diagonal(cells, 0.0)
    return np.asarray(cells)


def debiased_cka(source: FloatArray, target: FloatArray) -> float:
    """Linear centred kernel alignment of the same users, 1 at most, around 0 for strangers.

    1 where both arrange the users alike, whatever the rotation and scale; NaN without any spread.
    Kornblith et al. 2019, eq. 3, with the unbiased HSIC of Song et al. 2012, eq. 4, as in Nguyen et
    al. 2021: the plain one grows with width over users, .32 for random vectors of 134 users.
    """
    source, target = _centred(source), _centred(target)
    spread = _hsic(source, source) * _hsic(target, target)
    return float(_hsic(source, target) / np.sqrt(spread)) if spread > TINY else float("nan")


def _hsic(source: FloatArray, target: FloatArray) -> float:
    """n (n - 3) times Song's unbiased HSIC of linear kernels; both centred, (n, d)."""
    n = len(source)
    first, second = ((part * part).sum(axis=1) for part in (source, target))
    shared = ((source.T @ target) ** 2).sum()
    own = n / (n - 2) * (first * second).sum()  # a user with themself, whom a kernel leaves out
    return float(shared - own + first.sum() * second.sum() / ((n - 1) * (n - 2)))


def _centred(vectors: FloatArray) -> FloatArray:
    vectors = np.asarray(vectors, dtype=np.float64)
    return np.asarray(vectors - vectors.mean(axis=0))


def neighbours_of(users: int) -> int:
    """How many nearest users are looked at: 10, of few a quarter, as chance names the rest."""
    return max(1, min(NEIGHBOURS, users // 4))


def neighbour_agreement(source: FloatArray, target: FloatArray, k: int = NEIGHBOURS) -> float:
    """Share of a user's k nearest users that both domains name, mean over users; both (n, d).

    Users equally near stand in another order in either domain, so that collapsed vectors, which are
    all equally near, agree by chance alone.
    """
    order = np.random.default_rng(0).permutation(len(source))
    near = [
        nearest_of_all(np.asarray(source, dtype=np.float32), k + 1)[0][:, 1:],
        order[nearest_of_all(np.asarray(target[order], dtype=np.float32), k + 1)[0]][
            np.argsort(order), 1:
        ],
    ]
    shared = (near[0][:, :, None] == near[1][:, None, :]).any(axis=2).sum(axis=1)
    return float(shared.mean() / k)


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


def turned_onto(before: UserVectors, after: UserVectors) -> UserVectors:
    """The separate space laid onto a model's: one rotation for both domains, by target vectors.

    Both then share one layout; a rotation changes no distance within `before`.
    """
    width = max(before.source.shape[1], after.source.shape[1])
    onto = wide(after.target, width)
    both = np.intersect1d(before.users, after.users)
    turn = rotation(
        wide(before.of(both).target, width), onto[np.flatnonzero(np.isin(after.users, both))]
    )
    return replace(
        before, source=wide(before.source, width) @ turn, target=wide(before.target, width) @ turn
    )
