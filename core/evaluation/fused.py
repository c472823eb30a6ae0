"""Metrics of fused lists: what every user's list is worth at one weighting."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import USER
from core.basics.types import Candidates
from core.fusion.candidates import pick_users
from core.fusion.combine import Fusion
from core.fusion.fused import FusedLists, Prepared, fused_top_k, held_out, prepared_top_k
from core.metrics.ranking import per_user_metrics

GROUP = 5_000  # users whose padded candidates are held at once


def fused_per_user(
    candidates: Candidates, relevant: csr_matrix, fusion: Fusion, k: int
) -> pd.DataFrame:
    """USER and every ranking metric at k, a row per user of the candidates.

    relevant: (all users, n_items) what is held out. NaN for a user with nothing to find. Goes
    through the users in groups, so that many of them take bounded memory.
    """
    everybody = np.arange(len(candidates.users))
    groups = [everybody[start : start + GROUP] for start in range(0, len(everybody), GROUP)]
    frames = [
        _measured(fused_top_k(pick_users(candidates, rows), fusion, k), relevant, k)
        for rows in groups or [everybody]
    ]
    return pd.concat(frames, ignore_index=True)


def prepared_per_user(
    prepared: Prepared, relevant: csr_matrix, alpha: float, beta: float
) -> tuple[FusedLists, pd.DataFrame]:
    """The lists at one weighting and the same frame, at the k that was prepared for."""
    lists = prepared_top_k(prepared, alpha, beta, prepared.k)
    return lists, _measured(lists, relevant, prepared.k)


def _measured(lists: FusedLists, relevant: csr_matrix, k: int) -> pd.DataFrame:
    hits = held_out(lists.users, lists.items, relevant)
    n_relevant = np.diff(relevant.indptr)[lists.users]
    columns = per_user_metrics(hits, n_relevant, [k])
    return pd.DataFrame({USER: lists.users} | columns)
