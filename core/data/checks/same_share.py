"""What share of the shared ids are the same people, with an interval.

Ids that are the same people are told apart from ids that only look alike by how well each source
profile finds its own target profile. Among strangers an own profile stands anywhere among the
others; among the same people it stands higher, by an amount that differs from person to person. So
the places of all own profiles are a mixture of the two, and its weight is the share.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr, ndtri

from core.basics.types import FloatArray

BINS = 40  # of a place between 0 and 1
SHARES = np.linspace(0.0, 1.0, 101)
_SHIFTS = np.concatenate([[0.0], np.geomspace(0.03, 6.0, 40)])
_SHAPES = (0.5, 1.0, 2.0, 4.0, np.inf)  # of the gamma law of the shifts; inf: one for everybody
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


def share_of_same(places: FloatArray, within: FloatArray) -> Share:
    """Estimate the share from the place of everybody's own profile among those of others.

    places: (n,) in 0 to 1, uniform for strangers, 1 where the own profile stands above all others.
    The normal score of somebody's place is N(0, 1) for strangers and N(d, 1) for the same people;
    d differs among people as a gamma law of unknown mean and shape. The share's likelihood takes
    the best law for each share. A share that would ask for a mean d below CARRIES times what
    halves of one domain's histories reach is left out: otherwise no share could ever be ruled out,
    since people whose taste does not carry over look like strangers.

    within: (3,) mean d that halves reach where so many of the learnt pairs are true (LEARNT_ON).
    """
    counts = np.histogram(places, np.linspace(0.0, 1.0, BINS + 1))[0]
    least = CARRIES * np.interp(SHARES, [0.0, *LEARNT_ON], [0.0, *np.maximum.accumulate(within)])
    chances = (1 - SHARES)[:, None, None, None] / BINS + SHARES[:, None, None, None] * _laws()
    likelihood = np.log(chances + 1e-12) @ counts  # (shares, shapes, shifts)
    too_weak = _SHIFTS[None, :] < np.minimum(least, _SHIFTS[-1])[:, None]
    best = np.where(too_weak[:, None, :], -np.inf, likelihood).max(axis=(1, 2))
    inside = SHARES[best >= best.max() - _DROP]
    low, high = float(inside[0]) - _SLACK, float(inside[-1]) + _SLACK
    return Share(float(SHARES[best.argmax()]), max(0.0, low), min(1.0, high))


def mean_shift(places: FloatArray) -> float:
    """The shift of a normal law that gives the mean of the places, at least 0."""
    mean = np.clip(places.mean(), 0.5, 1 - 1e-6)
    return float(np.sqrt(2) * ndtri(mean))


@cache
def _laws() -> FloatArray:
    """(1, shapes, shifts, BINS) chance of each place if the shifts follow a law."""
    from scipy.stats import gamma

    edges = ndtri(np.linspace(0.0, 1.0, BINS + 1))  # from -inf to inf
    laws = np.empty((1, len(_SHAPES), len(_SHIFTS), BINS))
    for number, shape in enumerate(_SHAPES):
        spread = np.ones(1) if shape == np.inf else gamma.ppf(_QUANTILES, shape) / shape
        shifts = _SHIFTS[:, None] * spread  # (shifts, quantiles)
        laws[0, number] = np.diff(ndtr(edges - shifts[..., None]), axis=-1).mean(axis=1)
    return laws
