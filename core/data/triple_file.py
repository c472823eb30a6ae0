"""A file of triples (head, relation, tail) as further attributes of both domains' items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from core.basics.columns import ATTRIBUTE, HEAD, ITEM, RELATION, TAIL, VECTOR
from core.basics.formatting import count

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
