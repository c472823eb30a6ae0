"""Two towers: one reads both histories of a user, the other holds the items to be found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.scores import IntArray, Vectors
from core.basics.settings import setting
from core.data.pair import DomainPair
from core.models.arrays import Array, Weights, history_sum, normal_table, scaled_rows, unit
from core.models.batches import Batch
from core.models.gradient import GradientModel, gradient_memory
from core.models.losses import full_softmax
from core.models.protocol import ModelCard, PairSizes, State
from core.models.training_settings import TrainingSettings

SPREAD = 0.5  # sums of history vectors are divided by (length of the history)^SPREAD


@dataclass(frozen=True)
class TwoTowerSettings(TrainingSettings):
    """Sizes, loss and speed of the training."""

    factors: int = setting(64, low=2, high=512, help="Length of every user and item vector.")
    temperature: float = setting(
        0.2, low=0.01, high=2.0, help="Lower looks harder at the most similar wrong items."
    )
    weight_average: float = setting(
        0.95, low=0.0, high=0.9999,
        help="Share of the running average of all weights that each step keeps; the average is "
        "asked in place of the last weights, which swing; 0 is off.",
    )  # fmt: skip
    source_loss_weight: float = setting(
        0.2, low=0.0, high=10.0, help="What finding source items counts beside target items."
    )


class TwoTower:
    """User: the vectors of both histories, summed; score: cosine with an item's own vector.

    Yi et al. 2019 (sampling-bias-corrected neural modeling), sec. 3, with the user tower of
    Covington et al. 2016, sec. 3.2 (an average of history vectors), and all items as negatives.
    """

    def __init__(self, settings: TwoTowerSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Four tables of vectors: items as they are read, and as they are found."""
        sizes = {"source": train.source.shape[1], "target": train.target.shape[1]}
        return {
            f"{domain}.{role}": normal_table(size, self.settings.factors, rng)
            for role in ("read", "found")
            for domain, size in sizes.items()
        }

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Softmax over all items of either domain."""
        users = self.users(weights, batch.source_shown, batch.target_shown, batch.users)
        target = self._softmax(users, weights["target.found"], batch.target_wanted)
        if not (batch.source_wanted.nnz and self.settings.source_loss_weight):
            return target
        source = self._softmax(users, weights["source.found"], batch.source_wanted)
        return target + self.settings.source_loss_weight * source

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Unit vectors, (n, d)."""
        return unit(
            history_sum(scaled_rows(source, SPREAD), weights["source.read"])
            + history_sum(scaled_rows(target, SPREAD), weights["target.read"])
        )

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Cosines."""
        found = weights["target.found"]
        return users @ unit(found if items is None else found[items]).T

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Items as they are found, and users as either history draws them."""
        nothing = [
            csr_matrix(rows.shape, dtype=np.float32) for rows in (train.source, train.target)
        ]
        return Vectors(
            source_items=unit(weights["source.found"]),
            target_items=unit(weights["target.found"]),
            source_users=self.users(weights, train.source, nothing[1], None),
            target_users=self.users(weights, nothing[0], train.target, None),
        )

    def _softmax(self, users: Array, items: Array, wanted: csr_matrix) -> Array:
        return full_softmax(users @ unit(items).T / self.settings.temperature, wanted)


def _memory(sizes: PairSizes, settings: TwoTowerSettings) -> int:
    items = sizes.source_items + sizes.target_items
    return gradient_memory(sizes, 2 * items * settings.factors, items, settings.batch_size)


CARD = ModelCard(
    name="two_tower",
    title="Two-tower",
    family="Deep networks",
    line="One tower sums up both histories of a user, the other holds the items; close is liked.",
    paper="Yi et al.: Sampling-bias-corrected neural modeling for large corpus item "
    "recommendations, RecSys 2019; Covington et al.: Deep neural networks for YouTube "
    "recommendations, RecSys 2016",
    differs="The user tower is a sum of item vectors without further layers; all items are "
    "negatives (full softmax), so nothing has to be corrected for sampling.",
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
