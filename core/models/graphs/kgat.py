"""KGAT: attention over a graph of interactions and knowledge."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from core.basics.settings import setting
from core.basics.types import BoolArray, FloatArray, IntArray, Vectors
from core.data.knowledge import KnowledgeGraph, knowledge_graph
from core.data.pair import DomainPair
from core.models.kernel.arrays import (
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
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import TORCH, GradientModel
from core.models.kernel.losses import SPREAD, both_cells, bpr, contest, drawn_vectors
from core.models.kernel.training_settings import SoftmaxSettings, epochs, source_loss_weight
from core.models.protocol import ATTRIBUTES, ModelCard, Network, PairSizes, State

# The network of KGAT: vectors that flow along the joint graph with attention.

BOTH, SUM, PLAIN = "bi-interaction", "sum", "plain"
FAINT = 0.03  # length below which a vector says little
LEAK = 0.2  # slope of the activation below 0, as in the authors' code


class KnowledgeNetwork(Network):
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


@dataclass(frozen=True)
class KgatSettings(SoftmaxSettings):
    """Sizes, losses and speed of the training."""

    factors: int = setting(64, low=2, high=512, help="Length of every item and entity vector.")
    relation_factors: int = setting(
        32, low=2, high=512, help="Length of the vectors in which a relation compares two nodes."
    )
    epochs: int = epochs(60)
    layers: int = setting(
        2,  # a user hears items in the first step, and what items hold in the second
        low=1,
        high=4,
        help="How many steps taste flows along the graph; two lead from a source item "
        "over what it shares to a target item. One step hears nothing of attributes; where only "
        "triples between entities join the domains, take four plain ones.",
    )
    aggregator: str = setting(
        BOTH,
        choices=(BOTH, SUM, PLAIN),
        help="How a node takes up its neighbours: by two layers, of sum and product; by one, of "
        "the sum; or as they are.",
    )
    damping: float = setting(
        0.5,
        low=0.0,
        high=1.0,
        help="How much less is heard of what many are joined to: divided by their number to this "
        "power; 0 leaves it to attention.",
    )
    knowledge_weight: float = setting(
        0.1,
        low=0.0,
        high=10.0,
        help="What telling true triples from false ones counts beside finding items; 1 and two "
        "layers where few users are shared and attributes must join the domains.",
    )
    triples: int = setting(
        1024, low=2, high=100_000, help="Triples of the graph that every step looks at."
    )
    item_dropout: float = setting(
        0.1,
        low=0.0,
        high=0.95,
        help="Share of items that a step knows by their neighbours alone, as new items will be.",
    )
    interaction_dropout: float = setting(
        0.2,
        low=0.0,
        high=0.95,
        help="Share of each history, and of the graph's interactions, hidden from a step.",
    )
    source_loss_weight: float = source_loss_weight(0.2)


def _memory(sizes: PairSizes, settings: KgatSettings) -> int:
    items = sizes.source_items + sizes.target_items
    nodes = 4 * items * settings.factors * 6
    layers = 4 * (sizes.users + 2 * items) * settings.factors * 6 * (settings.layers + 1)
    edges = 2 * (sizes.source_rows + sizes.target_rows + 8 * items) * 8 * 8
    batch = 3 * 4 * settings.batch_size * both_cells(sizes, settings)
    return TORCH + nodes + layers + edges + batch


CARD = ModelCard(
    name="kgat",
    title="KGAT",
    family="Knowledge graph",
    line="Vectors that flow along one graph of users, items of both domains and what items share.",
    paper="Wang et al.: KGAT: Knowledge graph attention network for recommendation, KDD 2019; "
    "Lin et al.: Learning entity and relation embeddings for knowledge graph completion (TransR), "
    "AAAI 2015",
    differs="Items of both domains are joined by their users and by the entities they share. "
    "Users have no vector of their own: they are drawn from their items, so that strangers are "
    "served alike. A softmax over all items by cosine takes the place of BPR, both losses are "
    "followed in one step, a share of the edges is hidden while training, and an inverse relation "
    "is the relation taken backwards.",
    when="To recommend new items that nobody took yet, or to join domains that share few users, by "
    "attributes. Of items people took they add little: validation nDCG@10 on movielens is .213 "
    "with true genres, .210 with shuffled ones, and .219 by one plain step, which hears none (two "
    "seeds).",
    words="The score is a cosine and not a sum. Each part is the score with the other domain's "
    "history silenced; parts are standardised per user before they are weighed.",
    settings=KgatSettings,
    build=lambda settings: GradientModel(KnowledgeNetwork(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    needs=(ATTRIBUTES,),
    new_items=True,
    gradient=True,
    presets={
        "fast": {"factors": 32, "epochs": 15, "patience": 3},
        "thorough": {"factors": 128, "epochs": 100, "patience": 10},
    },
    grid={"layers": (1, 2, 3), "knowledge_weight": (0.0, 0.1, 1.0)},
)


# The joint graph of users, items and entities, and how much every node listens to each neighbour.
# Wang et al. 2019 (KGAT), sec. 3.1 and 3.2.

TOOK_SOURCE, TOOK_TARGET = 0, 1  # relations of users to items; those of attributes follow
CHUNK = 2**18  # edges looked at together
NO_INTERACTION = -1


@dataclass(frozen=True)
class JointGraph:
    """Edges head <- tail, each in both directions, ordered by head.

    Nodes are users, source items, target items and entities, in this order. relation: by number;
    inverse: whether the edge leads against its relation, from item to user or entity to item;
    interaction: number of the user's row and item that made the edge, -1 for attributes.
    """

    sizes: tuple[int, int, int, int]
    heads: IntArray
    tails: IntArray
    relation: IntArray
    inverse: BoolArray
    interaction: IntArray
    n_interactions: int
    n_relations: int

    @property
    def n_nodes(self) -> int:
        """Users, items and entities."""
        return sum(self.sizes)

    def table(self, weights: FloatArray) -> csr_matrix:
        """(n_nodes, n_nodes) weights of the edges, (n_edges,)."""
        ends = np.searchsorted(self.heads, np.arange(self.n_nodes + 1))
        shape = (self.n_nodes, self.n_nodes)
        return csr_matrix((weights.astype(np.float32), self.tails, ends), shape=shape)

    @cached_property
    def degrees(self) -> IntArray:
        """(n_nodes,) edges of every node."""
        return np.bincount(self.heads, minlength=self.n_nodes)

    def without(self, weights: FloatArray, kept: BoolArray, share: float) -> FloatArray:
        """Weights of the edges where some interactions are hidden and `share` of them is kept."""
        factors = np.append(kept / max(share, 0.05), 1.0).astype(np.float32)  # the last: attributes
        return weights * factors[self.interaction]


def joint_graph(train: DomainPair, knowledge: KnowledgeGraph) -> JointGraph:
    """Interactions of both domains, triples of their items and of entities in one graph."""
    sizes = (len(train.users), train.source.shape[1], train.target.shape[1], len(knowledge.names))
    users, source, target, entities = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    parts = []
    of_attributes = 2 + knowledge.relation_of
    for table, head, tail, relations in (
        (train.source, users, source, np.full(sizes[1], TOOK_SOURCE)),
        (train.target, users, target, np.full(sizes[2], TOOK_TARGET)),
        (knowledge.source, source, entities, of_attributes),
        (knowledge.target, target, entities, of_attributes),
    ):
        places = coo_matrix(table)
        parts.append((places.row + head, places.col + tail, relations[places.col]))
    between = knowledge.link_heads + entities, knowledge.link_tails + entities
    parts.append((*between, 2 + knowledge.link_relation))
    heads, tails, relation = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    n_interactions = train.source.nnz + train.target.nnz
    number = np.full(len(heads), NO_INTERACTION)
    number[:n_interactions] = np.arange(n_interactions)
    both = np.concatenate([heads, tails]), np.concatenate([tails, heads])
    order = np.argsort(both[0], kind="stable")
    return JointGraph(
        sizes,
        both[0][order],
        both[1][order],
        np.tile(relation, 2)[order],
        order >= len(heads),
        np.tile(number, 2)[order],
        n_interactions,
        2 + len(knowledge.relations),
    )


def attention(
    graph: JointGraph, nodes: FloatArray, loud: FloatArray, maps: FloatArray, moves: FloatArray
) -> FloatArray:
    """(n_edges,) share of its head's attention that each edge gets; a head's shares sum to 1.

    (W_r e_tail)^T tanh(W_r e_head + e_r), softmax over the edges of a head: eq. 4 and 5. Against
    its relation a move is taken back. maps: (n_relations, d, k); moves: (n_relations, k). loud:
    (n_nodes,) by how much a tail is heard more than another of the same score, beforehand.
    """
    scores = np.empty(len(graph.heads), dtype=np.float32)
    for relation in range(graph.n_relations):
        edges = np.flatnonzero(graph.relation == relation)
        seen = nodes @ maps[relation]
        for start in range(0, len(edges), CHUNK):
            some = edges[start : start + CHUNK]
            sign = np.where(graph.inverse[some], -1.0, 1.0).astype(np.float32)[:, None]
            wanted = np.tanh(seen[graph.heads[some]] + sign * moves[relation])
            scores[some] = np.einsum("ek,ek->e", seen[graph.tails[some]], wanted)
    scores += np.log(loud[graph.tails])
    return shares(scores, np.searchsorted(graph.heads, np.arange(graph.n_nodes + 1)))


def history_attention(
    users: FloatArray,
    rows: tuple[csr_matrix, csr_matrix],
    items: tuple[FloatArray, FloatArray],
    loud: tuple[FloatArray, FloatArray],
    maps: FloatArray,
    moves: FloatArray,
) -> tuple[csr_matrix, csr_matrix]:
    """The rows of both domains with each user's attention to their items for values.

    The same shares as `attention` gives to users of the graph: users, (n, d), need not be in it.
    """
    scores, owners = [], []
    for relation, (history, vectors) in enumerate(zip(rows, items, strict=True)):
        seen, wanted = vectors @ maps[relation], np.tanh(users @ maps[relation] + moves[relation])
        owner = np.repeat(np.arange(len(users)), np.diff(history.indptr))
        owners.append(owner)
        found = [np.zeros(0, dtype=np.float32)]
        for start in range(0, len(owner), CHUNK):
            some = slice(start, start + CHUNK)
            pairs = seen[history.indices[some]], wanted[owner[some]]
            found.append(np.einsum("ek,ek->e", *pairs).astype(np.float32))
        scores.append(np.concatenate(found) + np.log(loud[relation][history.indices]))
    together, values = np.concatenate(owners), np.concatenate(scores)
    order = np.argsort(together, kind="stable")
    ends = np.searchsorted(together[order], np.arange(len(users) + 1))
    given = np.empty(len(values), dtype=np.float32)
    given[order] = shares(values[order], ends)
    source, target = (
        csr_matrix((part, history.indices, history.indptr), shape=history.shape)
        for part, history in zip(np.split(given, [len(scores[0])]), rows, strict=True)
    )
    return source, target


def shares(scores: FloatArray, ends: IntArray) -> FloatArray:
    """Softmax within each run of scores; run i is scores[ends[i]:ends[i + 1]]."""
    runs = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    top = np.full(len(ends) - 1, -np.inf, dtype=np.float32)
    np.maximum.at(top, runs, scores)
    grown = np.exp(scores - top[runs])
    whole = np.bincount(runs, weights=grown, minlength=len(ends) - 1)
    return (grown / whole[runs]).astype(np.float32)


# Triples of a graph told from false ones by translation: TransR, Lin et al. 2015.


@dataclass(frozen=True)
class Triples:
    """True triples, each beside a false one with another tail; (n,) numbers of nodes."""

    heads: IntArray
    relation: IntArray
    tails: IntArray
    false_tails: IntArray


def drawn_triples(graph: JointGraph, count: int, rng: np.random.Generator) -> Triples:
    """Half of them interactions and half attributes, or all of what there is.

    A false tail is drawn from all nodes of the true one's kind.
    """
    forward = np.flatnonzero(~graph.inverse)
    by_attribute = graph.relation[forward] > TOOK_TARGET
    kinds = [part for part in (forward[by_attribute], forward[~by_attribute]) if len(part)]
    edges = np.concatenate([rng.choice(part, max(1, count // len(kinds))) for part in kinds])
    starts = np.concatenate([[0], np.cumsum(graph.sizes)])
    kind = np.where(graph.relation[edges] <= TOOK_TARGET, graph.relation[edges] + 1, 3)
    false = rng.integers(starts[kind], starts[kind + 1])
    return Triples(graph.heads[edges], graph.relation[edges], graph.tails[edges], false)


def translation_loss(weights: Weights, nodes: Array, triples: Triples) -> Array:
    """-log sigmoid of how much nearer W_r head + r comes to W_r tail than to a false tail.

    Wang et al. 2019 (KGAT), eq. 1 and 2; nodes: (n_nodes, d).
    """
    heads, tails, false = (
        picked(nodes, ends) for ends in (triples.heads, triples.tails, triples.false_tails)
    )
    loss = nodes.sum() * 0.0
    for relation in np.unique(triples.relation):
        some = np.flatnonzero(triples.relation == relation)
        into, move = (weights[f"relation.{part}"][int(relation)] for part in ("maps", "moves"))
        arrived = heads[some] @ into + move
        near, far = (((arrived - ends[some] @ into) ** 2).sum(-1) for ends in (tails, false))
        loss = loss + bpr(far, near) * (len(some) / len(triples.heads))
    return loss
