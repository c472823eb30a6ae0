"""Triples of a graph told from false ones by translation: TransR, Lin et al. 2015."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.types import IntArray
from core.models.arrays import Array, Weights, picked
from core.models.attention import TOOK_TARGET, JointGraph
from core.models.losses import bpr


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
