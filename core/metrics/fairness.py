"""Fairness to users and items: gaps between groups, unfairness of ratings, bias disparity."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, FloatArray, IntArray
from core.metrics.intervals import Interval
from core.metrics.resampled import bootstrap_of_sums

TRIES = 1_000  # random groupings that a gap is compared with
ROUNDING = 1e-12  # gaps this close are the same


def gap_interval(
    amounts: FloatArray, weights: FloatArray, groups: tuple[BoolArray, BoolArray], power: float = 1
) -> Interval:
    """Mean of the first group minus that of the second, with its interval, users resampled.

    amounts, weights: (users,) what each user adds; a mean is (amounts / weights) ** (1 / power), so
    that errors pooled over ratings have gaps too. groups: (users,) whether a user is in each. Users
    without a value add nothing.
    """
    there = ~np.isnan(amounts)
    columns = [
        np.where(there & group, part, 0.0) for group in groups for part in (amounts, weights)
    ]

    def difference(sums: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            here, other = ((sums[..., i] / sums[..., i + 1]) ** (1 / power) for i in (0, 2))
        return here - other

    kept = groups[0] | groups[1]
    return bootstrap_of_sums(np.column_stack(columns)[kept], difference)[0]


def chance_of_gap(
    amounts: FloatArray,
    weights: FloatArray,
    sizes: IntArray,
    power: float = 1,
    seed: int = 0,
    tries: int = TRIES,
) -> float:
    """How often random groups of these sizes are as far apart as the given ones: a p-value.

    amounts, weights: (users,) without missing values, as in gap_interval, the users of the first
    group first; sizes: (n_groups,) users of each. The gap is the largest mean minus the smallest,
    so that groups picked after looking are judged by what picking alone brings.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    columns = np.column_stack([amounts, weights])

    def gap(rows: FloatArray) -> float:
        sums = np.add.reduceat(rows, starts, axis=0)
        return float(np.ptp((sums[:, 0] / sums[:, 1]) ** (1 / power)))

    generator, given = np.random.default_rng(seed), gap(columns)
    as_far = sum(gap(generator.permutation(columns)) >= given - ROUNDING for _ in range(tries))
    return (as_far + 1) / (tries + 1)


def mean_absolute_difference(means: FloatArray) -> float:
    """UserMAD: mean of |m_g - m_h| over pairs of groups with a mean; NaN below two."""
    known = means[~np.isnan(means)]
    pairs = [abs(one - other) for one, other in combinations(known, 2)]
    return float(np.mean(pairs)) if pairs else float("nan")


def relative_spread(rates: FloatArray) -> float:
    """std / mean over groups, 0 for equal rates; NaN where a rate is missing or all are 0.

    RSP of recommendation rates and REO of hit rates: Zhu, Wang, Caverlee 2020.
    """
    mean = rates.mean() if len(rates) > 1 else float("nan")
    return float(rates.std() / mean) if mean > 0 else float("nan")


def rates(got: FloatArray | IntArray, possible: FloatArray | IntArray) -> FloatArray:
    """got / possible per group; NaN where nothing was possible."""
    return np.divide(got, possible, out=np.full(len(got), np.nan), where=possible > 0)


def amounts_by_group(counts: FloatArray | IntArray, members: csr_matrix) -> FloatArray:
    """(n_groups,) counts of items summed over each group; members: (n_items, n_groups) ones."""
    return np.asarray(members.T @ counts, dtype=np.float64)


def item_gains(lists: IntArray, hits: BoolArray, n_items: int) -> FloatArray:
    """(n_items,) mean of hit / log2(rank + 1) over the places each item has; NaN without any."""
    there = lists >= 0
    gains = np.where(hits, 1 / np.log2(np.arange(2, lists.shape[1] + 2)), 0.0)
    places = np.bincount(lists[there], minlength=n_items)
    return rates(np.bincount(lists[there], gains[there], minlength=n_items), places)


def item_mad(gains: FloatArray, members: csr_matrix) -> float:
    """ItemMAD: mean distance of two groups' gains, each the mean over its recommended items.

    gains: as item_gains gives them; NaN below two groups with a recommended item.
    """
    shown = (~np.isnan(gains)).astype(np.float64)
    total = amounts_by_group(np.nan_to_num(gains), members)
    return mean_absolute_difference(rates(total, amounts_by_group(shown, members)))


def head_and_tail(head: BoolArray) -> csr_matrix:
    """(n_items, 2) membership in head and tail."""
    return csr_matrix(np.column_stack([head, ~head]).astype(np.float64))
