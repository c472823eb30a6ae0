"""Users in batches: what a network is shown of their histories, and what it should find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, IntArray
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


def drawn_items(batch: Batch, n_items: int, count: int) -> IntArray:
    """`count` items drawn for each user of the batch, alike for all items, (n, count)."""
    return batch.rng.integers(0, max(n_items, 1), (len(batch.users), count))


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
