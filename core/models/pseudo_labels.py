"""Self-training: items that users with few interactions are taken to like as well."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import DomainScores, FloatArray, IntArray
from core.data.pair import DomainPair

FEW = 5  # target interactions from which a user needs no pseudo-labels
CELLS = 2**22  # scores held at once
MOST_ASKED = 500  # shared users who tell how sure the source alone should be


class Scorer(Protocol):
    """A model half trained: what it says, and what it says from either history alone."""

    def score(self, users: IntArray) -> DomainScores:
        """Own scores and both parts."""
        ...

    def score_own(self, users: IntArray) -> DomainScores:
        """Own scores alone."""
        ...


def pseudo_labels(train: DomainPair, model: Scorer, count: int) -> csr_matrix:
    """Up to `count` confident items of every user with fewer than FEW target interactions.

    (n_users, n_target_items) ones, none of them training items. Confident is a score that reaches
    the user's mean score of what they took. For one who took nothing it is the mean that shared
    users' items reach when their target history is silenced.
    Lee 2013 (Pseudo-Label), sec. 2, with a threshold relative to what is known.
    """
    few = np.flatnonzero(
        (train.target_history < FEW) & (train.source_history + train.target_history > 0)
    )
    rows, columns = [np.zeros(0, dtype=int)], [np.zeros(0, dtype=int)]
    from_source = _usual_from_source(train, model)
    step = max(1, CELLS // max(1, train.target.shape[1]))
    for start in range(0, len(few), step):
        users = few[start : start + step]
        scores = model.score_own(users).own_scores().copy()
        found = _confident(train.target[users], scores, count, from_source)
        rows.append(users[found[0]])
        columns.append(found[1])
    places = np.concatenate(rows), np.concatenate(columns)
    return csr_matrix((np.ones(len(places[0]), np.float32), places), shape=train.target.shape)


def _usual_from_source(train: DomainPair, model: Scorer) -> float:
    """Mean source part of the items that shared users took; infinite where nobody is shared."""
    shared = np.flatnonzero(train.shared)
    if not len(shared):
        return np.inf
    asked = shared[:: -(-len(shared) // MOST_ASKED)]
    taken = train.target[asked]
    return float(model.score(asked).source[_row_of(taken), taken.indices].mean())


def _confident(
    taken: csr_matrix, scores: FloatArray, count: int, from_source: float
) -> tuple[IntArray, IntArray]:
    """Row and column of what is taken on trust."""
    known, history = _row_of(taken), np.diff(taken.indptr)
    sums = np.bincount(known, weights=scores[known, taken.indices], minlength=len(scores))
    bar = np.where(history > 0, sums / np.maximum(history, 1), from_source)
    scores[known, taken.indices] = -np.inf
    count = min(count, scores.shape[1])
    top = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    sure = np.take_along_axis(scores, top, axis=1) >= bar[:, None]
    rows, places = np.nonzero(sure)
    return rows, top[rows, places]


def _row_of(taken: csr_matrix) -> IntArray:
    return np.repeat(np.arange(taken.shape[0]), np.diff(taken.indptr))
