"""Bias disparity: do lists prefer a category more than the users they are for did?

Tsintzou, Pitoura, Tsaparas 2018 (arXiv 1811.01461).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray


def taken_sums(items: csr_matrix, members: csr_matrix) -> FloatArray:
    """(users, n_categories + 1) items each user has in every category, and in all together.

    items: (users, n_items) ones; members: (n_items, n_categories) ones.
    """
    within = np.asarray((items @ members).todense(), dtype=np.float64)
    return np.column_stack([within, np.diff(items.indptr)])


def bias(sums: FloatArray, shares: FloatArray) -> FloatArray:
    """(…, n_categories) preference for each category over its share of the catalogue: BS or BR.

    sums: (…, n_categories + 1) of a group's users; shares: (n_categories,). 1 is the share that
    choosing blindly gives; NaN without any items.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., :-1] / sums[..., -1:] / shares)


def disparity(sums: FloatArray) -> FloatArray:
    """(…, n_categories) BD = (BR - BS) / BS; NaN where the group took none of a category.

    sums: (…, 2 (n_categories + 1)) of histories, then of lists; shares of the catalogue cancel.
    """
    taken, listed = np.split(sums, 2, axis=-1)
    ones = np.ones(taken.shape[-1] - 1)
    source = bias(taken, ones)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (bias(listed, ones) - source) / source
    return np.where(np.isfinite(found), found, np.nan)
