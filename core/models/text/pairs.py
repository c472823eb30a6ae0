"""Pairs of a history and one item of it left out, for contrastive training of texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import IntArray
from core.data.pair import DomainPair
from core.models.kernel.arrays import Array, as_array, as_like, history_sum, picked
from core.models.kernel.batches import Batch
from core.models.kernel.losses import entries


@dataclass(frozen=True)
class Narrow:
    """Histories over the items that occur in them alone."""

    items: IntArray  # (n_items,) their numbers in the domain
    rows: csr_matrix  # (n_users, n_items)

    @classmethod
    def of(cls, rows: csr_matrix) -> Narrow:
        """The same histories, items that nobody here has left out."""
        items, places = np.unique(rows.indices, return_inverse=True)
        shape = rows.shape[0], len(items)
        return cls(items, csr_matrix((rows.data, places, rows.indptr), shape=shape))


def few_of(rows: csr_matrix, most: int, rng: np.random.Generator) -> csr_matrix:
    """At most so many entries of each row, drawn at random."""
    users, _ = entries(rows)
    order = np.lexsort((rng.random(rows.nnz), users))
    places = np.empty(rows.nnz, dtype=np.int64)
    places[order] = np.arange(rows.nnz) - np.repeat(rows.indptr[:-1], np.diff(rows.indptr))
    kept = places < most
    ends = np.concatenate([[0], np.cumsum(kept)])[rows.indptr]
    return csr_matrix((rows.data[kept], rows.indices[kept], ends), shape=rows.shape)


def pair_batches(
    train: DomainPair,
    rng: np.random.Generator,
    epoch: int,
    *,
    from_source: bool,
    size: int,
    most: int,
    n_pairs: int,
) -> Iterator[Batch]:
    """Users in a new order, `size` at a time, until about n_pairs items were left out once.

    most: items of a history that are read. from_source: source items alone are read and left out;
    otherwise both domains are read and target items are left out.
    """
    history = train.source if from_source else train.target
    order, drawn = rng.permutation(np.flatnonzero(np.diff(history.indptr))), 0
    for start in range(0, len(order), size):
        if drawn >= n_pairs:
            return
        users = order[start : start + size]
        source, target = (few_of(rows[users], most, rng) for rows in (train.source, train.target))
        if from_source:
            target = csr_matrix(target.shape, dtype=np.float32)
        drawn += (source if from_source else target).nnz
        yield Batch(users, source, target, source, target, rng, epoch)


def left_out(left: Narrow, alike: Array, beside: Array) -> tuple[Array, IntArray, IntArray]:
    """Scores of each history without each of its items in turn: (n_pairs, n_items), rows and items.

    alike: (n_items, n_items) what each item of a history says for each item; beside: (n_users,
    n_items) what the other domain says. Pairs with nothing left in either are dropped.
    """
    users, places = entries(left.rows)
    rest = np.diff(left.rows.indptr)[users] - 1  # items left beside each
    there = np.abs(as_array(beside)).sum(axis=1)[users] > 0
    kept = np.flatnonzero((rest > 0) | there)
    scores = history_sum(left.rows, alike) + beside
    return (
        picked(scores, users[kept]) - picked(alike, places[kept]),
        users[kept],
        places[kept],
    )


def info_nce(logits: Array, rows: csr_matrix, users: IntArray, places: IntArray) -> Array:
    """-log of the left-out item's share among the batch's items; (n_pairs, n_items) logits.

    van den Oord et al. 2018, eq. 4. What else the same user took is no wrong answer and stays out.
    """
    others = np.asarray(rows[users].todense()) > 0
    others[np.arange(len(users)), places] = False
    against = logits - as_like(1e9 * others.astype(np.float32), logits)
    return (against.logsumexp(1) - logits[np.arange(len(users)), places]).mean()


def share_in_batch(popularity: np.ndarray, n_pairs: int) -> np.ndarray:
    """Chance that an item is among those of a batch of n_pairs pairs, (n_items,) float32.

    What in-batch negatives must be corrected by: Yi et al. 2019, eq. 3.
    """
    expected = n_pairs * popularity / max(popularity.sum(), 1)
    return np.maximum(-np.expm1(-expected), 1e-9).astype(np.float32)
