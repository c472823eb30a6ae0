"""Feature maps learned by gradients: an autoencoder, BPR and a graph, on the shared kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, diags

from core.basics.settings import setting
from core.basics.types import IdMap, IntArray
from core.data.pair import DomainPair
from core.models.arrays import (
    Array,
    Weights,
    history_sum,
    normal_table,
    picked,
    relu,
    scaled_rows,
    unit,
)
from core.models.batches import Batch
from core.models.feature_maps import AUTOENCODER, BPR, LIGHTGCN, SPREAD, Reading
from core.models.gradient import GradientModel
from core.models.losses import bpr, entries, full_softmax
from core.models.protocol import State
from core.models.training_settings import TrainingSettings

EPOCHS = {AUTOENCODER: 20, BPR: 40, LIGHTGCN: 20}
LAYERS = 2  # from items to users and back, twice
TEMPERATURE = 0.2


@dataclass(frozen=True)
class ReaderSettings(TrainingSettings):
    """Which reader, and its size."""

    kind: str = setting(AUTOENCODER, choices=(AUTOENCODER, BPR, LIGHTGCN), help="The reader.")
    factors: int = setting(64, low=1, high=512, help="Length of every vector.")


class Reader:
    """One domain, users without vectors of their own: each is the sum of what they took.

    autoencoder: a layer of positive parts, softmax over all items (Liang et al. 2018, Mult-DAE,
    sec. 2); bpr: plain sums, each liked item against a drawn one (Rendle et al. 2009, with the
    user of Kabbur et al. 2013, FISM, sec. 4); lightgcn: item vectors first flow along the graph of
    the domain (He et al. 2020, eq. 3-4), then cosines and softmax.
    """

    def __init__(self, settings: ReaderSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Vectors of items as they are read and as they are found; a graph needs one table."""
        self.graph = _normalised(train.target)
        names = ("found",) if self.settings.kind == LIGHTGCN else ("read", "found")
        shape = train.target.shape[1], self.settings.factors
        return {name: normal_table(*shape, rng) for name in names}

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """BPR for pairs of items, else softmax over all of them."""
        users = self.users(weights, batch.source_shown, batch.target_shown, None)
        if self.settings.kind == BPR:
            return self._pairs(weights, users, batch)
        logits = self.scores(weights, users, None)
        scale = TEMPERATURE if self.settings.kind == LIGHTGCN else 1.0
        return full_softmax(logits / scale, batch.target_wanted)

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """phi, (n, d), as the Reading made from the weights gives it."""
        sums = history_sum(scaled_rows(target, SPREAD), self.read(weights))
        if self.settings.kind == LIGHTGCN:
            return unit(sums)
        return relu(sums) if self.settings.kind == AUTOENCODER else sums

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Products with item vectors; cosines on a graph."""
        found = self.found(weights)
        return users @ (found if items is None else found[items]).T

    def read(self, weights: Weights) -> Array:
        """What a history item adds to its user, (n_items, d)."""
        return self._flowed(weights) if self.settings.kind == LIGHTGCN else weights["read"]

    def found(self, weights: Weights) -> Array:
        """Item vectors as they are ranked, (n_items, d)."""
        if self.settings.kind == LIGHTGCN:
            return unit(self._flowed(weights))
        return weights["found"]

    def vectors(self, weights: Weights, train: DomainPair) -> None:
        """None: a map is part of a model."""

    def _flowed(self, weights: Weights) -> Array:
        """Mean over the layers, each from items to users and back."""
        layers = [weights["found"]]
        for _ in range(LAYERS):
            layers.append(history_sum(self.graph.T.tocsr(), history_sum(self.graph, layers[-1])))
        return sum(layers[1:], layers[0]) / (LAYERS + 1)

    def _pairs(self, weights: Weights, users: Array, batch: Batch) -> Array:
        rows, liked = entries(batch.target_wanted)
        others = batch.rng.integers(0, len(weights["found"]), len(rows))
        mine, found = picked(users, rows), weights["found"]
        wins, losses = (
            (mine * picked(found, items)).sum(-1) for items in (liked, others)
        )  # (pairs,)
        return bpr(wins, losses)


def fit_learned(kind: str, rows: csr_matrix, factors: int, seed: int) -> Reading:
    """A reader trained for its number of epochs on the rows of one domain, (n_users, n_items)."""
    network = Reader(ReaderSettings(kind=kind, factors=factors, epochs=EPOCHS[kind]))
    model = GradientModel(network)
    names = [IdMap(np.arange(size).astype(str).astype(object)) for size in rows.shape]
    nothing = csr_matrix((rows.shape[0], 0), dtype=np.float32)
    no_items = IdMap(np.array([], dtype=object))
    for _ in model.fit_epochs(DomainPair(names[0], no_items, names[1], nothing, rows), seed):
        pass
    size = {AUTOENCODER: "positive", LIGHTGCN: "unit"}.get(kind, "sum")
    return Reading(network.read(model.weights), network.found(model.weights), size)


def _normalised(rows: csr_matrix) -> csr_matrix:
    """D_u^-1/2 R D_i^-1/2; He et al. 2020, eq. 8."""
    left, right = (np.maximum(np.diff(part.indptr), 1.0) ** -0.5 for part in (rows, rows.tocsc()))
    return csr_matrix(diags(left) @ rows @ diags(right), dtype=np.float32)
