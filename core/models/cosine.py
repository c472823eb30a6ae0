"""What networks share whose answer is a cosine between a user and an item."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import IntArray, Vectors
from core.data.pair import DomainPair
from core.models.arrays import Array, Weights, history_sum, picked, scaled_rows, unit
from core.models.batches import Batch
from core.models.gradient import gradient_memory
from core.models.losses import contest
from core.models.protocol import PairSizes
from core.models.training_settings import SoftmaxSettings

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
