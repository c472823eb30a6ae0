"""Which points a map shows where there are too many."""

from __future__ import annotations

import numpy as np

from core.basics.types import IntArray

LIMIT = 20_000  # points: what a browser can still select from with a lasso


def sample_points(
    strata: IntArray, limit: int = LIMIT, *, seed: int = 0, keep: IntArray | None = None
) -> IntArray:
    """Numbers of at most `limit` points, rising; each stratum keeps its share of the places.

    strata: (n,) group of each point. keep: numbers of points that are shown in any case.
    """
    n = len(strata)
    if n <= limit:
        return np.arange(n)
    kept = np.unique(keep) if keep is not None else np.array([], dtype=np.intp)
    order = np.random.default_rng(seed).permutation(n)
    order = order[~np.isin(order, kept)]
    order = order[np.argsort(strata[order], kind="stable")]  # strata side by side, shuffled inside
    free = max(0, limit - len(kept))
    places = np.linspace(0, len(order), free, endpoint=False).astype(np.intp)  # evenly spread
    return np.sort(np.concatenate([kept, order[places]]))
