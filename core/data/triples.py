"""A file of triples (head, relation, tail): attributes of both domains' items, and what is between
entities.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import (
    ATTRIBUTE,
    CATEGORIES,
    HEAD,
    ITEM,
    RELATION,
    TAIL,
    VECTOR,
    attribute_columns,
)
from core.basics.formatting import count
from core.basics.types import BoolArray
from core.data.knowledge import compared, names_in

MOST_RELATIONS = 20  # the most used ones are kept
ENTITY = "entity"


@dataclass(frozen=True)
class UsedTriples:
    """How many triples of a file lead to an item, and why the others do not."""

    read: int
    used: int  # with an item at an end
    unknown: int  # neither end is an item of the pair, nor leads to what an item holds
    loops: int  # both ends are the same
    rare: int  # of relations beyond the most used ones
    doubtful: int = 0  # of those used, with an id that is an item of both domains
    between: int = 0  # between entities, from or to what an item holds, directly or over others

    def words(self) -> str:
        """One sentence with every count."""
        others = (
            (self.between, "join entities that items hold"),
            (self.unknown, "name no item of the pair, nor what leads to one"),
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
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, UsedTriples]:
    """The item tables of both domains with what the triples say of their items; HEAD, RELATION and
    TAIL of what they say of entities, by name; and counts.

    triples: HEAD, RELATION, TAIL; items: ids by domain. Where one end is an item, the other is an
    entity it holds; where both are, they hold the tail in common, so that they are joined. An id
    that both domains have is an item of both, unless it is written as source:1 or target:1;
    entity:1 is no item. A triple between entities is kept where others, of any number, lead from it
    to what an item holds by these triples or by its table.
    """
    rows = triples[[HEAD, RELATION, TAIL]].astype("str")
    rows[RELATION] = rows[RELATION].str.split().str.join(" ").str.casefold()
    looped = rows[HEAD] == rows[TAIL]
    known = {domain: set(ids) for domain, ids in items.items()}
    ends = {end: _read_end(rows[end], known) for end in (HEAD, TAIL)}
    about = pd.concat([end.items.notna().any(axis=1) for end in ends.values()], axis=1).any(axis=1)
    stray = ends[HEAD].stray | ends[TAIL].stray
    between = ~looped & ~about & ~stray
    held = _held_names(rows[~looped & about], ends, tables)
    between[between] = _leads_to(ends[HEAD].names[between], ends[TAIL].names[between], held)
    said = [rows[~looped & about], rows[between]]
    counted = [part[RELATION].value_counts().sort_index() for part in said]
    kept = [uses.nlargest(MOST_RELATIONS, keep="first").index for uses in counted]
    facts, links = (part[part[RELATION].isin(most)] for part, most in zip(said, kept, strict=True))
    added = {domain: _added(_facts(facts, ends, domain), tables.get(domain)) for domain in known}
    doubtful = pd.concat([end.items.notna().all(axis=1) for end in ends.values()], axis=1)
    used = UsedTriples(
        len(rows),
        len(facts),
        int((~looped & ~about & ~between).sum()),
        int(looped.sum()),
        sum(map(len, said)) - len(facts) - len(links),
        int(doubtful.any(axis=1)[facts.index].sum()),
        len(links),
    )
    named = {end: ends[end].names[links.index] for end in (HEAD, TAIL)}
    return added, links.assign(**named).drop_duplicates(ignore_index=True), used


def _held_names(
    facts: pd.DataFrame, ends: dict[str, _End], tables: dict[str, pd.DataFrame | None]
) -> set[str]:
    """Entities as they are compared that items hold, by triples or by their tables."""
    found = {compared(name) for end in ends.values() for name in end.names[facts.index]}
    for table in tables.values():
        if table is not None:
            for column in {CATEGORIES, *attribute_columns(table)} & set(table.columns):
                cells = table[column].dropna().unique()
                found |= {compared(name) for cell in cells for name in names_in(cell)}
    return found


def _leads_to(heads: pd.Series, tails: pd.Series, held: set[str]) -> BoolArray:
    """(n_triples,) whether a triple between entities leads, over others or not, to a held one."""
    ends, names = pd.factorize(pd.concat([heads, tails]).map(compared))
    places = ends[: len(heads)], ends[len(heads) :]
    joined = csr_matrix((np.ones(len(heads)), places), shape=(len(names), len(names)))
    from scipy.sparse.csgraph import connected_components  # loads scipy.linalg

    parts = connected_components(joined, directed=False)[1]
    of_held = np.isin(parts, parts[[name in held for name in names]])
    return np.asarray(of_held[places[0]], dtype=bool)


@dataclass(frozen=True)
class _End:
    """One end of every triple; both are indexed as the triples are."""

    items: pd.DataFrame  # a column per domain: the id where it is an item of the domain, else NA
    names: pd.Series  # as an entity
    stray: pd.Series  # whether it is written as an item of a domain that has no such item


def _read_end(written: pd.Series, known: dict[str, set[str]]) -> _End:
    marked = written.str.extract(rf"^({'|'.join([*known, ENTITY])}):(.+)$")
    bare = written.isin(set().union(*known.values())) | marked[0].isna()
    names = written.where(bare, marked[1])
    items = {
        domain: names.where((bare | (marked[0] == domain)) & names.isin(ids))
        for domain, ids in known.items()
    }
    found = pd.DataFrame(items)
    stray = ~bare & (marked[0] != ENTITY) & found.isna().all(axis=1)
    return _End(found, names.str.replace("|", "/", regex=False), stray)


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
