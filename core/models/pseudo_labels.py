"""Self-training: items that users with few interactions are taken to like as well."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.scores import DomainScores, IntArray
from core.data.pair import DomainPair

FEW = 5  # target interactions from which a user needs no pseudo-labels
CELLS = 2**22  # scores held at once


def pseudo_labels(
    train: DomainPair, score: Callable[[IntArray], DomainScores], count: int
) -> csr_matrix:
    """Up to `count` confident items of every user with fewer than FEW target interactions.

    (n_users, n_target_items) ones, none of them training items. Confident is a score that reaches
    the user's mean score of what they took, or that mean over all such users for one who took
    nothing. Lee 2013 (Pseudo-Label), sec. 2, with a threshold relative to what is known.
    """
    few = np.flatnonzero(
        (train.target_history < FEW) & (train.source_history + train.target_history > 0)
    )
    rows: list[IntArray] = []
    columns: list[IntArray] = []
    step = max(1, CELLS // max(1, train.target.shape[1]))
    for start in range(0, len(few), step):
        users = few[start : start + step]
        found = _confident(train.target[users], score(users).own_scores().copy(), count)
        rows.append(users[found[0]])
        columns.append(found[1])
    found_rows, found_items = (
        np.concatenate([np.zeros(0, int), *part]) for part in (rows, columns)
    )
    ones = np.ones(len(found_rows), dtype=np.float32)
    return csr_matrix((ones, (found_rows, found_items)), shape=train.target.shape)


def _confident(taken: csr_matrix, scores: np.ndarray, count: int) -> tuple[IntArray, IntArray]:
    """Row and column of what is taken on trust."""
    known = np.repeat(np.arange(len(scores)), np.diff(taken.indptr))
    reached = scores[known, taken.indices]
    history = np.bincount(known, minlength=len(scores))
    sums = np.bincount(known, weights=reached, minlength=len(scores))
    usual = reached.mean() if len(reached) else np.inf
    bar = np.where(history > 0, sums / np.maximum(history, 1), usual)
    scores[known, taken.indices] = -np.inf
    count = min(count, scores.shape[1])
    top = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    sure = np.take_along_axis(scores, top, axis=1) >= bar[:, None]
    rows, places = np.nonzero(sure)
    return rows, top[rows, places]
