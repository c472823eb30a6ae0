"""Is a mean paired difference more than chance, how large is it, and how many were asked about."""

from __future__ import annotations

import numpy as np

from core.basics.types import FloatArray

FLIPS = 5_000  # random sign flips of a test; the smallest p-value is 1 in so many
BLOCK = 4_000_000  # signs held at once, so that many users take bounded memory
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
        return float(np.mean(np.abs(_all_sums(moved)) >= reach))
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


def _all_sums(values: FloatArray) -> FloatArray:
    """Sums of the values under every choice of signs, (2 ** n,)."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _random_sums(values: FloatArray, flips: int, generator: np.random.Generator) -> FloatArray:
    """Sums of the values under random signs, (flips,).

    Signs of eight users are one random byte, whose 256 sums are made once and looked up.
    """
    eights = np.pad(values, (0, -len(values) % 8)).reshape(-1, 8)
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    sums = eights @ (2.0 * bits.T - 1.0)  # (users / 8, 256)
    drawn = generator.integers(0, 256, (flips, len(eights)), dtype=np.uint8)
    return sums[np.arange(len(eights)), drawn].sum(axis=1)
