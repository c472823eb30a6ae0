"""What items of both domains have in common: triples as a graph, its categories and paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, vstack

from core.basics.columns import ATTRIBUTE, HEAD, ITEM, RELATION, SOURCE, TAIL, TARGET, VECTOR
from core.basics.formatting import count
from core.basics.types import IntArray
from core.data.pair import DomainPair, ItemFeatures, read_described

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


# A file of triples (head, relation, tail) as further attributes of both domains' items.

MOST_RELATIONS = 20  # the most used ones are kept
ENTITY = "entity"


@dataclass(frozen=True)
class UsedTriples:
    """How many triples of a file said something about an item, and why the others did not."""

    read: int
    used: int
    unknown: int  # neither end is an item of the pair
    loops: int  # both ends are the same
    rare: int  # of relations beyond the most used ones
    doubtful: int = 0  # of those used, with an id that is an item of both domains

    def words(self) -> str:
        """One sentence with every count."""
        others = (
            (self.unknown, "name no item of the pair"),
            (self.loops, "lead from something to itself"),
            (self.rare, f"have a relation beyond the {MOST_RELATIONS} most used"),
        )
        said = f"Of {count(self.read, 'triple')} {self.used:,} say something about an item"
        said = "; ".join([said, *(f"{number:,} {why}" for number, why in others if number)]) + "."
        if not self.doubtful:
            return said
        return (
            f"{said} {count(self.doubtful, 'triple')} {'names' if self.doubtful == 1 else 'name'} "
            "an id that both domains have, taken for both items; write source:ID or target:ID for "
            "one of them, entity:ID for neither."
        )


def with_triples(
    triples: pd.DataFrame, items: dict[str, Iterable[str]], tables: dict[str, pd.DataFrame | None]
) -> tuple[dict[str, pd.DataFrame], UsedTriples]:
    """The item tables of both domains with what the triples say of their items.

    triples: HEAD, RELATION, TAIL; items: ids by domain. Where one end is an item, the other is an
    entity it holds; where both are, they hold the tail in common, so that they are joined. An id
    that both domains have is an item of both, unless it is written as source:1 or target:1;
    entity:1 is no item.
    """
    rows = triples[[HEAD, RELATION, TAIL]].astype("str")
    rows[RELATION] = rows[RELATION].str.split().str.join(" ").str.casefold()
    looped = rows[HEAD] == rows[TAIL]
    known = {domain: set(ids) for domain, ids in items.items()}
    ends = {end: _read_end(rows[end], known) for end in (HEAD, TAIL)}
    about = pd.concat([end.items.notna().any(axis=1) for end in ends.values()], axis=1).any(axis=1)
    said = rows[~looped & about]
    most = said[RELATION].value_counts().sort_index().nlargest(MOST_RELATIONS, keep="first").index
    kept = said[said[RELATION].isin(most)]
    added = {domain: _added(_facts(kept, ends, domain), tables.get(domain)) for domain in known}
    doubtful = pd.concat([end.items.notna().all(axis=1) for end in ends.values()], axis=1)
    used = UsedTriples(
        len(rows),
        len(kept),
        int((~looped & ~about).sum()),
        int(looped.sum()),
        len(said) - len(kept),
        int(doubtful.any(axis=1)[kept.index].sum()),
    )
    return added, used


@dataclass(frozen=True)
class _End:
    """One end of every triple; both are indexed as the triples are."""

    items: pd.DataFrame  # a column per domain: the id where it is an item of the domain, else NA
    names: pd.Series  # as an entity


def _read_end(written: pd.Series, known: dict[str, set[str]]) -> _End:
    marked = written.str.extract(rf"^({'|'.join([*known, ENTITY])}):(.+)$")
    bare = written.isin(set().union(*known.values())) | marked[0].isna()
    names = written.where(bare, marked[1])
    items = {
        domain: names.where((bare | (marked[0] == domain)) & names.isin(ids))
        for domain, ids in known.items()
    }
    return _End(pd.DataFrame(items), names.str.replace("|", "/", regex=False))


def _facts(rows: pd.DataFrame, ends: dict[str, _End], domain: str) -> pd.DataFrame:
    """ITEM, RELATION and ENTITY, one row per item of the domain and what it holds."""
    tails = ends[TAIL].names
    joined = ends[HEAD].items.notna().any(axis=1) & ends[TAIL].items.notna().any(axis=1)
    parts = [
        pd.DataFrame({ITEM: ends[end].items[domain], RELATION: rows[RELATION], ENTITY: entity})
        for end, entity in ((HEAD, tails), (TAIL, tails.where(joined, ends[HEAD].names)))
    ]
    facts = pd.concat([part.loc[rows.index] for part in parts], ignore_index=True)
    return facts.dropna(subset=ITEM).drop_duplicates()


def _added(facts: pd.DataFrame, table: pd.DataFrame | None) -> pd.DataFrame:
    """The table with a column per relation; names of a column that is there already stay."""
    held = facts.groupby([ITEM, RELATION])[ENTITY].agg("|".join).unstack(RELATION)
    held.columns = [ATTRIBUTE + relation for relation in held.columns]
    if table is None:
        return held.fillna("").reset_index()
    known = table.astype({ITEM: "str"}).drop_duplicates(ITEM).set_index(ITEM)
    spelled = {column.casefold(): column for column in known}
    held = held.rename(columns=lambda column: spelled.get(column.casefold(), column))
    both = known.reindex(known.index.union(held.index))
    texts = [column for column in both if column != VECTOR]
    both[texts] = both[texts].fillna("")
    for column in held:
        new = held[column].reindex(both.index).fillna("")
        both[column] = (both.get(column, "") + "|" + new).str.strip("|")
    return both.rename_axis(ITEM).reset_index()


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


def attribute_paths(
    graph: KnowledgeGraph, source_items: IntArray, target_items: IntArray, item: int
) -> list[KnowledgePath]:
    """Every entity that the target item shares with a history, the rarest first.

    What more than MOST_HELD of the target's items hold is no reason for one of them. A path is a
    fact about the items, whatever model recommends them; the item itself, where it stands in the
    history, leads nowhere.
    """
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
