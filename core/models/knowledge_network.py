"""The network of KGAT: vectors that flow along the joint graph with attention."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray, IntArray, Vectors
from core.data.knowledge import knowledge_graph
from core.data.pair import DomainPair
from core.models.arrays import (
    Array,
    Weights,
    as_array,
    as_like,
    concatenated,
    dense,
    dense_weights,
    history_sum,
    normal_table,
    picked,
    relu,
    scaled_rows,
    stacked,
)
from core.models.attention import attention, history_attention, joint_graph
from core.models.batches import Batch
from core.models.cosine import SPREAD, drawn_vectors
from core.models.losses import contest
from core.models.protocol import State
from core.models.triples import drawn_triples, translation_loss

BOTH, SUM, PLAIN = "bi-interaction", "sum", "plain"
FAINT = 0.03  # length below which a vector says little
LEAK = 0.2  # slope of the activation below 0, as in the authors' code


class KnowledgeNetwork:
    """Vectors of items and entities that flow along the joint graph with attention.

    A user is drawn from the vectors of their histories, layer by layer, and so is a stranger:
    nothing is trained for one user alone. An item nobody took has no vector of its own and is
    where its entities put it.
    """

    def __init__(self, settings: Any) -> None:
        self.settings = settings
        self._attended = 0  # the epoch whose attention is held

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Vectors of items and entities, one map and move per relation, layers to take up."""
        settings = self.settings
        self.graph = graph = joint_graph(train, knowledge_graph(train))
        self._attended = 0
        self._loud = np.maximum(graph.degrees, 1).astype(np.float32) ** -settings.damping
        of_source, of_target = self._places()
        self._histories = [
            history_table(part, self._loud[items])
            for part, items in ((train.source, of_source), (train.target, of_target))
        ]
        taken = [np.bincount(part.indices, minlength=part.shape[1]) > 0 for part in self._histories]
        self._own = np.concatenate([*taken, np.ones(graph.sizes[3], dtype=bool)])
        self._taken = [np.flatnonzero(part) for part in taken]
        relations, wide = graph.n_relations, settings.relation_factors
        weights: State = {
            "nodes": normal_table(sum(graph.sizes[1:]), settings.factors, rng),
            "relation.moves": normal_table(relations, wide, rng),
            "relation.maps": rng.normal(
                0.0, settings.factors**-0.5, (relations, settings.factors, wide)
            ).astype(np.float32),
        }
        kinds = {BOTH: ("sum", "product"), SUM: ("sum",), PLAIN: ()}[settings.aggregator]
        for layer in range(1, settings.layers + 1):
            for kind in kinds:
                sizes = settings.factors, settings.factors
                weights |= dense_weights(f"{kind}.{layer}", *sizes, rng)
        return weights

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Softmax over the items somebody took, and triples by translation."""
        settings, graph = self.settings, self.graph
        if batch.epoch != self._attended:  # once an epoch: sec. 3.4
            self._attend(weights)
            self._attended = batch.epoch
        kept = batch.rng.random(graph.n_interactions) >= settings.interaction_dropout
        hidden = batch.rng.random(len(self._own)) < settings.item_dropout
        hidden[len(hidden) - graph.sizes[3] :] = False
        shares = graph.without(self._shares, kept, 1.0 - settings.interaction_dropout)
        layers = self._layers(weights, self._own & ~hidden, graph.table(shares))
        tables = self._of_items(layers)
        asked = {**weights, **tables}
        users = self.users(asked, batch.source_shown, batch.target_shown, batch.users)
        loss = self._found(users, tables["target_items"], batch.target_wanted, 1, batch)
        if batch.source_wanted.nnz and settings.source_loss_weight:
            source = self._found(users, tables["source_items"], batch.source_wanted, 0, batch)
            loss = loss + settings.source_loss_weight * source
        if not settings.knowledge_weight:
            return loss
        triples = drawn_triples(graph, settings.triples, batch.rng)
        return loss + settings.knowledge_weight * translation_loss(weights, layers[0], triples)

    def finished(self, weights: State, epoch: int) -> State:
        """What asking needs: items after every step and at the end, relations of users, layers."""
        self._attend(weights)
        self._attended = 0
        layers = self._layers(weights, self._own, self.graph.table(self._shares))
        asked = {name: table for name, table in weights.items() if name != "nodes"}
        asked |= {name: weights[name][:2].copy() for name in ("relation.maps", "relation.moves")}
        return asked | self._of_items(layers)

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Unit vectors, (n, d (layers + 1)), from the items of the histories alone."""
        loud = as_array(weights["source.loud"]), as_array(weights["target.loud"])
        own = history_sum(history_table(source, loud[0]), weights["source.0"])
        own = own + history_sum(history_table(target, loud[1]), weights["target.0"])
        listens = history_attention(
            as_array(own),
            (source, target),
            (as_array(weights["source.0"]), as_array(weights["target.0"])),
            loud,
            as_array(weights["relation.maps"]),
            as_array(weights["relation.moves"]),
        )
        layers = [own]
        for layer in range(1, self.settings.layers + 1):
            heard = history_sum(listens[0], weights[f"source.{layer - 1}"])
            heard = heard + history_sum(listens[1], weights[f"target.{layer - 1}"])
            layers.append(self._taken_up(weights, layer, layers[-1], heard))
        return _together(layers)

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Cosines."""
        found = weights["target_items"]
        return users @ (found if items is None else found[items]).T

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Items of both domains and users drawn from either history, in one space."""
        source, target = weights["source_items"], weights["target_items"]
        return drawn_vectors(self, weights, train, source, target)

    def _attend(self, weights: Weights) -> None:
        """Who listens to whom from now on; no gradient flows through it."""
        nodes = as_array(self._first(weights, self._own))
        maps, moves = as_array(weights["relation.maps"]), as_array(weights["relation.moves"])
        self._shares = attention(self.graph, nodes, self._loud, maps, moves)

    def _first(self, weights: Weights, own: np.ndarray) -> Array:
        """Vectors of all nodes before any step, (n_nodes, d); users are drawn from their items."""
        nodes = weights["nodes"]
        nodes = nodes * as_like(own.astype(np.float32)[:, None], nodes)
        n_source, n_target = self.graph.sizes[1:3]
        users = history_sum(self._histories[0], nodes[:n_source])
        users = users + history_sum(self._histories[1], nodes[n_source : n_source + n_target])
        return stacked(users, nodes)

    def _layers(self, weights: Weights, own: np.ndarray, listens: csr_matrix) -> list[Array]:
        """Vectors of all nodes after 0, 1, … steps; own: which nodes are known by themselves."""
        layers = [self._first(weights, own)]
        for layer in range(1, self.settings.layers + 1):
            heard = history_sum(listens, layers[-1])
            layers.append(self._taken_up(weights, layer, layers[-1], heard))
        return layers

    def _taken_up(self, weights: Weights, layer: int, own: Array, heard: Array) -> Array:
        """A node with what it heard: eq. 6 (sum) or eq. 8 (bi-interaction), or what it heard."""
        if self.settings.aggregator == PLAIN:
            return heard
        mixed = _leaky(dense(weights, f"sum.{layer}", own + heard))
        if self.settings.aggregator == SUM:
            return mixed
        return mixed + _leaky(dense(weights, f"product.{layer}", own * heard))

    def _of_items(self, layers: list[Array]) -> Weights:
        """Items of both domains after every step but the last, and at the end."""
        tables: Weights = {}
        for domain, items in zip(("source", "target"), self._places(), strict=True):
            tables |= {f"{domain}.{step}": one[items] for step, one in enumerate(layers[:-1])}
            tables[f"{domain}.loud"] = self._loud[items]
            tables[f"{domain}_items"] = _together([one[items] for one in layers])
        return tables

    def _places(self) -> tuple[slice, slice]:
        """Where the items of either domain stand among the nodes."""
        ends = np.cumsum(self.graph.sizes)
        return slice(ends[0], ends[1]), slice(ends[1], ends[2])

    def _found(
        self, users: Array, items: Array, wanted: csr_matrix, domain: int, batch: Batch
    ) -> Array:
        """Loss among the items of a domain that somebody took: new ones are not pushed away."""
        taken = self._taken[domain]
        asked = contest(wanted[:, taken], self.settings.softmax_items, batch.rng)
        competing = taken if asked.items is None else taken[asked.items]
        return asked.loss(users @ picked(items, competing).T / self.settings.temperature)


def history_table(rows: csr_matrix, loud: FloatArray) -> csr_matrix:
    """What of each item is in a user before any step: (n, n_items), brought to size."""
    scaled = scaled_rows(rows, SPREAD)
    heard = scaled.data * loud[scaled.indices]
    return csr_matrix((heard, scaled.indices, scaled.indptr), shape=rows.shape)


def _leaky(values: Array) -> Array:
    return LEAK * values + (1.0 - LEAK) * relu(values)


def _together(layers: list[Array]) -> Array:
    """Every layer brought to length 1, side by side: eq. 11; at length 1 again.

    Near 0 a length is not changed much: its slope there would drown all other gradients.
    """
    return _sized(concatenated(*(_sized(layer) for layer in layers)))


def _sized(vectors: Array) -> Array:
    return vectors / ((vectors * vectors).sum(-1)[..., None] + FAINT**2) ** 0.5
