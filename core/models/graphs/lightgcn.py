"""LightGCN and BiTGCF: histories passed along the graph of users and items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from scipy.sparse import bmat, csr_matrix, diags

from core.basics.settings import setting
from core.basics.types import Contributions, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import (
    Array,
    Weights,
    as_like,
    concatenated,
    graph_product,
    normal_table,
    picked,
    stacked,
    unit,
)
from core.models.kernel.batches import Batch, drawn_untaken
from core.models.kernel.gradient import TORCH, GradientModel
from core.models.kernel.losses import (
    both_cells,
    bpr,
    cosine_softmax,
    cross_entropy,
    entries,
    sampled_softmax,
)
from core.models.kernel.training_settings import SoftmaxSettings, factors, source_loss_weight
from core.models.protocol import ModelCard, Network, PairSizes, State

SOFTMAX, SAMPLED, BPR, BCE = "softmax", "sampled softmax", "BPR", "cross-entropy"
MEAN, CONCATENATED = "mean", "side by side"


@dataclass(frozen=True)
class GraphSettings(SoftmaxSettings):
    """Sizes, loss and speed of the training."""

    factors: int = factors(64)
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
    source_loss_weight: float = source_loss_weight(0.2)
    regularization: float = setting(
        0.0, low=0.0, high=10.0, help="Penalty on the squared length of the vectors of a batch."
    )


class Wiring(Protocol):
    """What is particular to one model: how the two domains meet."""

    def graph(self, train: DomainPair) -> Graph:
        """Users and items of both domains, joined."""
        ...

    def shares(self, source: IntArray, target: IntArray) -> tuple[FloatArray, FloatArray]:
        """What a user drawn from histories of these lengths takes from either, (n,) each."""
        ...


class GraphNetwork(Network):
    """Vectors of nodes, and what they are after each step along the graph.

    The own score of a training user is their trained vector's. Parts and fold-in draw the user from
    item vectors alone: the layers 0 to L-1 of the items of a history, which is all of the trained
    vector but the user's own layer 0.
    """

    graph: Graph

    def __init__(self, settings: Any, wiring: Wiring) -> None:
        self.settings, self.wiring = settings, wiring

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """A vector per node; zeros for a user without any edge, whom nothing could train."""
        self.graph = self.wiring.graph(train)
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
        from_source, from_target = self.wiring.shares(
            np.diff(source.indptr), np.diff(target.indptr)
        )
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
        losses = (takers * picked(items, drawn_untaken(wanted, rows, rng))).sum(-1)
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


# Graphs of users and items that vectors flow along.


@dataclass(frozen=True)
class Side:
    """Where one domain's users and items stand among the nodes."""

    users: slice
    items: slice


@dataclass(frozen=True)
class Graph:
    """Nodes of users and items, and how their vectors flow.

    adjacency: (n_nodes, n_nodes) float32, symmetric, scaled; degrees: (n_nodes,); edges: for each
    of its entries the number of its edge, source interactions first.
    """

    adjacency: csr_matrix
    degrees: FloatArray
    edges: IntArray
    target_edge_users: IntArray  # (n_edges,) the user of each target edge, -1 for source edges
    source_side: Side
    target_side: Side
    transfer: Callable[[Array], Array]  # what happens to all vectors after a step

    @cached_property
    def n_edges(self) -> int:
        """Interactions of both domains."""
        return len(self.target_edge_users)

    def with_edges(self, weights: FloatArray) -> csr_matrix:
        """The adjacency with each edge times its weight, (n_edges,); scaled as the whole graph."""
        table = self.adjacency
        data = table.data * weights.astype(np.float32)[self.edges]
        return csr_matrix((data, table.indices, table.indptr), shape=table.shape)


def _numbered(train: DomainPair) -> tuple[csr_matrix, csr_matrix]:
    """Both domains' interactions with the number of their edge, from 1, in place of ones."""
    n_source = train.source.nnz
    numbers = np.arange(1, n_source + train.target.nnz + 1, dtype=np.float64)
    return tuple(  # type: ignore[return-value]
        csr_matrix((part, rows.indices, rows.indptr), shape=rows.shape)
        for rows, part in ((train.source, numbers[:n_source]), (train.target, numbers[n_source:]))
    )


def graph_of(
    train: DomainPair,
    blocks: list[list[csr_matrix | None]],
    user_views: int,
    transfer: Callable[[Array], Array],
) -> Graph:
    """D^-1/2 A D^-1/2 of the blocks of A: He et al. 2020, eq. 8.

    Nodes are users, once or as either domain sees them, then source items, then target items.
    """
    n_users, n_source = len(train.users), train.source.shape[1]
    ends = n_users * user_views + np.array([0, n_source, n_source + train.target.shape[1]])
    numbered = bmat(blocks, format="csr")
    degrees = np.diff(numbered.indptr).astype(np.float32)
    scale = diags(1 / np.sqrt(np.maximum(degrees, 1)))
    ones = csr_matrix((np.ones(numbered.nnz), numbered.indices, numbered.indptr), numbered.shape)
    of_target = np.repeat(np.arange(n_users), np.diff(train.target.indptr))
    return Graph(
        adjacency=csr_matrix(scale @ ones @ scale, dtype=np.float32),
        degrees=degrees,
        edges=numbered.data.astype(np.int64) - 1,
        target_edge_users=np.concatenate([np.full(train.source.nnz, -1), of_target]),
        source_side=Side(slice(0, n_users), slice(ends[0], ends[1])),
        target_side=Side(slice(ends[0] - n_users, ends[0]), slice(ends[1], ends[2])),
        transfer=transfer,
    )


# LightGCN on the joint graph: taste flows from users to items of both domains and back.


class Joint:
    """One graph: a user is one node, with edges to the items of both domains."""

    def graph(self, train: DomainPair) -> Graph:
        """Users, source items and target items, in this order."""
        source, target = _numbered(train)
        blocks = [[None, source, target], [source.T, None, None], [target.T, None, None]]
        return graph_of(train, blocks, user_views=1, transfer=lambda vectors: vectors)

    def shares(self, source: IntArray, target: IntArray) -> tuple[FloatArray, FloatArray]:
        """Both histories are one: the mean that a step along the joint graph takes."""
        share = (1 / np.sqrt(np.maximum(source + target, 1))).astype(np.float32)
        return share, share


LIGHTGCN_CARD = ModelCard(
    name="lightgcn",
    title="LightGCN",
    family="Graph",
    line="Vectors that flow along the graph of users and items of both domains.",
    paper="He et al.: LightGCN, SIGIR 2020; Wu et al.: Self-supervised graph learning for "
    "recommendation, SIGIR 2021 (edges hidden while training); Wu et al.: On the effectiveness of "
    "sampled softmax loss for item recommendation, 2022",
    differs="One graph joins both domains through their users; the loss is a softmax over all "
    "items by cosine, with BPR as the paper's choice; a share of the edges is hidden while "
    "training.",
    when="When training by epochs is welcome: learning curves, a GPU, a map of one space.",
    words="The score is not a sum. Each part is the score with the other domain's history "
    "silenced, the user drawn from item vectors; parts are standardised per user before they "
    "are weighed, so alpha = beta = 1 is close to the model's own list, not equal to it.",
    settings=GraphSettings,
    build=lambda settings: GradientModel(GraphNetwork(settings, Joint())),
    memory=lambda sizes, settings: graph_memory(sizes, settings, user_views=1),
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="approximate",
    gradient=True,
    presets={
        "fast": {"factors": 32, "epochs": 15, "patience": 3},
        "thorough": {"factors": 128, "epochs": 100, "patience": 10},
    },
    grid={"layers": (1, 2, 3), "temperature": (0.1, 0.2)},
)


# BiTGCF: a graph per domain, and after every step the users' vectors pass between the two.


@dataclass(frozen=True)
class BiTgcfSettings(GraphSettings):
    """Sizes, loss and speed of the training, and how much a user keeps of either domain."""

    source_retention: float = setting(
        0.8,
        low=0.0,
        high=1.0,
        help="Share of a shared user's source vector that stays when the target's passes over; "
        "averaged with the share of their interactions that are in the source.",
    )
    target_retention: float = setting(
        0.8,
        low=0.0,
        high=1.0,
        help="Share of a shared user's target vector that stays when the source's passes over; "
        "averaged with the share of their interactions that are in the target.",
    )


def kept_share(own: IntArray, other: IntArray, retention: float) -> FloatArray:
    """What users keep of their vector in one domain; the rest comes from the other, (n_users,).

    own, other: lengths of the histories. Mean of `retention` and the share of the interactions
    that are in the own domain: Liu et al. 2020, sec. 4.3 (common features by a constant,
    domain features by degrees). Who has one history only takes all from there.
    """
    by_degree = own / np.maximum(own + other, 1)
    kept = np.where(own == 0, 0.0, (retention + by_degree) / 2)
    return np.where(other == 0, 1.0, kept).astype(np.float32)


@dataclass(frozen=True)
class Paired:
    """Two graphs without an edge between them: after every step users pass from one to the other.

    source_retention, target_retention: what `kept_share` is told of either domain.
    """

    source_retention: float
    target_retention: float

    def graph(self, train: DomainPair) -> Graph:
        """Users as the source sees them, as the target sees them, source items, target items."""
        n_users = len(train.users)
        lengths = train.source_history, train.target_history
        kept_source = kept_share(*lengths, self.source_retention)[:, None]
        kept_target = kept_share(*lengths[::-1], self.target_retention)[:, None]

        def transfer(vectors: Array) -> Array:
            source, target = vectors[:n_users], vectors[n_users : 2 * n_users]
            ours, theirs = as_like(kept_source, vectors), as_like(kept_target, vectors)
            return stacked(
                ours * source + (1 - ours) * target,
                theirs * target + (1 - theirs) * source,
                vectors[2 * n_users :],
            )

        source, target = _numbered(train)
        nobody = csr_matrix((n_users, n_users))
        blocks = [
            [nobody, None, source, None],
            [None, nobody, None, target],
            [source.T, None, None, None],
            [None, target.T, None, None],
        ]
        return graph_of(train, blocks, user_views=2, transfer=transfer)

    def shares(self, source: IntArray, target: IntArray) -> tuple[FloatArray, FloatArray]:
        """A user as the target sees them after a step and a transfer."""
        kept = kept_share(target, source, self.target_retention)
        roots = [np.sqrt(np.maximum(lengths, 1)) for lengths in (source, target)]
        return ((1 - kept) / roots[0]).astype(np.float32), (kept / roots[1]).astype(np.float32)


def _bitgcf(settings: BiTgcfSettings) -> GradientModel:
    wiring = Paired(settings.source_retention, settings.target_retention)
    return GradientModel(GraphNetwork(settings, wiring))


BITGCF_CARD = replace(
    LIGHTGCN_CARD,
    name="bitgcf",
    title="BiTGCF",
    line="A graph per domain; after each step shared users carry their vectors across, both ways.",
    paper="Liu et al.: Cross domain recommendation via bi-directional transfer graph "
    "collaborative filtering networks, CIKM 2020",
    differs="Steps are LightGCN's, without the product of user and item; a softmax over all items "
    "by cosine is the default, cross-entropy with one drawn item each is the paper's; a share of "
    "the edges is hidden while training; users with a source history alone receive too.",
    when="When both graphs are dense and users should stay somewhat different in each domain.",
    settings=BiTgcfSettings,
    build=_bitgcf,
    memory=lambda sizes, settings: graph_memory(sizes, settings, user_views=2),
    grid={"layers": (1, 2, 3), "target_retention": (0.5, 0.8)},
)
