"""Collective factorization of ratings trained by Adam; users are solved from ratings when asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, hstack

from core.basics.settings import setting
from core.basics.types import FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.factors.als import solve_rows
from core.models.kernel.arrays import Array, Weights, as_array, as_like, normal_table, picked
from core.models.kernel.batches import Batch, thinned
from core.models.kernel.gradient import GradientModel, gradient_memory
from core.models.kernel.losses import drawn_vectors, entries, squared_error
from core.models.kernel.pair_network import dropout
from core.models.kernel.training_settings import (
    TrainingSettings,
    batch_size,
    factors,
    learning_rate,
    source_rating_weight,
    weight_decay,
)
from core.models.protocol import ModelCard, Network, PairSizes, State
from core.models.ratings.bias import Bias, BiasSettings
from core.models.ratings.factors import filled, with_values
from core.models.task import Task

BIAS = 1  # columns of a user vector before the factors


@dataclass(frozen=True)
class CmfRatingAdamSettings(TrainingSettings):
    """Sizes and weights of the factorization, and speed of its training."""

    factors: int = factors(16, low=1)
    source_loss_weight: float = source_rating_weight(0.3)
    regularization: float = setting(
        5.0,
        low=0.01,
        high=1000.0,
        help="Ridge on a user's bias and vector when they are solved from ratings.",
    )
    bias_regularization: float = setting(
        3.0,
        low=0.01,
        high=1000.0,
        help="Ridge on item biases: they are drawn to 0 as by so many ratings that are average.",
    )
    vector_dropout: float = setting(
        0.2, low=0.0, high=0.9, help="Share of a user vector's entries left out in each step."
    )
    interaction_dropout: float = setting(
        0.0, low=0.0, high=0.95, help="Share of the ratings left out of each epoch."
    )
    learning_rate: float = learning_rate(0.005)
    batch_size: int = batch_size(64)
    weight_decay: float = weight_decay(3e-4)


class CmfRatingAdam(Network):
    """r = m + b_i + s (b_u + q_i' p_u) in either domain, b_u and p_u shared by both.

    Singh and Gordon 2008, sec. 3, with the biases of Koren et al. 2009, eq. 4. The mean m, item
    biases b_i and the deviation s of what they leave are solved from a domain's ratings and stay.
    Trained user vectors only teach the items: whoever is asked for is solved from their ratings (a
    ridge regression), so strangers are treated like training users.
    """

    has_base = True

    def __init__(self, settings: CmfRatingAdamSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Vectors of users, bias first, and of the items of both domains; solved item biases."""
        d = self.settings.factors
        weights = {"users": normal_table(len(train.users), BIAS + d, rng)}
        weights["users"][:, :BIAS] = 0.0
        for domain, rows in (("source", train.source), ("target", train.target)):
            weights[f"{domain}.items"] = normal_table(rows.shape[1], d, rng)
            biases = Bias(BiasSettings(self.settings.bias_regularization))
            biases.fit_rows(rows)
            spread = float(biases.without_items(rows).std()) if rows.nnz else 0.0
            weights[f"fixed.{domain}.base"] = biases.base
            weights[f"fixed.{domain}.deviation"] = np.array([spread or 1.0], dtype=np.float32)
        return weights

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Mean squared error of the target's ratings, and the source's times its weight."""
        users = picked(weights["users"], batch.users)
        drop = dropout(self.settings.vector_dropout, batch.rng)
        bias, vectors = users[:, :BIAS], drop(users[:, BIAS:])
        loss = users.sum() * 0.0
        for domain, wanted, weight in (
            ("target", batch.target_wanted, 1.0),
            ("source", batch.source_wanted, self.settings.source_loss_weight),
        ):
            rated = thinned(wanted, self.settings.interaction_dropout, batch.rng)
            rows, items = entries(rated)
            if not (weight and len(rows)):
                continue
            found = picked(weights[f"{domain}.items"], items)
            guess = picked(bias, rows)[:, 0] + (picked(vectors, rows) * found).sum(-1)
            error = squared_error(guess, as_like(_left(weights, domain, rated), guess))
            loss = loss + weight * error
        return loss

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Bias and vector that explain the ratings best, (n, 1 + d); zeros without any."""
        parts, wanted = [], []
        for domain, rows, weight in (
            ("source", source, self.settings.source_loss_weight),
            ("target", target, 1.0),
        ):
            parts.append(filled(rows, weight))
            wanted.append(with_values(rows, _left(weights, domain, rows)))
        features = np.vstack([_features(weights, domain) for domain in ("source", "target")])
        ridge = np.full(source.shape[0], self.settings.regularization)
        nothing = np.zeros((features.shape[1],) * 2)
        joint = hstack(parts, format="csr")
        explained = hstack(wanted, format="csr").data
        return solve_rows(joint, features, nothing, ridge, wanted=explained)[:, 0]

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Predicted ratings, in stars and not yet clipped to the scale."""
        features, base = _features(weights, "target"), as_array(weights["fixed.target.base"])
        if items is not None:
            features, base = features[items], base[items]
        return base + weights["fixed.target.deviation"][0] * (users @ features.T)

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Items of both domains, and users as either history draws them, biases included."""
        items = (_features(weights, domain) for domain in ("source", "target"))
        return drawn_vectors(self, weights, train, *items)


def _left(weights: Weights, domain: str, rows: csr_matrix) -> FloatArray:
    """What mean and item biases leave of each rating, over the deviation, as in rows.data."""
    base = as_array(weights[f"fixed.{domain}.base"])[rows.indices]
    deviation = as_array(weights[f"fixed.{domain}.deviation"])[0]
    return ((rows.data - base) / deviation).astype(np.float32)


def _features(weights: Weights, domain: str) -> FloatArray:
    """What a user's bias and vector meet of every item, (n_items, 1 + d)."""
    items = as_array(weights[f"{domain}.items"])
    return np.hstack([np.ones((len(items), BIAS), dtype=np.float32), items])


def _memory(sizes: PairSizes, settings: CmfRatingAdamSettings) -> int:
    items = sizes.source_items + sizes.target_items
    parameters = (sizes.users + items) * (BIAS + settings.factors)
    a_user = 1 + (sizes.source_rows + sizes.target_rows) // max(sizes.users, 1)
    return gradient_memory(sizes, parameters, 4 * a_user * settings.factors, settings.batch_size)


CARD = ModelCard(
    name="cmf_rating_adam",
    title="Collective MF of ratings (Adam)",
    family="Ratings",
    line="Predicts ratings: one user vector must explain both domains, trained in small steps.",
    paper="Singh, Gordon: Relational learning via collective matrix factorization, KDD 2008; "
    "Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems, 2009",
    differs="Trained by Adam with dropout of user vectors; item biases are solved first and stay; "
    "whoever is asked for is solved from their ratings by a ridge regression, training users too.",
    when="On a GPU, or with dropout in place of ridges; the form solved by alternating regressions "
    "is quicker on a CPU and splits exactly.",
    words="The base is the mean rating and the item's bias. Each part is what the prediction gains "
    "or loses by one domain's ratings with the other silenced; both together may be more or less "
    "than their sum.",
    settings=CmfRatingAdamSettings,
    build=lambda settings: GradientModel(CmfRatingAdam(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    needs=("ratings",),
    task=Task.RATING,
    gradient=True,
    grid={"weight_decay": (1e-4, 3e-4, 1e-3), "source_loss_weight": (0.1, 0.3)},
)
