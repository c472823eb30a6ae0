"""What share of the shared ids are the same people, with an interval.

Ids that are the same people are told apart from ids that only look alike by how well each source
profile finds its own target profile. Among strangers an own profile stands anywhere among the
others; among the same people it stands higher, by an amount that differs from person to person. So
the places of all own profiles are a mixture of the two, and its weight is the share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.sparse import csr_matrix, diags

from core.basics.types import FloatArray, IntArray

FOLDS = 5
FEWEST_TESTED = 50  # fewer shared users tell nothing
_CLASS = 60  # users of a class of histories of about one length, at least
_CLASSES = 3  # at most
BINS = 40  # of a place between 0 and 1
SHARES = np.linspace(0.0, 1.0, 101)
_SHIFTS = np.concatenate([[0.0], np.geomspace(0.03, 6.0, 40)])
# Of the gamma law of the shifts; inf: one for everybody. Where all are the same people no pair,
# real or made, is below 2, and a law below it looks like strangers among them.
_SHAPES = (2.0, 4.0, np.inf)
_QUANTILES = (np.arange(40) + 0.5) / 40
_DROP = 2.5  # of the log likelihood: 97.5 % were the model true
_SLACK = 0.03  # the model is not: measured on real pairs with planted strangers
LEARNT_ON = (0.25, 0.5, 1.0)  # shares at which halves of one domain's histories are matched
CARRIES = 0.35  # of what halves of one domain reach; the least of five real pairs is .55
ERROR_OF_SHIFT = 1.02  # of `mean_shift` times the root of n, for strangers: sqrt(4 pi / 12)


@dataclass(frozen=True)
class Share:
    """The share of the shared ids that are the same people: the likeliest, and its 95 % ends."""

    likeliest: float
    low: float
    high: float


def share_of_same(places: FloatArray, halves: FloatArray) -> Share:
    """Estimate the share from the place of everybody's own profile among those of others.

    places: (n,) in 0 to 1, uniform for strangers, 1 where the own profile stands above all others.
    The normal score of somebody's place is N(0, 1) for strangers and N(d, 1) for the same people;
    d differs among people as a gamma law of unknown mean and shape. The share's likelihood takes
    the best law for each share. A share that would ask for a mean d below CARRIES times what
    halves of one domain's histories reach is left out: otherwise no share could ever be ruled out,
    since people whose taste does not carry over look like strangers.

    halves: (3,) mean d that halves reach where so many of the learnt pairs are true (LEARNT_ON).
    """
    counts = np.histogram(places, np.linspace(0.0, 1.0, BINS + 1))[0]
    least = CARRIES * np.interp(SHARES, [0.0, *LEARNT_ON], [0.0, *np.maximum.accumulate(halves)])
    chances = (1 - SHARES)[:, None, None, None] / BINS + SHARES[:, None, None, None] * _laws()
    likelihood = np.log(chances + 1e-12) @ counts  # (shares, shapes, shifts)
    too_weak = _SHIFTS[None, :] < np.minimum(least, _SHIFTS[-1])[:, None]
    best = np.where(too_weak[:, None, :], -np.inf, likelihood).max(axis=(1, 2))
    inside = SHARES[best >= best.max() - _DROP]
    low, high = float(inside[0]) - _SLACK, float(inside[-1]) + _SLACK
    return Share(float(SHARES[best.argmax()]), max(0.0, low), min(1.0, high))


def mean_shift(places: FloatArray) -> float:
    """The shift of a normal law that gives the mean of the places, at least 0."""
    from scipy.special import ndtri  # it loads scipy.linalg, which no menu needs

    mean = np.clip(places.mean(), 0.5, 1 - 1e-6)
    return float(np.sqrt(2) * ndtri(mean))


@cache
def _laws() -> FloatArray:
    """(1, shapes, shifts, BINS) chance of each place if the shifts follow a law."""
    from scipy.special import gammaincinv, ndtr, ndtri

    edges = ndtri(np.linspace(0.0, 1.0, BINS + 1))  # from -inf to inf
    laws = np.empty((1, len(_SHAPES), len(_SHIFTS), BINS))
    for number, shape in enumerate(_SHAPES):
        spread = np.ones(1) if shape == np.inf else gammaincinv(shape, _QUANTILES) / shape
        shifts = _SHIFTS[:, None] * spread  # (shifts, quantiles)
        laws[0, number] = np.diff(ndtr(edges - shifts[..., None]), axis=-1).mean(axis=1)
    return laws


# How well profiles find each other, over two domains or over halves of one.


def scores(
    source: FloatArray,
    target: FloatArray,
    folds: Sequence[IntArray],
    learnt: IntArray | None = None,
) -> list[FloatArray]:
    """s W t' of each fold's source profiles (rows) and target profiles (columns), standardised.

    source, target: (n, n) likeness of everybody's profiles. learnt: (n,) whose target profile is
    learnt beside each source profile; None: everybody's own. Computed through the learning users,
    (S_test S_learn')(T_learn T_test'), so that no item by item matrix is built.
    """
    taught = np.arange(len(source)) if learnt is None else learnt
    found: list[FloatArray] = []
    for test in folds:
        learn = np.setdiff1d(np.arange(len(source)), test)
        left = _centred(source[np.ix_(test, learn)])
        right = _centred(target[np.ix_(test, taught[learn])])
        affinity = left @ right.T
        for axis in (0, 1):
            affinity -= affinity.mean(axis=axis, keepdims=True)
            affinity /= affinity.std(axis=axis, keepdims=True) + 1e-12
        found.append(affinity)
    return found


def likeness(user_items: csr_matrix) -> FloatArray:
    """(n, n) float32 cosine of all profiles, rare items weighing more."""
    profiles = _unit(user_items)
    return np.asarray((profiles @ profiles.T).toarray())


def _unit(user_items: csr_matrix) -> csr_matrix:
    """Rows at length one, rare items weighing more (inverse document frequency)."""
    owners = np.bincount(user_items.indices, minlength=user_items.shape[1])
    rarity = np.log((user_items.shape[0] + 1) / (owners + 1)) + 0.05
    weighed = csr_matrix(user_items @ diags(rarity.astype(np.float32)))
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    return csr_matrix(diags((1 / np.maximum(lengths, 1e-9)).astype(np.float32)) @ weighed)


def _centred(values: FloatArray) -> FloatArray:
    values = values - values.mean(axis=0)
    return values - values.mean(axis=1, keepdims=True)


def own_places(
    affinities: Sequence[FloatArray],
    folds: Sequence[IntArray],
    source: csr_matrix,
    target: csr_matrix,
) -> FloatArray:
    """(n,) place, 0 to 1, of everybody's own score among pairs of strangers with such histories.

    Histories of other lengths spread their scores otherwise, so that a place among all would not
    be uniform for strangers of one length.
    """
    places = np.empty(source.shape[0])
    for matrix, test in zip(affinities, folds, strict=True):
        classes = int(np.clip(len(test) // _CLASS, 1, _CLASSES))
        rows, columns = (_lengths(user_items[test], classes) for user_items in (source, target))
        strangers = ~np.eye(len(test), dtype=bool)
        for kind in range(classes * classes):
            row, column = rows == kind // classes, columns == kind % classes
            here = np.flatnonzero(row & column)
            if len(here) == 0:
                continue
            block = np.sort(matrix[np.ix_(row, column)][strangers[np.ix_(row, column)]])
            own = matrix[here, here]
            below = np.searchsorted(block, own, "left") + np.searchsorted(block, own, "right")
            places[test[here]] = (below / 2 + 0.5) / (len(block) + 1)
    return places


def _lengths(user_items: csr_matrix, classes: int) -> IntArray:
    """(n,) class of the length of each history, as many users in each."""
    order = np.argsort(np.argsort(np.diff(user_items.indptr), kind="stable"), kind="stable")
    return order * classes // max(1, len(order))


def within(user_items: csr_matrix, draw: np.random.Generator) -> FloatArray:
    """(3,) how far halves of one domain's histories find each other: the same people for sure.

    The share of true pairs that is learnt from falls as LEARNT_ON says, since a pair whose ids
    are in part strangers learns from strangers too.
    """
    half = draw.random(user_items.nnz) < 0.5
    owner = np.repeat(np.arange(user_items.shape[0]), np.diff(user_items.indptr))
    both = [
        csr_matrix(
            (np.ones(int(part.sum()), dtype=np.float32), (owner[part], user_items.indices[part])),
            shape=user_items.shape,
        )
        for part in (half, ~half)
    ]
    there = np.flatnonzero((np.diff(both[0].indptr) > 0) & (np.diff(both[1].indptr) > 0))
    if len(there) < FEWEST_TESTED:
        return np.zeros(len(LEARNT_ON))
    left, right = both[0][there], both[1][there]
    folds = np.array_split(np.arange(len(there)), FOLDS)
    alike = likeness(left), likeness(right)
    shifts = np.empty(len(LEARNT_ON))
    for place, share in enumerate(LEARNT_ON):
        learnt = np.arange(len(there))
        wrong = draw.permutation(len(there))[: round((1 - share) * len(there))]
        learnt[wrong] = np.roll(wrong, 1)
        found = scores(*alike, folds, learnt)
        shifts[place] = mean_shift(own_places(found, folds, left, right))
    # A standard error less: what chance shows of people without taste rules out no share
    sure = np.maximum(0.0, shifts - ERROR_OF_SHIFT / np.sqrt(len(there)))
    return sure * len(there) / user_items.shape[0]  # people of one row have no halves
