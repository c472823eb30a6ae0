"""Graphs of users and items that vectors flow along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import bmat, csr_matrix, diags

from core.basics.types import FloatArray, IntArray
from core.data.pair import DomainPair
from core.models.arrays import Array


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


def joint_graph(train: DomainPair) -> Graph:
    """Users, source items and target items, in this order: one user joins both domains."""
    n_users, n_source, n_target = len(train.users), train.source.shape[1], train.target.shape[1]
    ends = np.cumsum([n_users, n_source, n_target])
    users = slice(0, n_users)
    sides = Side(users, slice(ends[0], ends[1])), Side(users, slice(ends[1], ends[2]))
    source, target = _numbered(train)
    return _graph(
        train,
        [[None, source, target], [source.T, None, None], [target.T, None, None]],
        *sides,
        transfer=lambda vectors: vectors,
    )


def paired_graphs(train: DomainPair, transfer: Callable[[Array], Array]) -> Graph:
    """Users as the source sees them, as the target sees them, source items, target items.

    Two graphs without an edge between them: only `transfer` joins them.
    """
    n_users, n_source, n_target = len(train.users), train.source.shape[1], train.target.shape[1]
    ends = np.cumsum([n_users, n_users, n_source, n_target])
    sides = (
        Side(slice(0, ends[0]), slice(ends[1], ends[2])),
        Side(slice(ends[0], ends[1]), slice(ends[2], ends[3])),
    )
    source, target = _numbered(train)
    nobody = csr_matrix((n_users, n_users))
    blocks = [
        [nobody, None, source, None],
        [None, nobody, None, target],
        [source.T, None, None, None],
        [None, target.T, None, None],
    ]
    return _graph(train, blocks, *sides, transfer=transfer)


def _numbered(train: DomainPair) -> tuple[csr_matrix, csr_matrix]:
    """Both domains' interactions with the number of their edge, from 1, in place of ones."""
    n_source = train.source.nnz
    numbers = np.arange(1, n_source + train.target.nnz + 1, dtype=np.float64)
    return tuple(  # type: ignore[return-value]
        csr_matrix((part, rows.indices, rows.indptr), shape=rows.shape)
        for rows, part in ((train.source, numbers[:n_source]), (train.target, numbers[n_source:]))
    )


def _graph(
    train: DomainPair,
    blocks: list[list[csr_matrix | None]],
    source_side: Side,
    target_side: Side,
    transfer: Callable[[Array], Array],
) -> Graph:
    """D^-1/2 A D^-1/2: He et al. 2020, eq. 8."""
    numbered = bmat(blocks, format="csr")
    degrees = np.diff(numbered.indptr).astype(np.float32)
    scale = diags(1 / np.sqrt(np.maximum(degrees, 1)))
    ones = csr_matrix((np.ones(numbered.nnz), numbered.indices, numbered.indptr), numbered.shape)
    of_target = np.repeat(np.arange(len(train.users)), np.diff(train.target.indptr))
    return Graph(
        adjacency=csr_matrix(scale @ ones @ scale, dtype=np.float32),
        degrees=degrees,
        edges=numbered.data.astype(np.int64) - 1,
        target_edge_users=np.concatenate([np.full(train.source.nnz, -1), of_target]),
        source_side=source_side,
        target_side=target_side,
        transfer=transfer,
    )
