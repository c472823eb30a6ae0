"""NeuMF: a product of vectors and a small network look at a user and an item side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import (
    Array,
    Weights,
    concatenated,
    dense,
    dense_weights,
    normal_table,
    picked,
    unit,
)
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel, gradient_memory
from core.models.kernel.losses import read
from core.models.kernel.pair_network import (
    Drop,
    drawn_pairs,
    dropout,
    halved,
    over_all_items,
    tower,
    tower_weights,
    unchanged,
)
from core.models.kernel.training_settings import (
    TrainingSettings,
    batch_size,
    factors,
    hidden,
    input_dropout,
    layers,
    learning_rate,
    negatives,
    patience,
    weight_decay,
)
from core.models.protocol import ModelCard, Network, PairSizes, State

STRENGTH = 4.0  # first weights h of the product: unit vectors alone would make small scores
REACH = 2.0  # length of a user's vector before the network


@dataclass(frozen=True)
class NeuMFSettings(TrainingSettings):
    """Sizes, negatives and speed of the training."""

    learning_rate: float = learning_rate(0.003)
    weight_decay: float = weight_decay(1e-5)
    patience: int = patience(4)
    batch_size: int = batch_size(64)
    factors: int = factors(64)
    hidden: int = hidden(16)
    layers: int = layers(2)
    negatives: int = negatives(8)
    loss: str = setting(
        "cross-entropy",
        choices=("cross-entropy", "softmax"),
        help="Cross-entropy asks of each item whether it was taken; softmax which one was.",
    )
    dropout: float = input_dropout(0.0)


class NeuMF(Network):
    """score = h' [p_u * q_i, MLP(p'_u, q'_i)]: He et al. 2017 (NCF), eq. 12.

    p_u and p'_u are sums over the items of both histories at one length for all users: longer
    histories would otherwise make bolder scores, and fit worse.
    The first layer of the MLP is what it makes of the user plus what it makes of the item.
    """

    def __init__(self, settings: NeuMFSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Vectors of the product and of the network side by side, (n_items, 2 d) a table."""
        d, n_source, n_target = self.settings.factors, train.source.shape[1], train.target.shape[1]
        widths = halved(self.settings.hidden, self.settings.layers)
        return {
            "source.read": normal_table(n_source, 2 * d, rng),
            "target.read": normal_table(n_target, 2 * d, rng),
            "target.found": normal_table(n_target, 2 * d, rng),
            "target.bias": np.zeros(n_target, dtype=np.float32),
            "product": np.full(d, STRENGTH, dtype=np.float32),
            **dense_weights("user", d, widths[0], rng),
            **dense_weights("item", d, widths[0], rng),
            **tower_weights("mlp", (*widths, 1), rng),
        }

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Cross-entropy of hidden items and of drawn ones; eq. 7."""
        users = self.users(weights, batch.source_shown, batch.target_shown, batch.users)
        pairs = drawn_pairs(
            batch.target_shown, batch.target_wanted, self.settings.negatives, batch.rng
        )
        drop = dropout(self.settings.dropout, batch.rng)
        beside = picked(users, pairs.rows)[:, None]  # (n_pairs, 1, d + width)
        items = picked(self._items(weights, None), pairs.items)  # (n_pairs, 1 + negatives, …)
        d = self.settings.factors
        product = (beside[..., :d] * items[..., :d]).sum(-1)
        network = self._network(weights, beside[..., d:], items[..., d:], drop)
        return pairs.loss(product + network, self.settings.loss)

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """p_u * h and what the first layer makes of p'_u, (n, d + width)."""
        d = self.settings.factors
        both = read(source, weights["source.read"]) + read(target, weights["target.read"])
        product = unit(both[:, :d]) * weights["product"]
        return concatenated(product, dense(weights, "user", REACH * unit(both[:, d:])))

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Log-odds of liking each item."""
        d, found = self.settings.factors, self._items(weights, items)
        product = users[:, :d] @ found[:, :d].T
        return product + over_all_items(
            lambda some, beside: self._network(weights, some, beside), users[:, d:], found[:, d:]
        )

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors | None:
        """None: no distance between a user and an item says how well they match."""
        return None

    def _items(self, weights: Weights, items: IntArray | None) -> Array:
        d = self.settings.factors
        found = weights["target.found"] if items is None else weights["target.found"][items]
        bias = weights["target.bias"] if items is None else weights["target.bias"][items]
        return concatenated(found[:, :d], dense(weights, "item", found[:, d:]), bias[:, None])

    def _network(
        self, weights: Weights, users: Array, items: Array, drop: Drop = unchanged
    ) -> Array:
        """The MLP's answer and the item's bias; the last column of items is that bias."""
        first = users + items[..., :-1]
        return tower(weights, "mlp", first, drop)[..., 0] + items[..., -1]


def _memory(sizes: PairSizes, settings: NeuMFSettings) -> int:
    parameters = 2 * settings.factors * (sizes.source_items + 2 * sizes.target_items)
    a_user = 1 + sizes.target_rows // max(sizes.users, 1)  # positives of a usual user
    pairs = a_user * (1 + settings.negatives)
    return gradient_memory(
        sizes, parameters, pairs * (2 * settings.factors + 3 * settings.hidden), settings.batch_size
    )


CARD = ModelCard(
    name="neumf",
    title="NeuMF",
    family="Deep networks",
    line="A product of vectors and a small network judge a user and an item side by side.",
    paper="He et al.: Neural collaborative filtering, WWW 2017",
    differs="A user is the sum of the vectors of both histories, at one length for everybody and a "
    "part of it hidden while training, instead of an id of their own; items have a bias; a drawn "
    "item that was taken is drawn once more; nothing is pre-trained.",
    when="When taste is more than a product of vectors; slower to ask than a two-tower model.",
    words="The score is a network's answer and not a sum. Each part is the score with the other "
    "domain's history silenced; parts are standardised per user before they are weighed.",
    settings=NeuMFSettings,
    build=lambda settings: GradientModel(NeuMF(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    gradient=True,
)
