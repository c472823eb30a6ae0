"""Metrics of fused lists at one weighting, from candidates alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import USER
from core.basics.scores import Candidates
from core.fusion.combine import Fusion
from core.fusion.fused import fused_top_k
from core.metrics.ranking import per_user_metrics


def fused_per_user(
    candidates: Candidates, held_out: csr_matrix, fusion: Fusion, k: int
) -> pd.DataFrame:
    """USER and every ranking metric at k, a row per user of the candidates.

    held_out: (all users, n_items), rows by user number. Raises ValueError for k > depth.
    """
    lists = fused_top_k(candidates, fusion, k)
    wanted = held_out[lists.users]
    n_items, rows = wanted.shape[1], np.arange(len(lists.users))
    wanted_keys = np.repeat(rows, np.diff(wanted.indptr)) * n_items + wanted.indices
    keys = rows[:, None] * n_items + lists.items.astype(np.int64)
    hits = np.isin(keys, wanted_keys) & (lists.items >= 0)
    metrics = per_user_metrics(hits, np.diff(wanted.indptr), (k,))
    return pd.DataFrame({USER: lists.users} | metrics)
