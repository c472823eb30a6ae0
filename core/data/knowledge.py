"""What items of both domains have in common: triples as a graph, its categories and paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, vstack

from core.basics.columns import HEAD, RELATION, SOURCE, TAIL, TARGET
from core.basics.formatting import count
from core.basics.types import BoolArray, IntArray
from core.data.pair import DomainPair, ItemFeatures, read_described

CATEGORY = "category"  # the relation of an item to each of its categories
MOST_HELD = 0.5  # an entity that a larger share of all items holds tells none of them apart
Key = tuple[str, str]  # relation and entity as they are compared


@dataclass(frozen=True)
class LeftOut:
    """What of the item tables carries nothing, counted."""

    repeated: int = 0  # triples said more than once of one item
    single: int = 0  # entities that one item alone holds, and that lead to no other item
    common: int = 0  # entities that more than MOST_HELD of all items hold, or reach by one more
    loose: int = 0  # entities of triples between entities that lead from no item to another
    bare: int = 0  # items without any attribute


@dataclass(frozen=True)
class KnowledgeGraph:
    """Which item holds which entity; an entity is one node for both domains.

    names: (n_entities,) as first spelled; relation_of: (n_entities,) numbers of `relations`;
    source, target: (n_items of the domain, n_entities) ones. link_heads, link_tails: (n_links,)
    numbers of entities, link_relation: of `relations`: triples between entities.
    """

    relations: list[str]
    names: list[str]
    relation_of: IntArray
    source: csr_matrix
    target: csr_matrix
    left_out: LeftOut
    link_heads: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    link_tails: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    link_relation: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

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

    @cached_property
    def one_step_on(self) -> KnowledgeGraph:
        """What the entities of items lead to by one triple between entities, head to tail.

        An entity counts here once for each relation that leads to it; an item that holds it itself
        holds it here too.
        """
        ends = np.stack([self.link_relation, self.link_tails])
        found, places = np.unique(ends, axis=1, return_inverse=True)
        relation_of, entities = found
        heads = np.concatenate([self.link_heads, entities])
        reached = np.concatenate([places.ravel(), np.arange(len(entities))])
        shape = len(self.names), len(entities)
        leads = csr_matrix((np.ones(len(heads), np.float32), (heads, reached)), shape=shape)
        names = [self.names[entity] for entity in entities]
        source, target = (_ones(table @ leads) for table in (self.source, self.target))
        return KnowledgeGraph(self.relations, names, relation_of, source, target, LeftOut())

    def words(self) -> str:
        """The graph in a sentence or two, with what was left out."""
        left, entities = self.left_out, _entities(len(self.names))
        said = (
            f"{count(self.source.nnz + self.target.nnz, 'triple')} of item, relation and entity; "
            f"{entities} of {count(len(self.relations), 'relation')}, {self.joining:,} held in "
            "both domains."
        )
        if len(self.link_heads):
            said += (
                f" {count(len(self.link_heads), 'triple')} between entities; by one of them "
                f"{_entities(self.one_step_on.joining)} more can be reached from both domains."
            )
        most = f"held by more than {MOST_HELD:.0%} of all items"
        gone = [
            f"{words} {why}"
            for number, words, why in (
                (left.single, _entities(left.single), "held by one item alone"),
                (left.common, _entities(left.common), most),
                (left.loose, _entities(left.loose), "that lead from no item to another"),
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
    item holds joins nothing, unless it leads to what another holds; what most items hold says
    nothing: neither is in the graph.
    """
    spelled: dict[Key, Key] = {}
    held = [_held(*described, spelled) for described in (source, target)]
    linked = _linked((source[0], target[0]), spelled)
    keys = sorted(spelled)
    number = {key: place for place, key in enumerate(keys)}
    tables = [_table(items, number) for items, _ in held]
    links = np.array([(number[h], number[t]) for h, _, t in linked], dtype=np.int64).reshape(-1, 2)
    holding = csr_matrix(vstack(tables))
    common, joined = _of_use(holding, links)
    kept = np.flatnonzero(joined)
    within = joined[links[:, 0]] & joined[links[:, 1]]
    by = [relation for (_, relation, _), stays in zip(linked, within, strict=True) if stays]
    relations = sorted({keys[place][0] for place in kept} | {compared(name) for name in by})
    shown = {compared(name): name for _, name, _ in reversed(linked)}
    shown |= {key[0]: label for key, (label, _) in reversed(spelled.items())}
    bare, is_held = ~common & ~joined, np.diff(holding.tocsc().indptr) > 0
    left_out = LeftOut(
        sum(repeated for _, repeated in held),
        int((bare & is_held).sum()),
        int(common.sum()),
        int((bare & ~is_held).sum()),
        sum(not entities for items, _ in held for entities in items),
    )
    heads, tails = np.searchsorted(kept, links[within]).T
    return KnowledgeGraph(
        [shown[relation] for relation in relations],
        [spelled[keys[place]][1] for place in kept],
        np.array([relations.index(keys[place][0]) for place in kept], dtype=np.int64),
        csr_matrix(tables[0][:, kept]),
        csr_matrix(tables[1][:, kept]),
        left_out,
        heads,
        tails,
        np.array([relations.index(compared(name)) for name in by], dtype=np.int64),
    )


def _of_use(holding: csr_matrix, links: IntArray) -> tuple[BoolArray, BoolArray]:
    """(n_entities,) which entities most items hold or reach, and which of the others join items.

    holding: (n_items, n_entities) ones; links: (n_links, 2) heads and tails.
    """
    n_items, n_entities = holding.shape
    holders = np.asarray(holding.sum(axis=0)).ravel()
    heads, tails = links.T
    ones, shape = np.ones(2 * len(links), np.float32), (n_entities, n_entities)
    ends = np.concatenate([heads, tails]), np.concatenate([tails, heads])
    beside = csr_matrix((ones, ends), shape=shape)
    reached = np.bincount((holding @ beside).indices, minlength=n_entities)
    common = np.maximum(holders, reached) > max(1.0, MOST_HELD * n_items)
    beside, joined, before = _ones(beside), ~common, -1
    while joined.sum() != before:  # what leads on to nothing is no way from one item to another
        before = joined.sum()
        joined &= holders + beside @ joined >= 2
    inside = beside[joined][:, joined]
    from scipy.sparse.csgraph import connected_components  # loads scipy.linalg

    parts = connected_components(inside, directed=False)[1]
    held = np.bincount(parts, holders[joined], minlength=1)
    joined[joined] = held[parts] >= 2
    return common, joined


def _ones(table: csr_matrix) -> csr_matrix:
    found = csr_matrix(table)
    found.data[:] = 1.0
    return found


def _linked(
    features: tuple[ItemFeatures | None, ItemFeatures | None], spelled: dict[Key, Key]
) -> list[tuple[Key, str, Key]]:
    """Head, relation and tail of every triple between entities; new entities are noted.

    A name stands for every entity that items hold under it, whatever their relation to it; where
    none does, it is an entity of the triple's own relation.
    """
    known = next(
        (part.entity_links for part in features if part and part.entity_links is not None), None
    )
    if known is None:
        return []
    called: dict[str, list[Key]] = {}
    for key in spelled:
        called.setdefault(key[1], []).append(key)
    found: dict[tuple[Key, str, Key], str] = {}
    for head, relation, tail in known[[HEAD, RELATION, TAIL]].itertuples(index=False):
        for name in (head, tail):
            if compared(name) not in called:
                key = compared(relation), compared(name)
                spelled[key], called[key[1]] = (relation, name), [key]
        for one in called[compared(head)]:
            for other in called[compared(tail)]:
                if one != other:
                    found.setdefault((one, compared(relation), other), relation)
    return [(one, relation, other) for (one, _, other), relation in found.items()]


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


# Categories of items as a table of ones: which item is in which category.


def names_in(cell: object) -> list[str]:
    """Names in a cell that are joined by "|", without blanks around them."""
    return [name for part in str(cell).split("|") if (name := " ".join(part.split()))]


def compared(name: str) -> str:
    """How names are compared: whatever their case and blanks, in both domains."""
    return " ".join(name.split()).casefold()


@dataclass(frozen=True)
class Categories:
    """names: (n_categories,) as first spelled, alphabetical; members: (n_items, n_categories) ones.

    keys: the same names as they are compared.
    """

    names: list[str]
    keys: list[str]
    members: csr_matrix

    def named(self, names: list[str]) -> csr_matrix:
        """(n_items, len(names)) membership in some of the categories, in that order."""
        places = {key: place for place, key in enumerate(self.keys)}
        return csr_matrix(self.members[:, [places[compared(name)] for name in names]])

    def only(self, keys: list[str]) -> Categories:
        """Some of the categories, in that order."""
        names = dict(zip(self.keys, self.names, strict=True))
        return Categories([names[key] for key in keys], keys, self.named(keys))


def item_categories(features: ItemFeatures | None) -> Categories | None:
    """What is in which category; None where no item has one."""
    if features is None:
        return None
    spelled: dict[str, str] = {}
    items, found = [], []
    for item, cell in enumerate(features.categories):
        for name in names_in(cell):
            spelled.setdefault(compared(name), name)
            items.append(item)
            found.append(compared(name))
    if not items:
        return None
    keys = sorted(spelled)
    number = {key: place for place, key in enumerate(keys)}
    places = [number[key] for key in found]
    shape = (len(features.categories), len(keys))
    members = csr_matrix((np.ones(len(items)), (items, places)), shape=shape)
    members.data[:] = 1.0  # a name said twice counts once
    return Categories([spelled[key] for key in keys], keys, members)


# Paths of the graph from a user's history to an item: what they have in common.

NAMED = 3  # history items named in a sentence
_MAKERS = (
    "creator author writer artist director composer maker publisher developer designer band "
    "singer musician actor actress cast instructor teacher lecturer brand by 作者 导演 品牌"
)
MAKERS = frozenset(_MAKERS.split())  # relations whose entity somebody is by


@dataclass(frozen=True)
class KnowledgePath:
    """History items -> relation: entity -> the recommended item."""

    relation: str
    entity: str
    source_items: IntArray  # of the history, in its order
    target_items: IntArray
    holders: int  # items of both domains that hold the entity
    rarity: float  # log2 of (items of both domains / holders): bits
    via: tuple[str, ...] = ()  # the item's entities that lead to this one; none: it holds it itself


def attribute_paths(
    graph: KnowledgeGraph, source_items: IntArray, target_items: IntArray, item: int
) -> list[KnowledgePath]:
    """Every entity that the target item shares with a history, the rarest first.

    Shared is what both hold, or what their entities lead to by one triple between entities. What
    more than MOST_HELD of the target's items hold is no reason for one of them. A path is a fact
    about the items, whatever model recommends them; the item itself, where it stands in the
    history, leads nowhere.
    """
    paths = _paths(graph, source_items, target_items, item)
    if len(graph.link_heads):
        told, own = {path.entity for path in paths}, set(graph.target[[item]].indices)
        for path in _paths(graph.one_step_on, source_items, target_items, item):
            leads = [
                head
                for head, tail in zip(graph.link_heads, graph.link_tails, strict=True)
                if head in own and graph.names[tail] == path.entity
            ]
            via = tuple(sorted({graph.names[head] for head in leads}))
            paths += [] if path.entity in told else [replace(path, via=via)]
    return sorted(paths, key=lambda path: (-path.rarity, path.relation, path.entity))


def _paths(
    graph: KnowledgeGraph, source_items: IntArray, target_items: IntArray, item: int
) -> list[KnowledgePath]:
    """Every entity that the target item holds and so does a history."""
    others = target_items[target_items != item]
    source, target = graph.source[source_items].tocsc(), graph.target[others].tocsc()
    holders, of_targets = graph.holders, graph.target.getnnz(axis=0)
    paths = []
    for entity in graph.target[[item]].indices:
        of_source, of_target = (
            known[table.indices[table.indptr[entity] : table.indptr[entity + 1]]]
            for known, table in ((source_items, source), (others, target))
        )
        told = of_targets[entity] <= MOST_HELD * graph.target.shape[0]
        if told and len(of_source) + len(of_target):
            held = int(holders[entity])
            paths.append(
                KnowledgePath(
                    graph.relations[graph.relation_of[entity]],
                    graph.names[entity],
                    of_source,
                    of_target,
                    held,
                    float(np.log2(graph.n_items / held)),
                )
            )
    return paths


def path_words(relation: str, entity: str, names: Sequence[str], via: Sequence[str] = ()) -> str:
    """`same category as Emma and Persuasion: Romance`; `both by Jane Austen, like Emma`; or, by way
    of entities, `same country as Emma: England, by way of Thomas Hardy`.
    """
    rest = len(names) - NAMED
    if rest > 0:
        named = f"{', '.join(names[:NAMED])} and {rest:,} more"
    else:
        named = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    if via:
        return f"same {relation} as {named}: {entity}, by way of {' and '.join(via)}"
    if relation.casefold() in MAKERS:
        return f"{'both' if len(names) == 1 else 'all'} by {entity}, like {named}"
    return f"same {relation} as {named}: {entity}"
