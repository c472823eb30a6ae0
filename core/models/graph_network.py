"""Networks whose vectors flow along a graph of users and items: LightGCN and BiTGCF."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import Contributions, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.arrays import (
    Array,
    Weights,
    as_like,
    concatenated,
    graph_product,
    normal_table,
    picked,
    unit,
)
from core.models.batches import Batch
from core.models.cosine import both_cells, cosine_softmax
from core.models.gradient import TORCH
from core.models.losses import bpr, cross_entropy, entries, sampled_softmax
from core.models.propagation import Graph
from core.models.protocol import PairSizes, State
from core.models.training_settings import SoftmaxSettings

SOFTMAX, SAMPLED, BPR, BCE = "softmax", "sampled softmax", "BPR", "cross-entropy"
MEAN, CONCATENATED = "mean", "side by side"


@dataclass(frozen=True)
class GraphSettings(SoftmaxSettings):
    """Sizes, loss and speed of the training."""

    factors: int = setting(64, low=2, high=512, help="Length of every user and item vector.")
    layers: int = setting(2, low=1, high=6, help="How many steps taste flows along the graph.")
    combination: str = setting(
        MEAN,
        choices=(MEAN, CONCATENATED),
        help="How the vectors after each step become one: averaged, or longer by each.",
    )
    loss: str = setting(
        SOFTMAX,
        choices=(SOFTMAX, SAMPLED, BPR, BCE),
        help="Each liked item against all items (softmax), against drawn ones (sampled softmax), "
        "or against one (BPR, cross-entropy).",
    )
    negatives: int = setting(
        512, low=1, high=20_000, help="Sampled softmax only: items drawn for each batch."
    )
    source_loss_weight: float = setting(
        0.2, low=0.0, high=10.0, help="What finding source items counts beside target items."
    )
    regularization: float = setting(
        0.0, low=0.0, high=10.0, help="Penalty on the squared length of the vectors of a batch."
    )


# What a user drawn from histories takes from either: lengths of the histories -> two weights.
Mix = Callable[[IntArray, IntArray], tuple[FloatArray, FloatArray]]


class GraphNetwork:
    """Vectors of nodes, and what they are after each step along the graph.

    The own score of a training user is their trained vector's. Parts and fold-in draw the user from
    item vectors alone: the layers 0 to L-1 of the items of a history, which is all of the trained
    vector but the user's own layer 0.
    """

    graph: Graph

    def __init__(
        self, settings: Any, wire: Callable[[DomainPair, Any], Graph], mix: Callable[[Any], Mix]
    ) -> None:
        self.settings, self._wire, self._mix = settings, wire, mix(settings)

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """A vector per node; zeros for a user without any edge, whom nothing could train."""
        self.graph = self._wire(train, self.settings)
        nodes = normal_table(len(self.graph.degrees), self.settings.factors, rng)
        users = np.arange(len(nodes)) < self.graph.source_side.items.start
        nodes[users & (self.graph.degrees == 0)] = 0.0
        return {"nodes": nodes}

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Loss of either domain's wanted items; a share of all edges is hidden from the graph."""
        settings, graph = self.settings, self.graph
        final = self._combined(self._layers(weights["nodes"], self._thinned(batch)))
        target = self._found(weights, final, batch, batch.target_wanted, graph.target_side)
        if not (batch.source_wanted.nnz and settings.source_loss_weight):
            return target
        source = self._found(weights, final, batch, batch.source_wanted, graph.source_side)
        return target + settings.source_loss_weight * source

    def finished(self, weights: State, epoch: int) -> State:
        """Final vectors of users and items, and what an item adds to a user who took it."""
        layers = self._layers(weights["nodes"], self.graph.adjacency)
        final = self._combined(layers)
        if self._is_cosine:
            final = unit(final)
        # One layer further the items' layers 0..L-1 reach the user as 1..L: He et al. 2020, eq. 3.
        below = self._combined([np.zeros_like(layers[0]), *layers[:-1]])
        passed_on = below / np.sqrt(np.maximum(self.graph.degrees, 1))[:, None]
        source, target = self.graph.source_side, self.graph.target_side
        return {
            "users": final[target.users],
            "source_items": final[source.items],
            "target_items": final[target.items],
            "source_history": passed_on[source.items],
            "target_history": passed_on[target.items],
        }

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Trained vectors, (n, d), or vectors drawn from the histories of strangers."""
        if who is not None:
            return weights["users"][who]
        from_source, from_target = self._mix(np.diff(source.indptr), np.diff(target.indptr))
        drawn = from_source[:, None] * (source @ weights["source_history"])
        drawn = drawn + from_target[:, None] * (target @ weights["target_history"])
        return unit(drawn) if self._is_cosine else drawn

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Products of vectors: cosines under either softmax."""
        found = weights["target_items"]
        return users @ (found if items is None else found[items]).T

    def explain(
        self, weights: State, source_row: csr_matrix, target_row: csr_matrix, item: int
    ) -> Contributions:
        """What each history item adds to its part: its share of the drawn user's vector."""
        amounts = []
        for row, history, is_source in (
            (source_row, weights["source_history"], True),
            (target_row, weights["target_history"], False),
        ):
            nothing = csr_matrix((target_row if is_source else source_row).shape, dtype=np.float32)
            drawn = self.users(weights, *((row, nothing) if is_source else (nothing, row)), None)[0]
            whole = (row @ history)[0]  # (d,), the drawn vector but for its length
            size = (drawn @ whole) / max(float(whole @ whole), 1e-12)
            amounts.append(size * (history[row.indices] @ weights["target_items"][item]))
        return Contributions(source_row.indices, amounts[0], target_row.indices, amounts[1])

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Items of both domains and users drawn from either history, in one space."""
        nothing = [
            csr_matrix(part.shape, dtype=np.float32) for part in (train.source, train.target)
        ]
        return Vectors(
            source_items=weights["source_items"],
            target_items=weights["target_items"],
            source_users=self.users(weights, train.source, nothing[1], None),
            target_users=self.users(weights, nothing[0], train.target, None),
        )

    @property
    def _is_cosine(self) -> bool:
        return self.settings.loss in (SOFTMAX, SAMPLED)

    def _layers(self, nodes: Array, adjacency: csr_matrix) -> list[Array]:
        """Vectors of all nodes after 0, 1, … steps, (n_nodes, d) each."""
        layers = [nodes]
        for _ in range(self.settings.layers):
            layers.append(self.graph.transfer(graph_product(adjacency, layers[-1])))
        return layers

    def _combined(self, layers: list[Array]) -> Array:
        if self.settings.combination == CONCATENATED:
            return concatenated(*layers)
        return sum(layers[1:], layers[0]) / len(layers)  # He et al. 2020, eq. 4

    def _thinned(self, batch: Batch) -> csr_matrix:
        """The graph without a random share of its edges, and of users shown the source alone."""
        kept = batch.rng.random(self.graph.n_edges) >= self.settings.interaction_dropout
        if self.settings.history_dropout:
            emptied = np.diff(batch.target_shown.indptr) == 0
            kept &= ~np.isin(self.graph.target_edge_users, batch.users[emptied])
        return self.graph.with_edges(kept / max(1.0 - self.settings.interaction_dropout, 0.05))

    def _found(
        self, weights: Weights, final: Array, batch: Batch, wanted: csr_matrix, side: Any
    ) -> Array:
        """Loss of one domain's wanted items, as one side of the graph sees users and items."""
        users, items = picked(final, side.users.start + batch.users), final[side.items]
        if self._is_cosine:
            users, items = unit(users), unit(items)
        loss = self._loss_of(users, items, wanted, batch.rng)
        if not self.settings.regularization:
            return loss
        own = picked(weights["nodes"], side.users.start + batch.users)
        return loss + self.settings.regularization * (own * own).sum(-1).mean()

    def _loss_of(
        self, users: Array, items: Array, wanted: csr_matrix, rng: np.random.Generator
    ) -> Array:
        settings = self.settings
        if settings.loss == SOFTMAX:
            return cosine_softmax(users, items, wanted, rng, settings)
        rows, liked = entries(wanted)
        if not len(rows):
            return users.sum() * 0.0
        takers = picked(users, rows)  # (entries, d)
        wins = (takers * picked(items, liked)).sum(-1)
        if settings.loss == SAMPLED:
            drawn = rng.integers(0, len(items), settings.negatives)  # the same for all entries
            rest = takers @ picked(items, drawn).T
            return sampled_softmax(wins / settings.temperature, rest / settings.temperature)
        losses = (takers * picked(items, rng.integers(0, len(items), len(rows)))).sum(-1)
        if settings.loss == BPR:
            return bpr(wins, losses)
        labels = as_like(np.repeat([1.0, 0.0], len(rows)).astype(np.float32), wins)
        return cross_entropy(concatenated(wins, losses), labels)


def graph_memory(sizes: PairSizes, settings: GraphSettings, user_views: int) -> int:
    """Bytes at the peak of a fit: vectors with Adam's moments and layers, the graph, one batch."""
    items = sizes.source_items + sizes.target_items
    nodes = user_views * sizes.users + items
    vectors = 4 * nodes * settings.factors * (8 + 4 * settings.layers)
    edges = 4 * 8 * 4 * (sizes.source_rows + sizes.target_rows)
    per_user = both_cells(sizes, settings) if settings.loss == SOFTMAX else 40 * settings.negatives
    return TORCH + vectors + edges + 3 * 4 * settings.batch_size * per_user
