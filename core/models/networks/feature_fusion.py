"""Feature-level fusion: what each history says is joined before a network looks at it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.factors.domain_maps import fit_domain_maps, restored_maps
from core.models.factors.feature_maps import KINDS, MapOptions
from core.models.kernel.arrays import (
    Array,
    Weights,
    as_array,
    as_like,
    concatenated,
    dense,
    dense_weights,
    normal_table,
    relu,
    sigmoid,
    unit,
)
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel, gradient_memory
from core.models.kernel.losses import cosine_softmax, cosines, drawn_vectors, read, softmax_cells
from core.models.kernel.training_settings import SoftmaxSettings, weight_decay
from core.models.protocol import ModelCard, Network, PairSizes, State

CONCATENATION, GATE = "concatenation", "gate"
LEARNED = "learned"


@dataclass(frozen=True)
class FeatureFusionSettings(SoftmaxSettings):
    """Features, how they are joined, and speed of the training."""

    weight_decay: float = weight_decay(5e-4)
    factors: int = setting(64, low=2, high=512, help="Features of a history, and of an item.")
    features: str = setting(
        LEARNED,
        choices=(LEARNED, *KINDS),
        help="Learned together with the network, or made by a feature map beforehand and kept.",
    )
    join: str = setting(
        GATE,
        choices=(CONCATENATION, GATE),
        help="Features of both domains side by side, or mixed by a learned gate per user and "
        "feature.",
    )
    hidden: int = setting(128, low=2, high=2048, help="Width of the network's hidden layer.")


class FeatureFusion(Network):
    """user = W_2 relu(W_1 join(phi_source, phi_target)); score: cosine with an item's vector.

    phi is a sum over a history that is learned along, or a fixed feature map and a linear layer
    that brings it to d features. join is [phi_source, phi_target], or the gated unit of Arevalo et
    al. 2017 (GMU), eq. 5, without its tanh: g * phi_source + (1 - g) * phi_target with
    g = sigmoid(W_g [phi_source, phi_target]).
    """

    weighs_features = True

    def __init__(self, settings: FeatureFusionSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """What phi needs, item vectors that are found, the gate and two layers."""
        d, gated = self.settings.factors, self.settings.join == GATE
        return {
            **self._first_features(train, rng),
            "target.found": normal_table(train.target.shape[1], d, rng),
            **(dense_weights("gate", 2 * d, d, rng) if gated else {}),
            **dense_weights("head.1", d if gated else 2 * d, self.settings.hidden, rng),
            **dense_weights("head.2", self.settings.hidden, d, rng),
        }

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Softmax over all target items."""
        users = self.users(weights, batch.source_shown, batch.target_shown, batch.users)
        found = weights["target.found"]
        return cosine_softmax(users, found, batch.target_wanted, batch.rng, self.settings)

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Unit vectors behind the network, (n, d)."""
        return self._behind(weights, *self._features(weights, source, target))

    def weighted_users(
        self,
        weights: Weights,
        source: csr_matrix,
        target: csr_matrix,
        alpha: FloatArray,
        beta: FloatArray,
    ) -> Array:
        """The same with alpha phi_source and beta phi_target, (n, 1) each, before the network."""
        of_source, of_target = self._features(weights, source, target)
        return self._behind(weights, alpha * of_source, beta * of_target)

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Cosines."""
        return cosines(users, weights["target.found"], items)

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Target items, and users as either history draws them; source items are only read."""
        found = unit(weights["target.found"])
        return drawn_vectors(self, weights, train, None, found)

    def _first_features(self, train: DomainPair, rng: np.random.Generator) -> State:
        d, kind = self.settings.factors, self.settings.features
        if kind == LEARNED:
            return {
                "source.read": normal_table(train.source.shape[1], d, rng),
                "target.read": normal_table(train.target.shape[1], d, rng),
            }
        maps = fit_domain_maps(kind, train, MapOptions(d), rng)
        source, target = maps.users(train.source[:1], train.target[:1])
        return {
            **maps.state(),
            **dense_weights("source.into", source.shape[1], d, rng),
            **dense_weights("target.into", target.shape[1], d, rng),
        }

    def _features(
        self, weights: Weights, source: csr_matrix, target: csr_matrix
    ) -> tuple[Array, Array]:
        """phi of both histories, (n, d) each; no gradient flows into a fixed map."""
        if self.settings.features == LEARNED:
            return read(source, weights["source.read"]), read(target, weights["target.read"])
        kept = {name: as_array(weights[name]) for name in weights if "." not in name}
        fixed = restored_maps(self.settings.features, kept).users(source, target)
        like = weights["source.into.weight"]
        first, second = (as_like(features.astype(np.float32), like) for features in fixed)
        return dense(weights, "source.into", first), dense(weights, "target.into", second)

    def _behind(self, weights: Weights, source: Array, target: Array) -> Array:
        joined = self._joined(weights, source, target)
        return unit(dense(weights, "head.2", relu(dense(weights, "head.1", joined))))

    def _joined(self, weights: Weights, source: Array, target: Array) -> Array:
        both = concatenated(source, target)
        if self.settings.join == CONCATENATION:
            return both
        gate = sigmoid(dense(weights, "gate", both))  # (n, d), 1 listens to the source alone
        return gate * source + (1.0 - gate) * target


def _memory(sizes: PairSizes, settings: FeatureFusionSettings) -> int:
    tables = (sizes.source_items + 2 * sizes.target_items) * settings.factors
    layers = 3 * settings.factors * settings.hidden + 2 * settings.factors**2
    cells = softmax_cells(sizes.target_items, sizes.target_rows, sizes.users, settings)
    return gradient_memory(sizes, tables + layers, cells, settings.batch_size)


CARD = ModelCard(
    name="feature_fusion",
    title="Feature-level fusion",
    family="Deep networks",
    line="Features of both histories are joined, side by side or by a gate, before a network.",
    paper="Arevalo et al.: Gated multimodal units for information fusion, ICLR workshop 2017",
    differs="The two modalities are the two histories, without a layer of their own before the "
    "gate; all items are negatives, or many drawn ones of a large catalogue.",
    when="When how much the source should count differs from user to user.",
    words="The score is a cosine behind a network and not a sum. Each part is the score with the "
    "other domain's features silenced; parts are standardised per user before they are weighed.",
    settings=FeatureFusionSettings,
    build=lambda settings: GradientModel(FeatureFusion(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    gradient=True,
)
