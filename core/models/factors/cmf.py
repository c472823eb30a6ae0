"""Collective matrix factorization by Adam: one trained vector per user serves both domains."""

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
    as_like,
    history_sum,
    normal_table,
    picked,
    scaled_rows,
    unit,
)
from core.models.kernel.batches import Batch, drawn_untaken, thinned
from core.models.kernel.gradient import GradientModel
from core.models.kernel.losses import (
    bpr,
    contest_memory,
    cosine_softmax,
    cross_entropy,
    drawn_vectors,
    entries,
)
from core.models.kernel.training_settings import SoftmaxSettings, factors
from core.models.protocol import ModelCard, Network, PairSizes, State

SOFTMAX, BPR, BCE = "softmax", "BPR", "cross-entropy"
SPREAD = 0.5  # sums of history vectors are divided by (length of the history)^SPREAD


@dataclass(frozen=True)
class CmfSettings(SoftmaxSettings):
    """Sizes, loss and speed of the training."""

    factors: int = factors(64)
    loss: str = setting(
        SOFTMAX,
        choices=(SOFTMAX, BPR, BCE),
        help="Each liked item against all items (softmax of cosines), against one drawn item "
        "(BPR), or each item for itself (cross-entropy).",
    )
    source_loss_weight: float = setting(
        0.2, low=0.0, high=10.0, help="What the source's loss counts beside the target's."
    )
    vector_dropout: float = setting(
        0.0, low=0.0, high=0.9, help="Share of a user's vector hidden in each step."
    )
    interaction_dropout: float = setting(
        0.0,
        low=0.0,
        high=0.95,
        help="Share of the interactions left out of the loss, drawn anew every epoch.",
    )


class Cmf(Network):
    """Singh and Gordon 2008, sec. 3: both matrices share the user factors.

    The own score of a training user is their trained vector's. Parts and strangers are drawn from
    item vectors: the sum over a history.
    """

    def __init__(self, settings: CmfSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Vectors of users and of the items of both domains."""
        d = self.settings.factors
        return {
            "users": normal_table(len(train.users), d, rng),
            "source.items": normal_table(train.source.shape[1], d, rng),
            "target.items": normal_table(train.target.shape[1], d, rng),
        }

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Loss of the target, and the source's times its weight."""
        users = self._dropped(self._shaped(picked(weights["users"], batch.users)), batch.rng)
        loss = users.sum() * 0.0
        for domain, wanted, weight in (
            ("target", batch.target_wanted, 1.0),
            ("source", batch.source_wanted, self.settings.source_loss_weight),
        ):
            if wanted.nnz and weight:
                items = weights[f"{domain}.items"]
                loss = loss + weight * self._loss(users, items, wanted, batch)
        return loss

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Trained vectors, (n, d); sums of item vectors where nobody in particular is asked."""
        if who is not None:
            return self._shaped(picked(weights["users"], who))
        return self._shaped(
            history_sum(scaled_rows(source, SPREAD), self._shaped(weights["source.items"]))
            + history_sum(scaled_rows(target, SPREAD), self._shaped(weights["target.items"]))
        )

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Products with the target items."""
        found = weights["target.items"]
        return users @ self._shaped(found if items is None else found[items]).T

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Items of both domains, and users as the sum of either history."""
        source, target = (self._shaped(weights[f"{name}.items"]) for name in ("source", "target"))
        return drawn_vectors(self, weights, train, source, target)

    def _shaped(self, vectors: Array) -> Array:
        """Directions under the softmax of cosines, vectors as they are under the other losses."""
        return unit(vectors) if self.settings.loss == SOFTMAX else vectors

    def _dropped(self, users: Array, rng: np.random.Generator) -> Array:
        share = self.settings.vector_dropout
        if not share:
            return users
        kept = (rng.random(tuple(users.shape)) >= share) / (1 - share)
        return users * as_like(kept.astype(np.float32), users)

    def _loss(self, users: Array, items: Array, taken: csr_matrix, batch: Batch) -> Array:
        wanted = thinned(taken, self.settings.interaction_dropout, batch.rng)
        if self.settings.loss == SOFTMAX:
            return cosine_softmax(users, items, wanted, batch.rng, self.settings)
        rows, liked = entries(wanted)
        if not len(rows):
            return users.sum() * 0.0
        drawn = drawn_untaken(taken, rows, batch.rng)
        asked = picked(users, rows)
        wins, losses = ((asked * picked(items, numbers)).sum(-1) for numbers in (liked, drawn))
        if self.settings.loss == BPR:
            return bpr(wins, losses)
        ones = wins.detach() * 0.0 + 1.0
        return cross_entropy(wins, ones) + cross_entropy(losses, 0.0 * ones)


def _memory(sizes: PairSizes, settings: CmfSettings) -> int:
    items = sizes.source_items + sizes.target_items
    parameters = (sizes.users + items) * settings.factors
    return contest_memory(sizes, settings, parameters)


CARD = ModelCard(
    name="cmf",
    title="Collective MF (Adam)",
    family="Factors",
    line="Vectors of users and items, where one trained user vector must fit both domains.",
    paper="Singh and Gordon: Relational learning via collective matrix factorization, KDD 2008; "
    "Rendle et al.: BPR, UAI 2009",
    differs="Trained by Adam with a softmax over all items by default; BPR and cross-entropy can "
    "be chosen. Strangers are drawn from item vectors.",
    when="To compare losses, or on a GPU; the iALS form is quicker on a CPU and folds in exactly.",
    words="The score is not a sum. Each part is the score of a user drawn from the items of one "
    "history; parts are standardised per user before they are weighed, so alpha = beta = 1 is "
    "close to the model's own list, not equal to it.",
    settings=CmfSettings,
    build=lambda settings: GradientModel(Cmf(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="approximate",
    gradient=True,
    grid={"factors": (32, 64), "source_loss_weight": (0.1, 0.2, 0.5)},
)
