"""A file of triples (head, relation, tail) as further attributes of both domains' items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from core.basics.columns import ATTRIBUTE, HEAD, ITEM, RELATION, TAIL, VECTOR
from core.basics.wording import count

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

    def words(self) -> str:
        """One sentence with every count."""
        others = (
            (self.unknown, "name no item of the pair"),
            (self.loops, "lead from something to itself"),
            (self.rare, f"have a relation beyond the {MOST_RELATIONS} most used"),
        )
        said = f"Of {count(self.read, 'triple')} {self.used:,} say something about an item"
        return "; ".join([said, *(f"{number:,} {why}" for number, why in others if number)]) + "."


def with_triples(
    triples: pd.DataFrame, items: dict[str, Iterable[str]], tables: dict[str, pd.DataFrame | None]
) -> tuple[dict[str, pd.DataFrame], UsedTriples]:
    """The item tables of both domains with what the triples say of their items.

    triples: HEAD, RELATION, TAIL; items: ids by domain. Where one end is an item, the other is an
    entity it holds; where both are, they hold the tail in common, so that they are joined.
    """
    rows = triples[[HEAD, RELATION, TAIL]].astype("str")
    rows[RELATION] = rows[RELATION].str.split().str.join(" ").str.casefold()
    looped = rows[HEAD] == rows[TAIL]
    known = {domain: set(ids) for domain, ids in items.items()}
    everything = set().union(*known.values())
    by_head, by_tail = rows[HEAD].isin(everything), rows[TAIL].isin(everything)
    said = rows[~looped & (by_head | by_tail)]
    most = said[RELATION].value_counts().sort_index().nlargest(MOST_RELATIONS, keep="first").index
    kept = said[said[RELATION].isin(most)]
    facts = _facts(kept, by_head.loc[kept.index], by_tail.loc[kept.index])
    added = {
        domain: _added(facts[facts[ITEM].isin(ids)], tables.get(domain))
        for domain, ids in known.items()
    }
    unknown = int((~looped & ~by_head & ~by_tail).sum())
    used = UsedTriples(len(rows), len(kept), unknown, int(looped.sum()), len(said) - len(kept))
    return added, used


def _facts(rows: pd.DataFrame, by_head: pd.Series, by_tail: pd.Series) -> pd.DataFrame:
    """ITEM, RELATION and ENTITY, one row per item and what it holds."""
    holds = {HEAD: (by_head, TAIL), TAIL: (by_tail, HEAD)}
    parts = [
        pd.DataFrame({
            ITEM: rows.loc[those, end], RELATION: rows.loc[those, RELATION],
            ENTITY: rows.loc[those, other],
        })
        for end, (those, other) in holds.items()
    ]  # fmt: skip
    between = by_head & by_tail
    parts[1].loc[between[by_tail][lambda both: both].index, ENTITY] = rows.loc[between, TAIL]
    facts = pd.concat(parts, ignore_index=True)
    facts[ENTITY] = facts[ENTITY].str.replace("|", "/", regex=False)
    return facts.drop_duplicates()


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
