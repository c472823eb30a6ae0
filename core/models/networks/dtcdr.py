"""DTCDR: either domain has vectors and a network of its own; shared users combine their two."""

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
    concatenated,
    dense,
    dense_weights,
    library,
    normal_table,
    relu,
    unit,
)
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel
from core.models.kernel.losses import contest_memory, cosine_softmax, cosines, drawn_vectors, read
from core.models.kernel.training_settings import (
    SoftmaxSettings,
    factors,
    source_loss_weight,
    weight_decay,
)
from core.models.protocol import ModelCard, Network, PairSizes, State

MAXIMUM, MEAN, CONCATENATION = "max", "mean", "concatenation"
SOURCE, TARGET = "source", "target"


@dataclass(frozen=True)
class DTCDRSettings(SoftmaxSettings):
    """Sizes, combination and speed of the training."""

    weight_decay: float = weight_decay(3e-4)
    factors: int = factors(64)
    combination: str = setting(
        CONCATENATION,
        choices=(MAXIMUM, MEAN, CONCATENATION),
        help="How the two vectors of a shared user become one.",
    )
    source_loss_weight: float = source_loss_weight(0.2)


class DTCDR(Network):
    """A user's vectors of both domains, combined, go through a network per domain.

    Zhu et al. 2019 (DTCDR), sec. 3: the combination operators of eq. 4-6, two tasks, and the
    networks of its DMF form, where a cosine compares user and item.
    """

    def __init__(self, settings: DTCDRSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Per domain: items as they are read and as they are found, and two layers for users."""
        d = self.settings.factors
        wide = 2 * d if self.settings.combination == CONCATENATION else d
        weights: State = {}
        for domain, rows in ((SOURCE, train.source), (TARGET, train.target)):
            weights[f"{domain}.read"] = normal_table(rows.shape[1], d, rng)
            weights[f"{domain}.found"] = normal_table(rows.shape[1], d, rng)
            weights |= dense_weights(f"{domain}.1", wide, d, rng)
            weights |= dense_weights(f"{domain}.2", d, d, rng)
        return weights

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Both tasks: softmax over all items of either domain."""
        both = self._combined(weights, batch.source_shown, batch.target_shown)
        target = self._task(weights, TARGET, both, batch.target_wanted, batch)
        if not (batch.source_wanted.nnz and self.settings.source_loss_weight):
            return target
        source = self._task(weights, SOURCE, both, batch.source_wanted, batch)
        return target + self.settings.source_loss_weight * source

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Unit vectors of the target's network, (n, d)."""
        return _network(weights, TARGET, self._combined(weights, source, target))

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Cosines."""
        return cosines(users, weights["target.found"], items)

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Target items, and users as either history draws them; source items live elsewhere."""
        found = unit(weights["target.found"])
        return drawn_vectors(self, weights, train, None, found)

    def _task(
        self, weights: Weights, domain: str, both: Array, wanted: csr_matrix, batch: Batch
    ) -> Array:
        users = _network(weights, domain, both)
        found = weights[f"{domain}.found"]
        return cosine_softmax(users, found, wanted, batch.rng, self.settings)

    def _combined(self, weights: Weights, source: csr_matrix, target: csr_matrix) -> Array:
        """One vector per user; whoever is known in one domain alone keeps that domain's."""
        first = read(source, weights["source.read"])
        second = read(target, weights["target.read"])
        if self.settings.combination == CONCATENATION:
            return concatenated(first, second)
        shared = (np.diff(source.indptr) > 0) & (np.diff(target.indptr) > 0)
        is_shared = as_like(shared[:, None].astype(np.float32), first)
        alone = first + second  # one of them is zeros
        if self.settings.combination == MEAN:
            return alone * (1.0 - 0.5 * is_shared)
        return is_shared * library(first).maximum(first, second) + (1.0 - is_shared) * alone


def _network(weights: Weights, domain: str, values: Array) -> Array:
    """Unit vectors, (n, d)."""
    return unit(dense(weights, f"{domain}.2", relu(dense(weights, f"{domain}.1", values))))


def _memory(sizes: PairSizes, settings: DTCDRSettings) -> int:
    items = sizes.source_items + sizes.target_items
    parameters = 2 * items * settings.factors + 6 * settings.factors**2
    return contest_memory(sizes, settings, parameters)


CARD = ModelCard(
    name="dtcdr",
    title="DTCDR",
    family="Deep networks",
    line="Each domain has a network of its own; shared users bring their vectors of both domains.",
    paper="Zhu et al.: DTCDR: A framework for dual-target cross-domain recommendation, CIKM 2019",
    differs="A user's vector in a domain is the sum over their history there instead of an id of "
    "their own; all items (many drawn ones of a large catalogue) are negatives "
    "instead of a few; item texts and ratings are not read.",
    when="When both domains should gain from each other and shared users are many.",
    words="The score is a cosine behind a network and not a sum. Each part is the score with the "
    "other domain's history silenced; parts are standardised per user before they are weighed.",
    settings=DTCDRSettings,
    build=lambda settings: GradientModel(DTCDR(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    gradient=True,
)
