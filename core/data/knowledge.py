"""What items of both domains have in common: triples as a graph, its categories and paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, vstack

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count
from core.basics.types import IntArray
from core.data.categories import compared, names_in
from core.data.item_tables import read_described
from core.data.pair import DomainPair, ItemFeatures

CATEGORY = "category"  # the relation of an item to each of its categories
MOST_HELD = 0.5  # an entity that a larger share of all items holds tells none of them apart
Key = tuple[str, str]  # relation and entity as they are compared


@dataclass(frozen=True)
class LeftOut:
    """What of the item tables carries nothing, counted."""

    repeated: int = 0  # triples said more than once of one item
    single: int = 0  # entities that one item alone holds
    common: int = 0  # entities that more than MOST_HELD of all items hold
    bare: int = 0  # items without any attribute


@dataclass(frozen=True)
class KnowledgeGraph:
    """Which item holds which entity; an entity is one node for both domains.

    names: (n_entities,) as first spelled; relation_of: (n_entities,) numbers of `relations`;
    source, target: (n_items of the domain, n_entities) ones.
    """

    relations: list[str]
    names: list[str]
    relation_of: IntArray
    source: csr_matrix
    target: csr_matrix
    left_out: LeftOut

    @property
    def holders(self) -> IntArray:
        """(n_entities,) items of both domains that hold each entity."""
        return np.bincount(
            np.concatenate([self.source.indices, self.target.indices]), minlength=len(self.names)
        )

    @property
    def n_items(self) -> int:
        """Items of both domains."""
        return int(self.source.shape[0] + self.target.shape[0])

    @property
    def joining(self) -> int:
        """Entities that items of both domains hold."""
        in_source = np.bincount(self.source.indices, minlength=len(self.names)) > 0
        return int(
            (in_source & (np.bincount(self.target.indices, minlength=len(in_source)) > 0)).sum()
        )

    def words(self) -> str:
        """The graph in a sentence or two, with what was left out."""
        left, entities = self.left_out, _entities(len(self.names))
        said = (
            f"{count(self.source.nnz + self.target.nnz, 'triple')} of item, relation and entity; "
            f"{entities} of {count(len(self.relations), 'relation')}, {self.joining:,} held in "
            "both domains."
        )
        most = f"held by more than {MOST_HELD:.0%} of all items"
        gone = [
            f"{words} {why}"
            for number, words, why in (
                (left.single, _entities(left.single), "held by one item alone"),
                (left.common, _entities(left.common), most),
                (left.repeated, count(left.repeated, "triple"), "said twice"),
                (left.bare, count(left.bare, "item"), "without any attribute"),
            )
            if number
        ]
        return f"{said} Left out: {', '.join(gone)}." if gone else said


def _entities(number: int) -> str:
    return count(number, "entity", "entities")


def knowledge_graph(pair: DomainPair) -> KnowledgeGraph:
    """The graph of the attributes of both domains' items; without entities where there are none."""
    return graph_of(
        (pair.source_features, len(pair.source_items)),
        (pair.target_features, len(pair.target_items)),
    )


def knowledge_in(folder: Path) -> KnowledgeGraph:
    """The same of a snapshot's folder, whose rows are not read."""
    described = (read_described(folder, domain) for domain in (SOURCE, TARGET))
    source, target = ((features, len(items)) for items, features in described)
    return graph_of(source, target)


def graph_of(
    source: tuple[ItemFeatures | None, int], target: tuple[ItemFeatures | None, int]
) -> KnowledgeGraph:
    """The graph of what is known about the items of either domain, and how many there are.

    Entities of the same relation and name are one, whatever their case and blanks. What a single
    item holds joins nothing, and what most items hold says nothing: neither is in the graph.
    """
    spelled: dict[Key, Key] = {}
    held = [_held(*described, spelled) for described in (source, target)]
    keys = sorted(spelled)
    number = {key: place for place, key in enumerate(keys)}
    tables = [_table(items, number) for items, _ in held]
    counts = np.asarray(vstack(tables).sum(axis=0)).ravel()
    single, common = counts < 2, counts > max(1.0, MOST_HELD * sum(t.shape[0] for t in tables))
    kept = np.flatnonzero(~single & ~common)
    relations = sorted({keys[place][0] for place in kept})
    shown = {key[0]: label for key, (label, _) in reversed(spelled.items())}
    left_out = LeftOut(
        sum(repeated for _, repeated in held),
        int(single.sum()),
        int(common.sum()),
        sum(not entities for items, _ in held for entities in items),
    )
    return KnowledgeGraph(
        [shown[relation] for relation in relations],
        [spelled[keys[place]][1] for place in kept],
        np.array([relations.index(keys[place][0]) for place in kept], dtype=np.int64),
        csr_matrix(tables[0][:, kept]),
        csr_matrix(tables[1][:, kept]),
        left_out,
    )


def _held(
    features: ItemFeatures | None, n_items: int, spelled: dict[Key, Key]
) -> tuple[list[set[Key]], int]:
    """Entities of each item, and how often one was said again; new spellings are noted."""
    items: list[set[Key]] = [set() for _ in range(n_items)]
    repeated = 0
    for relation, texts in _columns(features):
        for item, text in enumerate(texts):
            for name in names_in(text):
                key = (compared(relation), compared(name))
                spelled.setdefault(key, (relation, name))
                repeated += key in items[item]
                items[item].add(key)
    return items, repeated


def _columns(features: ItemFeatures | None) -> Iterator[tuple[str, np.ndarray]]:
    if features is not None:
        yield CATEGORY, features.categories
        yield from features.attributes.items()


def _table(items: list[set[Key]], number: dict[Key, int]) -> csr_matrix:
    """(n_items, n_entities) ones."""
    columns = [sorted(number[key] for key in entities) for entities in items]
    ends = np.concatenate([[0], np.cumsum([len(places) for places in columns])]).astype(np.int64)
    flat = np.array([place for places in columns for place in places], dtype=np.int32)
    return csr_matrix((np.ones(len(flat), np.float32), flat, ends), shape=(len(items), len(number)))
