"""Users in batches: what a network is shown of their histories, and what it should find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, DomainScores, FloatArray, IntArray
from core.data.pair import DomainPair


@dataclass(frozen=True)
class Batch:
    """Some users of one step.

    shown: histories, (n, n_items of the domain), of which a part may be hidden; wanted: what the
    loss asks for, whole histories and pseudo-labels.
    """

    users: IntArray  # (n,) user numbers
    source_shown: csr_matrix
    target_shown: csr_matrix
    source_wanted: csr_matrix
    target_wanted: csr_matrix
    rng: np.random.Generator
    epoch: int


def user_batches(
    train: DomainPair,
    pseudo: csr_matrix | None,
    rng: np.random.Generator,
    epoch: int,
    *,
    size: int,
    interaction_dropout: float,
    history_dropout: float,
) -> Iterator[Batch]:
    """Every user with any interaction once, in a new order, `size` at a time.

    interaction_dropout: share of the shown interactions that is hidden, drawn anew each time;
    history_dropout: share of the users with both histories who are shown the source alone, as a
    cold-start user will be (Volkovs et al. 2017, DropoutNet, sec. 4.1). pseudo: more wanted target
    items, (n_users, n_target_items).
    """
    known = np.flatnonzero(train.source_history + train.target_history)
    wanted = train.target if pseudo is None else (train.target + pseudo).tocsr()
    silenced = train.shared & (rng.random(len(train.users)) < history_dropout)
    order = rng.permutation(known)
    for start in range(0, len(order), size):
        users = order[start : start + size]
        source, target = train.source[users], train.target[users]
        yield Batch(
            users,
            thinned(source, interaction_dropout, rng),
            _silenced(thinned(target, interaction_dropout, rng), silenced[users]),
            source,
            wanted[users],
            rng,
            epoch,
        )


def drawn_untaken(taken: csr_matrix, rows: IntArray, rng: np.random.Generator) -> IntArray:
    """An item for each of `rows`, (n,), drawn alike from those that row of `taken` has not.

    Without a second try: the r-th of the items not taken is r plus how many taken ones lie below
    it. Whoever took all gets the last item.
    """
    n_items, lengths = taken.shape[1], np.diff(taken.indptr)
    places = np.arange(taken.nnz) - np.repeat(taken.indptr[:-1], lengths)
    row_of = _row_of(taken).astype(np.int64) * (n_items + 1)
    untaken_below = np.sort(row_of + taken.indices) - places  # sorted within each row, too
    drawn = rng.integers(0, np.maximum(n_items - lengths[rows], 1))
    keys = rows.astype(np.int64) * (n_items + 1) + drawn
    below = np.searchsorted(untaken_below, keys, side="right") - taken.indptr[rows]
    return np.minimum(drawn + below, n_items - 1)


def thinned(rows: csr_matrix, share: float, rng: np.random.Generator) -> csr_matrix:
    """Rows without a random share of their entries: interaction dropout."""
    if share <= 0 or rows.nnz == 0:
        return rows
    return _kept(rows, rng.random(rows.nnz) >= share)


def _kept(rows: csr_matrix, kept: BoolArray) -> csr_matrix:
    ends = np.concatenate([[0], np.cumsum(kept)])[rows.indptr]
    return csr_matrix((rows.data[kept], rows.indices[kept], ends), shape=rows.shape)


def _silenced(rows: csr_matrix, users: BoolArray) -> csr_matrix:
    if not users.any():
        return rows
    return _kept(rows, ~np.repeat(users, np.diff(rows.indptr)))


def leave_one_out(row: csr_matrix) -> csr_matrix:
    """The row without each of its entries in turn, then whole: (n_entries + 1, n_items)."""
    n = len(row.indices)
    kept = ~np.eye(n + 1, n, dtype=bool)
    columns = np.broadcast_to(row.indices, (n + 1, n))[kept]
    data = np.broadcast_to(row.data, (n + 1, n))[kept]
    ends = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return csr_matrix((data, columns, ends), shape=(n + 1, row.shape[1]), dtype=np.float32)


# Self-training: items that users with few interactions are taken to like as well.

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
