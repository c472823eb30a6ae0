"""Networks that look at a user and an item together: pairs to learn from, layers, all items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import IntArray
from core.models.kernel.arrays import Array, Weights, as_like, dense, dense_weights, relu
from core.models.kernel.losses import cross_entropy, entries, sampled_softmax
from core.models.protocol import State

Drop = Callable[[Array], Array]
CELLS = 2**20  # floats of one layer held at once: more leave the cache and take longer


def unchanged(values: Array) -> Array:
    """What it is given: no dropout."""
    return values


@dataclass(frozen=True)
class Pairs:
    """Users to learn from, each beside items of which the first was taken."""

    rows: IntArray  # (n_pairs,) rows of the batch
    items: IntArray  # (n_pairs, 1 + negatives)

    def loss(self, logits: Array, kind: str) -> Array:
        """Loss of (n_pairs, 1 + negatives) logits: "cross-entropy" or "softmax".

        Binary cross-entropy of every item, He et al. 2017 (NCF), eq. 7; or the taken item's share
        among those of its row.
        """
        if not len(self.rows):
            return logits.sum() * 0.0
        if kind == "softmax":
            return sampled_softmax(logits[:, 0], logits[:, 1:])
        labels = np.zeros(self.items.shape, dtype=np.float32)
        labels[:, 0] = 1.0
        return cross_entropy(logits, as_like(labels, logits))


def drawn_pairs(
    shown: csr_matrix,
    wanted: csr_matrix,
    negatives: int,
    rng: np.random.Generator,
    among: IntArray | None = None,
) -> Pairs:
    """Every wanted item that is not shown, and `negatives` items drawn for it from all others.

    A network that is shown what it is asked for would learn to copy. Where nothing is hidden,
    everything wanted is asked for. A drawn item that the user took is drawn once more, so that
    few taken items stand among the negatives. among: numbers of the items to draw from, None for
    all.
    """
    hidden = (wanted - shown).tocsr()
    hidden.eliminate_zeros()
    rows, items = entries(hidden if hidden.nnz else wanted)
    if not len(rows):
        return Pairs(rows, np.zeros((0, 1 + negatives), dtype=np.int64))
    n_items = wanted.shape[1] if among is None else len(among)
    numbers = np.arange(n_items) if among is None else among
    drawn = numbers[rng.integers(0, max(n_items, 1), (len(rows), negatives))]
    taken = wanted[np.repeat(rows, negatives), drawn.ravel()].A1.reshape(drawn.shape) > 0
    drawn[taken] = numbers[rng.integers(0, max(n_items, 1), int(taken.sum()))]
    return Pairs(rows, np.concatenate([items[:, None], drawn], axis=1))


def tower_weights(name: str, widths: tuple[int, ...], rng: np.random.Generator) -> State:
    """First weights of dense layers name.1, name.2, … between layers of these widths."""
    weights: State = {}
    for layer, (wide, narrow) in enumerate(pairwise(widths), start=1):
        weights |= dense_weights(f"{name}.{layer}", wide, narrow, rng)
    return weights


def tower(weights: Weights, name: str, values: Array, drop: Drop = unchanged) -> Array:
    """Through relu, drop and the next layer, as many times as there are layers."""
    layer = 1
    while f"{name}.{layer}.weight" in weights:
        values = dense(weights, f"{name}.{layer}", drop(relu(values)))
        layer += 1
    return values


def dropout(share: float, rng: np.random.Generator) -> Drop:
    """Sets a random share of what it is given to 0 and raises the rest to the same sum.

    Srivastava et al. 2014, sec. 10, scaled while training.
    """

    def drop(values: Array) -> Array:
        kept = rng.random(tuple(values.shape), dtype=np.float32) >= share
        return values * as_like(kept.astype(np.float32) / np.float32(1.0 - share), values)

    return drop if share > 0 else unchanged


def halved(width: int, layers: int) -> tuple[int, ...]:
    """Widths of a tower, each half of the one below; He et al. 2017, sec. 3.3."""
    return tuple(max(1, width // 2**layer) for layer in range(layers))


def over_all_items(head: Callable[[Array, Array], Array], users: Array, items: Array) -> Array:
    """head for every user beside every item, (n_users, n_items).

    users: (n_users, d), items: (n_items, e); the head is given (some users, 1, d) and
    (1, n_items, e) and answers (some users, n_items).
    """
    step = max(1, CELLS // max(1, items.size))
    scores = np.empty((len(users), len(items)), dtype=np.float32)
    for start in range(0, len(users), step):
        some = slice(start, start + step)
        scores[some] = head(users[some, None], items[None])
    return scores
