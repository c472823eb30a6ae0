"""Paths of the graph from a user's history to an item: what they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.basics.types import IntArray
from core.data.knowledge import KnowledgeGraph

NAMED = 3  # history items named in a sentence
_MAKERS = (
    "creator author writer artist director composer maker publisher developer designer band "
    "singer musician actor actress cast instructor teacher lecturer brand by 作者 导演 品牌"
)
MAKERS = frozenset(_MAKERS.split())  # relations whose entity somebody is by


@dataclass(frozen=True)
class Path:
    """History items -> relation: entity -> the recommended item."""

    relation: str
    entity: str
    source_items: IntArray  # of the history, in its order
    target_items: IntArray
    holders: int  # items of both domains that hold the entity
    rarity: float  # log2 of (items of both domains / holders): bits


def attribute_paths(
    graph: KnowledgeGraph, source_items: IntArray, target_items: IntArray, item: int
) -> list[Path]:
    """Every entity that the target item shares with a history, the rarest first.

    A path is a fact about the items, whatever model recommends them; the item itself, where it
    stands in the history, leads nowhere.
    """
    others = target_items[target_items != item]
    source, target = graph.source[source_items].tocsc(), graph.target[others].tocsc()
    holders = graph.holders
    paths = []
    for entity in graph.target[[item]].indices:
        of_source, of_target = (
            known[table.indices[table.indptr[entity] : table.indptr[entity + 1]]]
            for known, table in ((source_items, source), (others, target))
        )
        if len(of_source) + len(of_target):
            held = int(holders[entity])
            paths.append(
                Path(
                    graph.relations[graph.relation_of[entity]],
                    graph.names[entity],
                    of_source,
                    of_target,
                    held,
                    float(np.log2(graph.n_items / held)),
                )
            )
    return sorted(paths, key=lambda path: (-path.rarity, path.relation, path.entity))


def path_words(relation: str, entity: str, names: Sequence[str]) -> str:
    """`same category as Emma and Persuasion: Romance`; `both by Jane Austen, like Emma`."""
    rest = len(names) - NAMED
    if rest > 0:
        named = f"{', '.join(names[:NAMED])} and {rest:,} more"
    else:
        named = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    if relation.casefold() in MAKERS:
        return f"{'both' if len(names) == 1 else 'all'} by {entity}, like {named}"
    return f"same {relation} as {named}: {entity}"
