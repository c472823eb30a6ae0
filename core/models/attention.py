"""The joint graph of users, items and entities, and how much every node listens to each neighbour.

Wang et al. 2019 (KGAT), sec. 3.1 and 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from core.basics.types import BoolArray, FloatArray, IntArray
from core.data.knowledge import KnowledgeGraph
from core.data.pair import DomainPair

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
    """Interactions of both domains and the triples of their items in one graph."""
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
