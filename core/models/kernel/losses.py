"""Losses of models trained by gradients; all answer the mean over what was wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import (
    Array,
    Weights,
    as_like,
    history_sum,
    picked,
    scaled_rows,
    unit,
)
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import gradient_memory
from core.models.kernel.training_settings import SoftmaxSettings
from core.models.protocol import PairSizes


def entries(wanted: csr_matrix) -> tuple[IntArray, IntArray]:
    """Row and column of every entry, (n_entries,) each."""
    return np.repeat(np.arange(wanted.shape[0]), np.diff(wanted.indptr)), wanted.indices


@dataclass(frozen=True)
class Contest:
    """Items that compete in a softmax: all, or the wanted ones and drawn ones for the rest."""

    items: IntArray | None  # their numbers; None is all
    wanted: csr_matrix  # (n_users, n_competing)
    stands_for: FloatArray | None  # (n_competing,) log of how many items each stands for

    def loss(self, logits: Array) -> Array:
        """Softmax loss of the competing items' logits, (n_users, n_competing)."""
        if self.stands_for is None:
            return full_softmax(logits, self.wanted)
        return full_softmax(logits, self.wanted, as_like(self.stands_for, logits))


def contest(wanted: csr_matrix, n_drawn: int, rng: np.random.Generator) -> Contest:
    """All items of a catalogue of up to 2 n_drawn items; else those wanted by any, and n_drawn.

    Items are drawn alike from those nobody in the batch wants, so that the sum over them, times
    (how many there are / n_drawn), expects the whole: importance sampling, Bengio and Senecal 2008,
    sec. III; with one sample for a whole batch, Jean et al. 2015, sec. 3.
    """
    n_items = wanted.shape[1]
    if n_items <= 2 * n_drawn:
        return Contest(None, wanted, None)
    liked, places = np.unique(wanted.indices, return_inverse=True)
    others = np.setdiff1d(np.arange(n_items), liked, assume_unique=True)
    drawn = others if len(others) <= n_drawn else rng.choice(others, n_drawn, replace=False)
    items = np.concatenate([liked, drawn])
    each = np.zeros(len(items), dtype=np.float32)
    each[len(liked) :] = np.log(len(others) / max(len(drawn), 1))
    narrow = csr_matrix((wanted.data, places, wanted.indptr), shape=(wanted.shape[0], len(items)))
    return Contest(items, narrow, each)


def full_softmax(logits: Array, wanted: csr_matrix, stands_for: Array | None = None) -> Array:
    """-log of the share of each wanted item among all items; (users, items) logits.

    The multinomial likelihood of Liang et al. 2018 (Mult-VAE), eq. 2. stands_for: (items,) log of
    how many items each one counts for; 0 for every wanted one.
    """
    rows, columns = entries(wanted)
    if not len(rows):
        return logits.sum() * 0.0
    whole = (logits if stands_for is None else logits + stands_for).logsumexp(1)  # (users,)
    counts = as_like(np.diff(wanted.indptr).astype(np.float32), logits)
    return ((counts * whole).sum() - logits[rows, columns].sum()) / len(rows)


def sampled_softmax(wins: Array, rest: Array) -> Array:
    """-log of the wanted item's share among it and the drawn ones; (n,) and (n, drawn) logits.

    Wu et al. 2022 (On the effectiveness of sampled softmax loss), eq. 5.
    """
    import torch

    return (torch.logsumexp(torch.cat([wins[:, None], rest], dim=1), dim=1) - wins).mean()


def bpr(wins: Array, losses: Array) -> Array:
    """-log sigmoid of the lead over a drawn item; BPR-Opt: Rendle et al. 2009, sec. 4.1."""
    import torch

    return -torch.nn.functional.logsigmoid(wins - losses).mean()


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Binary cross-entropy of labels 0 and 1; He et al. 2017 (NCF), eq. 7."""
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)


def squared_error(predicted: Array, labels: Array) -> Array:
    """Mean squared error."""
    return ((predicted - labels) ** 2).mean()


# What networks share whose answer is a cosine between a user and an item.

SPREAD = 0.5  # sums of history vectors are divided by (length of the history)^SPREAD


def read(rows: csr_matrix, table: Array) -> Array:
    """What a network reads of each history: the sum of its items' vectors, brought to size."""
    return history_sum(scaled_rows(rows, SPREAD), table)


def cosines(users: Array, found: Array, items: IntArray | None = None) -> Array:
    """Cosine of unit users, (n, d), with found items, (n_items, d), or with some of them."""
    return users @ unit(found if items is None else picked(found, items)).T


def cosine_softmax(
    users: Array,
    found: Array,
    wanted: csr_matrix,
    rng: np.random.Generator,
    settings: SoftmaxSettings,
) -> Array:
    """Softmax loss of unit users' cosines, divided by temperature; large catalogues are sampled."""
    asked = contest(wanted, settings.softmax_items, rng)
    return asked.loss(cosines(users, found, asked.items) / settings.temperature)


def both_softmaxes(
    users: Array, weights: Weights, batch: Batch, settings: Any, prefix: str = ""
) -> Array:
    """Softmax loss of the wanted target items, and of the source items times source_loss_weight."""
    found = weights[prefix + "target.found"]
    target = cosine_softmax(users, found, batch.target_wanted, batch.rng, settings)
    if not (batch.source_wanted.nnz and settings.source_loss_weight):
        return target
    found = weights[prefix + "source.found"]
    source = cosine_softmax(users, found, batch.source_wanted, batch.rng, settings)
    return target + settings.source_loss_weight * source


def softmax_cells(n_items: int, rows: int, users: int, settings: SoftmaxSettings) -> int:
    """Items that compete for each user of a batch at most; rows: interactions of that domain."""
    if n_items <= 2 * settings.softmax_items:
        return n_items
    wanted = settings.batch_size * -(-rows // max(users, 1))
    return min(n_items, settings.softmax_items + wanted)


def both_cells(sizes: PairSizes, settings: SoftmaxSettings) -> int:
    """The same for both domains together."""
    source = softmax_cells(sizes.source_items, sizes.source_rows, sizes.users, settings)
    return source + softmax_cells(sizes.target_items, sizes.target_rows, sizes.users, settings)


def contest_memory(sizes: PairSizes, settings: SoftmaxSettings, parameters: int) -> int:
    """Bytes at the peak of a fit whose items of both domains compete."""
    return gradient_memory(sizes, parameters, both_cells(sizes, settings), settings.batch_size)


def drawn_vectors(
    network: Any,
    weights: Weights,
    train: DomainPair,
    source_items: Array | None,
    target_items: Array,
) -> Vectors:
    """Items as they are given, and users as either history alone draws them."""
    no_source = csr_matrix(train.source.shape, dtype=np.float32)
    no_target = csr_matrix(train.target.shape, dtype=np.float32)
    return Vectors(
        source_items=source_items,
        target_items=target_items,
        source_users=network.users(weights, train.source, no_target, None),
        target_users=network.users(weights, no_source, train.target, None),
    )
