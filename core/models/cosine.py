"""What networks share whose answer is a cosine between a user and an item."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.scores import IntArray, Vectors
from core.data.pair import DomainPair
from core.models.arrays import Array, Weights, history_sum, scaled_rows, unit
from core.models.losses import full_softmax

SPREAD = 0.5  # sums of history vectors are divided by (length of the history)^SPREAD


def read(rows: csr_matrix, table: Array) -> Array:
    """What a network reads of each history: the sum of its items' vectors, brought to size."""
    return history_sum(scaled_rows(rows, SPREAD), table)


def cosines(users: Array, found: Array, items: IntArray | None = None) -> Array:
    """Cosine of unit users, (n, d), with found items, (n_items, d), or with some of them."""
    return users @ unit(found if items is None else found[items]).T


def cosine_softmax(users: Array, found: Array, wanted: csr_matrix, temperature: float) -> Array:
    """Softmax loss over the cosines of unit users with all items, divided by temperature."""
    return full_softmax(cosines(users, found) / temperature, wanted)


def target_vectors(network: Any, weights: Weights, train: DomainPair) -> Vectors:
    """Target items, and users as either history alone draws them; source items live elsewhere."""
    no_source = csr_matrix(train.source.shape, dtype=np.float32)
    no_target = csr_matrix(train.target.shape, dtype=np.float32)
    return Vectors(
        source_items=None,
        target_items=unit(weights["target.found"]),
        source_users=network.users(weights, train.source, no_target, None),
        target_users=network.users(weights, no_source, train.target, None),
    )
