"""Do groups fare alike? Groups of users by any metric, groups of items by how they are shown."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.scores import BoolArray, FloatArray, IntArray
from core.metrics.intervals import Interval
from core.metrics.resampled import bootstrap_of_sums

FEWEST = 10  # users of a group below which nothing is said of it


def columns_by_group(values: FloatArray, groups: IntArray, n_groups: int) -> FloatArray:
    """(users, n_groups, 2) what each user adds to the sum and the count of the own group.

    groups: (users,) group numbers, -1 for none. A user without a value adds nothing.
    """
    table = np.zeros((len(values), n_groups, 2))
    rows = np.flatnonzero((groups >= 0) & ~np.isnan(values))
    table[rows, groups[rows], 0] = values[rows]
    table[rows, groups[rows], 1] = 1.0
    return table


def group_means(values: FloatArray, groups: IntArray, n_groups: int) -> FloatArray:
    """(n_groups,) mean of the values in each group, NaN for groups under FEWEST users."""
    sums, counts = columns_by_group(values, groups, n_groups).sum(axis=0).T
    means = np.divide(sums, counts, out=np.full(n_groups, np.nan), where=counts > 0)
    return np.where(counts >= FEWEST, means, np.nan)


def gap_interval(values: FloatArray, groups: IntArray, best: int, worst: int) -> Interval:
    """Difference of two groups' means with its interval, users resampled."""
    table = columns_by_group(values, groups, max(best, worst) + 1)

    def difference(sums: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            here, there = (sums[..., 2 * i] / sums[..., 2 * i + 1] for i in (0, 1))
        return here - there

    return bootstrap_of_sums(table[:, [best, worst]].reshape(len(values), 4), difference)[0]


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


def shares(amounts: FloatArray) -> FloatArray:
    """The amounts as shares of their total; NaN without any."""
    total = amounts.sum()
    return amounts / total if total > 0 else np.full(len(amounts), np.nan)


def rates(got: FloatArray, possible: FloatArray) -> FloatArray:
    """got / possible per group; NaN where nothing was possible."""
    return np.divide(got, possible, out=np.full(len(got), np.nan), where=possible > 0)


def amounts_by_group(counts: FloatArray, members: csr_matrix) -> FloatArray:
    """(n_groups,) counts of items summed over each group; members: (n_items, n_groups) ones."""
    return np.asarray(members.T @ counts, dtype=np.float64)


def head_and_tail(head: BoolArray) -> csr_matrix:
    """(n_items, 2) membership in head and tail."""
    return csr_matrix(np.column_stack([head, ~head]).astype(np.float64))
