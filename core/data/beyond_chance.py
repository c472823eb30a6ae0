"""Which of many overlaps are more than chance gives: Poisson counts, few false finds."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, FloatArray, IntArray

BY_CHANCE = 0.01  # share of the found that chance may explain


def beyond_chance(common: IntArray, expected: FloatArray, tests: int) -> BoolArray:
    """(n,) whether so much in common is more than chance gives among `tests` comparisons.

    The common count is compared with a Poisson count of the expected size; the share of false
    finds is held below 1 % (Benjamini & Hochberg 1995).
    """
    from scipy.special import pdtrc

    chance = pdtrc(common - 1, expected)  # P(that many or more)
    order = np.argsort(chance, kind="stable")
    allowed = BY_CHANCE * np.arange(1, len(order) + 1) / max(1, tests)
    passed = np.flatnonzero(chance[order] <= allowed)
    kept = np.zeros(len(order), dtype=bool)
    kept[order[: passed[-1] + 1 if len(passed) else 0]] = True
    return kept


def expected_common(
    here: csr_matrix, there: csr_matrix, items: IntArray, others: IntArray
) -> FloatArray:
    """Common users of `items` and `others` if the others' users drew from here at random.

    A user with d of all rows here has drawn an item with n rows about d * n / rows times.
    """
    popularity = np.bincount(here.indices, minlength=here.shape[1])
    activity = there.T @ np.diff(here.indptr).astype(np.float64)  # rows here of an other's users
    return activity[others] * popularity[items] / max(1, here.nnz)
