"""Two towers: one reads both histories of a user, the other holds the items to be found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import Array, Weights, normal_table, relu, unit
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel
from core.models.kernel.losses import both_softmaxes, contest_memory, cosines, drawn_vectors, read
from core.models.kernel.training_settings import (
    SoftmaxSettings,
    factors,
    source_loss_weight,
    weight_average,
)
from core.models.protocol import ModelCard, Network, PairSizes, State


@dataclass(frozen=True)
class TwoTowerSettings(SoftmaxSettings):
    """Sizes, loss and speed of the training."""

    factors: int = factors(64)
    hidden: int = setting(
        0,
        low=0,
        high=1024,
        help="Units of a hidden layer in the user's tower, beside the sum of the history; 0 for "
        "none: the model is then as shallow as factors.",
    )
    weight_average: float = weight_average(0.95)
    source_loss_weight: float = source_loss_weight(0.2)


class TwoTower(Network):
    """User: the vectors of both histories, summed; score: cosine with an item's own vector.

    Yi et al. 2019 (sampling-bias-corrected neural modeling), sec. 3, with the user tower of
    Covington et al. 2016, sec. 3.2 (an average of history vectors), and all items as negatives,
    or many drawn ones where the catalogue is large.
    """

    def __init__(self, settings: TwoTowerSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Four tables of vectors: items as they are read, and as they are found."""
        sizes = {"source": train.source.shape[1], "target": train.target.shape[1]}
        d, hidden = self.settings.factors, self.settings.hidden
        weights: State = {
            f"{domain}.{role}": normal_table(size, d, rng)
            for role in ("read", "found")
            for domain, size in sizes.items()
        }
        if hidden:
            # Without a bias: who has no history stays at 0 and gets no list by it
            weights["hidden.in"] = normal_table(d, hidden, rng, d**-0.5)
            weights["hidden.out"] = normal_table(hidden, d, rng, hidden**-0.5)
        return weights

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Softmax over all items of either domain."""
        users = self.users(weights, batch.source_shown, batch.target_shown, batch.users)
        return both_softmaxes(users, weights, batch, self.settings)

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Unit vectors, (n, d)."""
        history = read(source, weights["source.read"]) + read(target, weights["target.read"])
        if self.settings.hidden:
            history = history + relu(history @ weights["hidden.in"]) @ weights["hidden.out"]
        return unit(history)

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Cosines."""
        return cosines(users, weights["target.found"], items)

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Items as they are found, and users as either history draws them."""
        source, target = unit(weights["source.found"]), unit(weights["target.found"])
        return drawn_vectors(self, weights, train, source, target)


def _memory(sizes: PairSizes, settings: TwoTowerSettings) -> int:
    items = sizes.source_items + sizes.target_items
    return contest_memory(sizes, settings, 2 * items * settings.factors)


CARD = ModelCard(
    name="two_tower",
    title="Two-tower",
    family="Deep networks",
    line="One tower sums up both histories of a user, the other holds the items; close is liked. "
    "Neither has a layer of its own: it is as shallow as factors.",
    paper="Yi et al.: Sampling-bias-corrected neural modeling for large corpus item "
    "recommendations, RecSys 2019; Covington et al.: Deep neural networks for YouTube "
    "recommendations, RecSys 2016",
    differs="The user tower is a sum of item vectors without further layers; all items are "
    "negatives, or many drawn alike from a large catalogue, so popularity needs no correction.",
    when="When training by epochs is welcome and both histories should speak; also to blend with "
    "EDLAE.",
    words="The score is a cosine and not a sum. Each part is the score with the other domain's "
    "history silenced; parts are standardised per user before they are weighed.",
    settings=TwoTowerSettings,
    build=lambda settings: GradientModel(TwoTower(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    gradient=True,
)
