"""NeuMF of ratings: a product of vectors and a small network correct what biases predict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import Settings, setting
from core.basics.sorted_sets import among
from core.basics.types import FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import (
    Array,
    Weights,
    as_array,
    as_like,
    concatenated,
    dense,
    dense_weights,
    normal_table,
    picked,
)
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel, gradient_memory
from core.models.kernel.losses import entries, read, squared_error
from core.models.kernel.pair_network import (
    Drop,
    dropout,
    halved,
    over_all_items,
    tower,
    tower_weights,
    unchanged,
)
from core.models.kernel.training_settings import (
    batch_size,
    bias_ridge,
    epochs,
    factors,
    hidden,
    input_dropout,
    layers,
    learning_rate,
    max_gradient_norm,
    weight_decay,
)
from core.models.protocol import ModelCard, Network, PairSizes, State
from core.models.ratings.bias import Bias, BiasSettings
from core.models.ratings.factors import with_values
from core.models.task import Task

FIRST_LENIENCE = (1.0, 0.0, 0.0)  # a user's bias is at first what the target's ratings say of it


@dataclass(frozen=True)
class NeuMFRatingSettings(Settings):
    """Sizes and weights of the network, and speed of its training."""

    factors: int = factors(16, low=1)
    hidden: int = hidden(16)
    layers: int = layers(2)
    dropout: float = input_dropout(0.2)
    weight_decay: float = weight_decay(1e-3)
    bias_regularization: float = bias_ridge(3.0)
    interaction_dropout: float = setting(
        0.4,
        low=0.05,
        high=0.95,
        help="Share of each history's ratings hidden from the network, drawn anew every epoch: "
        "hidden target ratings are what it learns to predict.",
    )
    history_dropout: float = setting(
        0.0,
        low=0.0,
        high=0.95,
        help="Share of shared users shown by their source ratings alone, as cold users will be.",
    )
    epochs: int = epochs(60)
    patience: int = setting(
        8, low=1, high=100, help="Epochs without a smaller validation error before training ends."
    )
    learning_rate: float = learning_rate(0.001)
    batch_size: int = batch_size(64)
    max_gradient_norm: float = max_gradient_norm(1.0)


class NeuMFRating(Network):
    """r = m + b_i + c' b_u + h' (p_u * q_i) + MLP(p'_u, q'_i): He et al. 2017 (NCF), eq. 12.

    m and b_i are solved from training ratings and stay; b_u are the user's biases in both domains.
    p_u and p'_u sum up two vectors of each item in both histories: one times what biases leave of
    its rating, one for having been rated at all (as y in Koren 2008, SVD++, eq. 15). So training
    starts from the bias model and learns what that leaves open.
    """

    has_base = True

    def __init__(self, settings: NeuMFRatingSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Vectors of the product and of the network side by side, (n_items, 2 d) a table."""
        d = self.settings.factors
        widths = halved(self.settings.hidden, self.settings.layers)
        weights: State = {}
        for domain, rows in (("source", train.source), ("target", train.target)):
            biases = Bias(BiasSettings(self.settings.bias_regularization))
            biases.fit_rows(rows)
            weights[f"fixed.{domain}.items"] = biases.items
            weights[f"fixed.{domain}.mean"] = np.array([biases.mean], dtype=np.float32)
            weights[f"{domain}.read"] = normal_table(rows.shape[1], 2 * d, rng)
            weights[f"{domain}.rated"] = normal_table(rows.shape[1], 2 * d, rng)
        return weights | {
            "target.found": normal_table(train.target.shape[1], 2 * d, rng),
            "lenience": np.array(FIRST_LENIENCE, dtype=np.float32),
            "product": np.ones(d, dtype=np.float32),
            **dense_weights("user", d, widths[0], rng),
            **dense_weights("item", d, widths[0], rng),
            **tower_weights("mlp", (*widths, 1), rng),
        }

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Mean squared error of the target ratings that are hidden from the network."""
        users = self.users(weights, batch.source_shown, batch.target_shown, batch.users)
        rows, items, ratings = hidden_ratings(batch.target_shown, batch.target_wanted)
        if not len(rows):
            return users.sum() * 0.0
        drop = dropout(self.settings.dropout, batch.rng)
        of_user, of_item = picked(users, rows), picked(self._items(weights, None), items)
        d = self.settings.factors
        guess = (of_user[:, :d] * of_item[:, :d]).sum(-1) + of_user[:, -1]
        guess = guess + self._network(weights, of_user[:, d:-1], of_item[:, d:], drop)
        return squared_error(guess, as_like(ratings, guess))

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """p_u * h, what the first layer makes of p'_u, and c' b_u: (n, d + width + 1)."""
        d = self.settings.factors
        of_source, source_bias, _ = self._read(weights, "source", source)
        of_target, target_bias, unsure = self._read(weights, "target", target)
        both = of_source + of_target
        biases = np.stack([target_bias, source_bias, source_bias * unsure], axis=1)
        lenience = as_like(biases.astype(np.float32), both) @ weights["lenience"]
        network = dense(weights, "user", both[:, d:])
        return concatenated(both[:, :d] * weights["product"], network, lenience[:, None])

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Predicted ratings, in stars and not yet clipped to the scale."""
        d, found = self.settings.factors, self._items(weights, items)
        network = over_all_items(
            lambda some, beside: self._network(weights, some, beside), users[:, d:-1], found[:, d:]
        )
        return users[:, :d] @ found[:, :d].T + users[:, -1:] + network

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors | None:
        """None: no distance between a user and an item says how well they match."""
        return None

    def _read(
        self, weights: Weights, domain: str, rows: csr_matrix
    ) -> tuple[Array, FloatArray, FloatArray]:
        """p_u beside p'_u, (n, 2 d); b_u, (n,); and (n,) how unsure b_u is, from 1 to 0."""
        ridge = self.settings.bias_regularization
        biases = Bias(BiasSettings(ridge))
        biases.items = as_array(weights[f"fixed.{domain}.items"])
        biases.mean = float(as_array(weights[f"fixed.{domain}.mean"])[0])
        users, counts = biases.users(rows), np.diff(rows.indptr)
        left = biases.without_items(rows) - np.repeat(users, counts)
        read_there = read(with_values(rows, left), weights[f"{domain}.read"])
        rated = read(with_values(rows, np.ones(rows.nnz)), weights[f"{domain}.rated"])
        return read_there + rated, users, ridge / (ridge + counts)

    def _items(self, weights: Weights, items: IntArray | None) -> Array:
        """q_i, what the first layer makes of q'_i, and m + b_i: (n_items, d + width + 1)."""
        d = self.settings.factors
        found, base = weights["target.found"], weights["fixed.target.items"]
        if items is not None:
            found, base = found[items], base[items]
        base = base + weights["fixed.target.mean"]
        return concatenated(found[:, :d], dense(weights, "item", found[:, d:]), base[:, None])

    def _network(
        self, weights: Weights, users: Array, items: Array, drop: Drop = unchanged
    ) -> Array:
        """The MLP's answer and the item's base; the last column of items is that base."""
        return tower(weights, "mlp", users + items[..., :-1], drop)[..., 0] + items[..., -1]


def hidden_ratings(shown: csr_matrix, wanted: csr_matrix) -> tuple[IntArray, IntArray, FloatArray]:
    """Row, item and value of every wanted rating that is not shown; of all where none is hidden.

    A rating of 0 is one, too.
    """
    rows, items = entries(wanted)
    n_items = wanted.shape[1]
    of_shown, shown_items = entries(shown)
    cells = rows.astype(np.int64) * n_items + items
    hidden = ~among(cells, of_shown.astype(np.int64) * n_items + shown_items)
    chosen = hidden if hidden.any() else np.ones_like(hidden)
    return rows[chosen], items[chosen], wanted.data[chosen]


def _memory(sizes: PairSizes, settings: NeuMFRatingSettings) -> int:
    parameters = 2 * settings.factors * (2 * sizes.source_items + 3 * sizes.target_items)
    a_user = 1 + sizes.target_rows // max(sizes.users, 1)  # ratings of a usual user
    cells = a_user * (2 * settings.factors + 3 * settings.hidden)
    return gradient_memory(sizes, parameters, cells, settings.batch_size)


CARD = ModelCard(
    name="neumf_rating",
    title="NeuMF of ratings",
    family="Ratings",
    line="Predicts ratings: a product of vectors and a small network correct the biases.",
    paper="He et al.: Neural collaborative filtering, WWW 2017",
    differs="Trained on the squared error of ratings instead of cross-entropy; mean and item "
    "biases are solved first and stay; a user is the sum of both histories' items, as they were "
    "rated and as they were chosen, instead of an id of their own.",
    when="To see whether layers find in ratings what biases and factors leave.",
    words="The base is what is predicted for nobody: mean rating and item bias, as the network "
    "corrects them. Each part is what the prediction gains or loses by one domain's history with "
    "the other silenced; both together may be more or less than their sum.",
    settings=NeuMFRatingSettings,
    build=lambda settings: GradientModel(NeuMFRating(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    needs=("ratings",),
    task=Task.RATING,
    gradient=True,
    grid={"weight_decay": (3e-4, 1e-3, 3e-3), "interaction_dropout": (0.2, 0.4)},
)
