"""Intervals by the bootstrap: of means, of paired differences, of sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from core.basics.types import FloatArray, IntArray

SAMPLES = 1000
LEVEL = 95  # per cent
BLOCK = 4_000_000  # draws held at once, so that many users take bounded memory
REMEMBERED = 6_000_000  # draws up to which they are remembered: 12 MB each


@dataclass(frozen=True)
class Interval:
    """A mean over users with its 95 % percentile interval; NaN where it cannot be said."""

    mean: float
    low: float
    high: float
    users: int  # users in the mean
    skipped: int  # users without a value

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero; False where it is unknown."""
        return self.low > 0 or self.high < 0


def bootstrap_means(values: FloatArray, seed: int = 0, samples: int = SAMPLES) -> list[Interval]:
    """One interval per column of values, (users, metrics); NaN cells are skipped and counted.

    All columns share their samples. A column with fewer than two users has no interval.
    """
    values = _as_columns(values)
    there = ~np.isnan(values)
    users = there.sum(axis=0)
    means = np.full(values.shape[1], np.nan)
    total = np.where(there, values, 0.0).sum(axis=0)
    np.divide(total, users, out=means, where=users > 0)
    low, high = _percentiles(values, users, seed, samples)
    return [
        Interval(float(mean), float(a), float(b), int(n), int(len(values) - n))
        for mean, a, b, n in zip(means, low, high, users, strict=True)
    ]


def bootstrap_difference(
    ours: FloatArray, theirs: FloatArray, seed: int = 0, samples: int = SAMPLES
) -> list[Interval]:
    """Intervals of ours - theirs, paired: rows of both are the same users, (users, metrics).

    None is narrower than Student's t interval: of a few users of whom fewer moved, percentiles hold
    the truth far less often than they say (tests/benchmarks/planted_lift.py has the shares).
    """
    gaps = _as_columns(ours) - _as_columns(theirs)
    found = bootstrap_means(gaps, seed, samples)
    return [_as_wide_as_t(one, column) for one, column in zip(found, gaps.T, strict=True)]


def student_interval(values: FloatArray) -> Interval:
    """Mean and Student's t interval of a few values, such as one per seed; NaN cells skipped."""
    known = values[~np.isnan(values)]
    n = len(known)
    mean = float(known.mean()) if n else np.nan
    half = _half_width(known)
    return Interval(mean, mean - half, mean + half, n, len(values) - n)


def resampled_means(values: FloatArray, seed: int = 0, samples: int = SAMPLES) -> FloatArray:
    """Column means of users drawn with replacement, (samples, metrics); NaN cells do not count.

    Efron 1979. Draws become counts per user, so that all columns are one matrix product.
    """
    values = _as_columns(values)
    there = ~np.isnan(values)
    filled, complete = np.where(there, values, 0.0), bool(there.all())
    means, start = np.empty((samples, values.shape[1])), 0
    for block in _blocks(seed, samples, len(values)):
        rows, counts = slice(start, start + len(block)), block.astype(np.float64)
        start = rows.stop
        drawn = float(len(values)) if complete else counts @ there.astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):  # a sample may miss a rare column
            means[rows] = counts @ filled / drawn
    return means


def _as_wide_as_t(interval: Interval, values: FloatArray) -> Interval:
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return interval
    half = _half_width(known)
    low, high = min(interval.low, interval.mean - half), max(interval.high, interval.mean + half)
    return replace(interval, low=low, high=high)


def _half_width(known: FloatArray) -> float:
    """Of Student's t interval; NaN below two values."""
    if len(known) < 2:
        return float("nan")
    from scipy.special import stdtrit

    quantile = stdtrit(len(known) - 1, 0.5 + LEVEL / 200)
    return float(quantile * known.std(ddof=1) / np.sqrt(len(known)))


def _blocks(seed: int, samples: int, users: int) -> Iterable[IntArray]:
    """How often each user is drawn in each sample, (some samples, users) at a time.

    As many users are drawn alike for every metric and comparison: they are remembered.
    """
    if samples * users > REMEMBERED:
        return _drawn(seed, samples, users)
    return _kept_blocks(seed, samples, users)


@lru_cache(maxsize=8)
def _kept_blocks(seed: int, samples: int, users: int) -> list[IntArray]:
    return list(_drawn(seed, samples, users))


def _drawn(seed: int, samples: int, users: int) -> Iterator[IntArray]:
    """Multinomial counts, (samples, users) in blocks; int16 holds any that will ever be drawn."""
    generator, step = np.random.default_rng(seed), max(1, BLOCK // max(1, users))
    for start in range(0, samples, step):
        n = min(step, samples - start)
        drawn = generator.integers(0, users, size=(n, users), dtype=np.int64)
        drawn += np.arange(n)[:, None] * users
        counts = np.bincount(drawn.ravel(), minlength=n * users)
        yield counts.reshape(n, users).astype(np.int16)


def _percentiles(
    values: FloatArray, users: np.ndarray, seed: int, samples: int
) -> tuple[FloatArray, FloatArray]:
    bounds = np.full((2, values.shape[1]), np.nan)
    enough = users >= 2
    if enough.any():
        tail = (100 - LEVEL) / 2
        means = resampled_means(values[:, enough], seed, samples)
        bounds[:, enough] = np.nanpercentile(means, [tail, 100 - tail], axis=0)
    return bounds[0], bounds[1]


def _as_columns(values: FloatArray) -> FloatArray:
    values = np.asarray(values, dtype=np.float64)
    return values[:, None] if values.ndim == 1 else values
