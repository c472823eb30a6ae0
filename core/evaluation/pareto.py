"""What every ratio gives in several metrics, and which ratios no other beats in both of two."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import SHARE
from core.basics.types import BoolArray, FloatArray
from core.evaluation.fused import prepared_per_user
from core.fusion.fused import SHARES, Prepared, weights_of
from core.metrics.lists import coverage, novelty

NAMES = ("ndcg", "recall", "hit_rate", "novelty", "coverage")  # all better when higher


def ratio_metrics(
    prepared: Prepared,
    relevant: csr_matrix,
    popularity: FloatArray,
    n_known: int,
    n_rankable: int,
) -> pd.DataFrame:
    """One row per share of source evidence: SHARE and NAMES, means over users at the prepared k.

    popularity: (n_items,) users who have each item in training, of n_known. n_rankable: items that
    may be recommended to anybody.
    """
    rows = []
    for share in SHARES:
        lists, found = prepared_per_user(prepared, relevant, *weights_of(share))
        means = {name: found[f"{name}@{prepared.k}"].mean() for name in NAMES[:3]}
        means["novelty"] = np.nanmean(novelty(lists.items, popularity, n_known))
        means["coverage"] = coverage(lists.items, n_rankable)
        rows.append({SHARE: share} | means)
    return pd.DataFrame(rows)


def on_front(across: FloatArray, up: FloatArray) -> BoolArray:
    """Which points no other is at least as good as in both and better in one, (n,): Pareto."""
    as_good = (across[None, :] >= across[:, None]) & (up[None, :] >= up[:, None])
    better = (across[None, :] > across[:, None]) | (up[None, :] > up[:, None])
    return np.asarray(~(as_good & better).any(axis=1))
