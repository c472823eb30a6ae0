"""Cross-domain Mult-VAE: one latent code per user, read from both histories, explains both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import (
    Array,
    Weights,
    as_like,
    dense,
    dense_weights,
    history_sum,
    library,
    normal_table,
    picked,
    scaled_rows,
    unit,
)
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel
from core.models.kernel.losses import contest, contest_memory, drawn_vectors
from core.models.kernel.training_settings import SoftmaxSettings
from core.models.protocol import ModelCard, Network, PairSizes, State

SPREAD = 0.5  # a history is divided by the square root of its length: an L2 norm of ones


@dataclass(frozen=True)
class MultVaeSettings(SoftmaxSettings):
    """Sizes, loss and speed of the training."""

    factors: int = setting(64, low=2, high=512, help="Length of the latent code.")
    hidden: int = setting(128, low=4, high=2048, help="Width of the encoder's hidden layer.")
    divergence_weight: float = setting(
        0.05,
        low=0.0,
        high=10.0,
        help="What the divergence of the code from a standard normal counts, once warmed up.",
    )
    warm_up: int = setting(
        10, low=0, high=500, help="Epochs over which that weight rises from zero."
    )
    source_loss_weight: float = setting(
        0.2, low=0.0, high=10.0, help="What explaining source items counts beside target items."
    )


class MultVae(Network):
    """Liang et al. 2018, sec. 2, with both histories in the encoder and a decoder per domain.

    The code's mean is used when the model is asked. The decoder is linear, so that its rows are
    item vectors, and compares directions: unit code, unit items, a temperature, a bias per item.
    """

    weighs_features = True

    def __init__(self, settings: MultVaeSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Encoder tables per domain, two dense layers, decoder tables with a bias per item."""
        settings, weights = self.settings, {}
        sizes = {"source": train.source.shape[1], "target": train.target.shape[1]}
        for domain, size in sizes.items():
            reach = float(np.sqrt(2.0 / (max(size, 1) + settings.hidden)))
            weights[f"{domain}.read"] = normal_table(size, settings.hidden, rng, reach)
            reach = float(np.sqrt(2.0 / (max(size, 1) + settings.factors)))
            weights[f"{domain}.found"] = normal_table(size, settings.factors, rng, reach)
            weights[f"{domain}.bias"] = np.zeros(size, dtype=np.float32)
        weights["read.bias"] = np.zeros(settings.hidden, dtype=np.float32)
        return (
            weights
            | dense_weights("mean", settings.hidden, settings.factors, rng)
            | dense_weights("deviation", settings.hidden, settings.factors, rng)
        )

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Multinomial likelihood of both histories and the divergence of the code: eq. 2 and 5."""
        hidden = self._hidden(weights, batch.source_shown, batch.target_shown)
        mean, log_variance = dense(weights, "mean", hidden), dense(weights, "deviation", hidden)
        chance = as_like(batch.rng.normal(size=tuple(mean.shape)).astype(np.float32), mean)
        code = mean + chance * library(mean).exp(0.5 * log_variance)
        divergence = 0.5 * (mean**2 + library(mean).exp(log_variance) - 1 - log_variance).sum(1)
        # The divergence's weight, rising over the warm-up: sec. 2.2.2.
        settings = self.settings
        rising = settings.divergence_weight * min(1.0, batch.epoch / max(1, settings.warm_up))
        loss = rising * divergence.mean() / self._scale(batch)
        for domain, wanted, weight in (
            ("target", batch.target_wanted, 1.0),
            ("source", batch.source_wanted, self.settings.source_loss_weight),
        ):
            if wanted.nnz and weight:
                asked = contest(wanted, self.settings.softmax_items, batch.rng)
                logits = self._found(weights, domain, code, asked.items)
                loss = loss + weight * asked.loss(logits)
        return loss

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Means of the codes, (n, d)."""
        return dense(weights, "mean", self._hidden(weights, source, target))

    def weighted_users(
        self,
        weights: Weights,
        source: csr_matrix,
        target: csr_matrix,
        alpha: FloatArray,
        beta: FloatArray,
    ) -> Array:
        """The same with what is read of each history times alpha and beta, (n, 1) each."""
        return dense(weights, "mean", self._hidden(weights, source, target, alpha, beta))

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Logits of the target items."""
        return self._found(weights, "target", users, items)

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Rows of both decoders, and the codes of either history."""
        return drawn_vectors(self, weights, train, weights["source.found"], weights["target.found"])

    def _hidden(
        self,
        weights: Weights,
        source: csr_matrix,
        target: csr_matrix,
        alpha: FloatArray | float = 1.0,
        beta: FloatArray | float = 1.0,
    ) -> Array:
        of_source = history_sum(scaled_rows(source, SPREAD), weights["source.read"])
        of_target = history_sum(scaled_rows(target, SPREAD), weights["target.read"])
        total = alpha * of_source + beta * of_target + weights["read.bias"]
        return library(total).tanh(total)

    def _found(
        self, weights: Weights, domain: str, code: Array, items: IntArray | None = None
    ) -> Array:
        table, bias = weights[f"{domain}.found"], weights[f"{domain}.bias"]
        if items is not None:
            table, bias = picked(table, items), picked(bias[:, None], items)[:, 0]
        return unit(code) @ unit(table).T / self.settings.temperature + bias

    @staticmethod
    def _scale(batch: Batch) -> float:
        """Target interactions per user: the likelihood is a mean over interactions, not users."""
        return max(1.0, batch.target_wanted.nnz / len(batch.users))


def _memory(sizes: PairSizes, settings: MultVaeSettings) -> int:
    items = sizes.source_items + sizes.target_items
    parameters = items * (settings.factors + settings.hidden + 1)
    return contest_memory(sizes, settings, parameters)


CARD = ModelCard(
    name="mult_vae",
    title="Cross-domain Mult-VAE",
    family="Deep networks",
    line="A variational autoencoder whose code is read from both histories and explains both.",
    paper="Liang et al.: Variational autoencoders for collaborative filtering, WWW 2018",
    differs="Both histories go into one encoder and one shared user code; each domain has a linear "
    "decoder of its own that works on cosines.",
    when="When uncertainty-aware regularization helps: sparse histories, many items.",
    words="The score is not a sum. Each part is the score with the other domain's history "
    "silenced; parts are standardised per user before they are weighed.",
    settings=MultVaeSettings,
    build=lambda settings: GradientModel(MultVae(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    gradient=True,
)
