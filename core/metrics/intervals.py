"""Intervals by the bootstrap: of means, of paired differences, of sums."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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

    None is narrower than Student's t interval: see `as_wide_as_t`.
    """
    gaps = _as_columns(ours) - _as_columns(theirs)
    found = bootstrap_means(gaps, seed, samples)
    return [as_wide_as_t(one, column) for one, column in zip(found, gaps.T, strict=True)]


def student_p(values: FloatArray) -> float:
    """Two-sided p-value of Student's t test that the mean is zero; 0 where all values are one."""
    from scipy.special import stdtr

    spread, mean = float(values.std(ddof=1)), float(values.mean())
    if not spread:
        return 0.0 if mean else 1.0
    return float(2 * stdtr(len(values) - 1, -abs(mean) / spread * len(values) ** 0.5))


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


def as_wide_as_t(interval: Interval, values: FloatArray) -> Interval:
    """The interval, at least as wide as Student's t around the mean of values, one per user.

    Of a few users of whom fewer moved, percentiles hold the truth far less often than they say, and
    so does t with a degree of freedom for everybody: who did not move tells little of how far the
    others do. See `_freedom`. Where few gain much the mean of a few users is mostly too low and its
    spread too small with it, so each end is at least as far out as Hall's, see `_skewed_ends`:
    of 30 users of a skewed law 90 % would be held, and are 95. tests/benchmarks/coverage.py
    measures the shares.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return interval
    freedom = _freedom(known)
    half = _half_width(known, freedom)
    lows, highs = _skewed_ends(known, interval.mean, freedom)
    low = min(interval.low, interval.mean - half, lows)
    high = max(interval.high, interval.mean + half, highs)
    return replace(interval, low=low, high=high)


def _skewed_ends(known: FloatArray, mean: float, freedom: float) -> tuple[float, float]:
    """Ends around the mean after its skewness is taken out by a cubic (Hall 1992, JRSS B 54)."""
    n, apart = len(known), known - known.mean()
    spread = float(known.std(ddof=1))
    skew = float((apart**3).mean() / known.std() ** 3) if spread else 0.0
    if abs(skew) < 1e-9:
        return mean, mean  # a symmetrical law: Student's ends do
    reach = student_quantile(freedom) / n**0.5

    def undone(x: float) -> float:
        return float(3 / skew * (np.cbrt(1 + skew * (x - skew / (6 * n))) - 1))

    return mean - spread * undone(reach), mean - spread * undone(-reach)


MANY = 1e6  # degrees of freedom at which Student's t is the normal law
PER_MOVED = 3  # degrees of freedom that a user who moved brings


def _freedom(known: FloatArray) -> float:
    """Users less one, at most three times those who differ from zero; at least one.

    Of 30 users of whom 4 moved the usual 29 hold the truth in 92 to 93 % of worlds, these 12 in
    95 %; as many as moved, in 98 %. From a few hundred users on all are alike.
    """
    moved = int((known != 0).sum())
    return float(max(1, min(len(known) - 1, PER_MOVED * moved)))


def _half_width(known: FloatArray, freedom: float) -> float:
    """Of Student's t interval; NaN below two values."""
    if len(known) < 2:
        return float("nan")
    return student_quantile(freedom) * float(known.std(ddof=1)) / len(known) ** 0.5


def student_quantile(freedom: float, level: float = LEVEL / 100) -> float:
    """How many standard errors either side of the mean hold so much of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + level / 2))


# Two layers of chance: who was asked, and how the model was trained or its source was dealt.


def layered_interval(values: FloatArray) -> Interval:
    """Mean of values, (users, layers), with an interval over users and layers; NaN rows skipped.

    A layer is a training or a deal, three or more. Both are random and cross: everybody is asked
    about every layer. The pigeonhole bootstrap (Owen 2007) draws both with replacement, but of
    three layers a draw holds two on average, and its interval is far too narrow. So the parts of
    the variance are taken apart (Searle et al. 1992, sec. 4.7) and each has its own quantile of
    Student's t: with three layers theirs is 4.3. tests/benchmarks/coverage.py measures it.
    """
    kept = values[~np.isnan(values).any(axis=1)]
    users, skipped = len(kept), len(values) - len(kept)
    if users < 2:
        mean = float(kept.mean()) if users else float("nan")
        return Interval(mean, float("nan"), float("nan"), users, skipped)
    mean, half = float(kept.mean()), _layered_half(kept, LEVEL / 100)
    return Interval(mean, mean - half, mean + half, users, skipped)


def layered_p(values: FloatArray) -> float:
    """Two-sided p-value of the mean being zero: 1 - level of the interval that ends at zero.

    NaN below two users.
    """
    kept = values[~np.isnan(values).any(axis=1)]
    if len(kept) < 2:
        return float("nan")
    reach, low, high = abs(float(kept.mean())), 0.0, 1.0
    if not reach:
        return 1.0
    for _ in range(40):  # halves the range of the level
        level = (low + high) / 2
        low, high = (level, high) if _layered_half(kept, level) < reach else (low, level)
    return 1 - low


def _layered_half(kept: FloatArray, level: float) -> float:
    """Half the width, from the mean squares of users, layers and what is left of both."""
    users, layers = kept.shape
    of_user, of_layer, mean = kept.mean(axis=1), kept.mean(axis=0), kept.mean()
    left = kept - of_user[:, None] - of_layer + mean
    by_user = layers * float(of_user.var(ddof=1))
    by_layer = users * float(of_layer.var(ddof=1))
    rest = float((left**2).sum()) / ((users - 1) * (layers - 1))
    people = student_quantile(_freedom(of_user), level) ** 2 * by_user
    # What is left of both is in by_layer too. Taken off whole, three trainings would hold the truth
    # in 92 to 94 % of worlds; taken off by this share, in 94 to 97 %.
    from_few = student_quantile(layers - 1, level)
    share = student_quantile(MANY, level) / from_few
    chance = from_few**2 * max(by_layer - share * rest, 0.0)
    return float(np.sqrt((people + chance) / (users * layers)))


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


# Is a mean paired difference more than chance, how large is it, and how many were asked about.

FLIPS = 5_000  # random sign flips of a test; the smallest p-value is 1 in so many
_ROUNDING = 1e-9  # of the sum of sizes: sums this close are the same


def sign_flip_p(values: FloatArray, seed: int = 0, flips: int = FLIPS) -> float:
    """Two-sided p-value of the mean of paired differences being zero; NaN below two users.

    values: (n_users,), NaN cells left out. Were there no difference, every user's could as well
    have the other sign: how often is a sum with random signs as far from zero? All signs are tried
    where they are few. Fisher's randomisation test, for retrieval: Smucker et al. 2007, sec. 3.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return float("nan")
    moved = known[known != 0]
    reach = abs(moved.sum()) - _ROUNDING * np.abs(moved).sum()
    if 2 ** min(len(moved), 60) <= flips:
        # Sums of the values under every choice of signs, (2 ** n,)
        all_sums = np.zeros(1)
        for value in moved:
            all_sums = np.concatenate([all_sums + value, all_sums - value])
        return float(np.mean(np.abs(all_sums) >= reach))
    generator, beyond = np.random.default_rng(seed), 0
    step = max(1, BLOCK // len(moved))
    for start in range(0, flips, step):
        sums = _random_sums(moved, min(step, flips - start), generator)
        beyond += int((np.abs(sums) >= reach).sum())
    return (1 + beyond) / (1 + flips)


def effect_size(values: FloatArray) -> float:
    """Mean paired difference in standard deviations of the differences (Cohen's d_z, 1988).

    NaN below two users; 0 where nobody moved.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return float("nan")
    spread = known.std(ddof=1)
    return float(known.mean() / spread) if spread > 0 else 0.0 if not known.any() else float("nan")


def holm(p_values: FloatArray) -> FloatArray:
    """p-values after Holm's step-down correction (1979); NaN cells stay and do not count.

    Rejecting where these are below .05 keeps the chance of any false claim among all below .05.
    """
    adjusted = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1.0)
    return adjusted


def _random_sums(values: FloatArray, flips: int, generator: np.random.Generator) -> FloatArray:
    """Sums of the values under random signs, (flips,).

    Signs of eight users are one random byte, whose 256 sums are made once and looked up.
    """
    eights = np.pad(values, (0, -len(values) % 8)).reshape(-1, 8)
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    sums = eights @ (2.0 * bits.T - 1.0)  # (users / 8, 256)
    drawn = generator.integers(0, 256, (flips, len(eights)), dtype=np.uint8)
    return sums[np.arange(len(eights)), drawn].sum(axis=1)


# Intervals of figures that are no means: made of sums over users, resampled with their users.

Figures = Callable[[FloatArray], FloatArray]


def bootstrap_of_sums(
    sums: FloatArray, figures: Figures, seed: int = 0, samples: int = SAMPLES
) -> list[Interval]:
    """One percentile interval per figure; users whose row holds a NaN are skipped and counted.

    sums: (users, columns) what each user adds. figures: from (…, columns) to (…, figures), the same
    when all columns are multiplied by one number. Below two users there is no interval.
    """
    there = ~np.isnan(sums).any(axis=1)
    users, skipped = int(there.sum()), int((~there).sum())
    kept = sums[there]
    found = np.atleast_1d(figures(kept.mean(axis=0) if users else np.full(sums.shape[1], np.nan)))
    low, high = np.full((2, len(found)), np.nan)
    if users >= 2:
        drawn = figures(resampled_means(kept, seed, samples)).reshape(samples, len(found))
        # Of each column; NaN where a figure could not be said in most samples
        tail = (100 - LEVEL) / 2
        said = (~np.isnan(drawn)).mean(axis=0) > 0.5
        bounds = np.full((2, drawn.shape[1]), np.nan)
        if said.any():
            bounds[:, said] = np.nanpercentile(drawn[:, said], [tail, 100 - tail], axis=0)
        low, high = bounds[0], bounds[1]
    return [
        Interval(float(value), float(a), float(b), users, skipped)
        for value, a, b in zip(found, low, high, strict=True)
    ]
