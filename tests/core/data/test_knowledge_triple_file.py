"""An uploaded file of triples: what becomes an attribute, and what is counted instead."""

from __future__ import annotations

import pandas as pd

from core.basics.columns import ATTRIBUTE, HEAD, ITEM, RELATION, TAIL, TITLE
from core.data.triples import UsedTriples, with_triples

ITEMS = {"source": ["b0", "b1"], "target": ["f0", "f1"]}


def triples(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[HEAD, RELATION, TAIL])


def cells(table: pd.DataFrame, relation: str) -> dict[str, str]:
    return dict(zip(table[ITEM], table[ATTRIBUTE + relation], strict=True))


def test_triples_become_attributes_of_the_items_of_both_domains():
    given = triples(
        ("b0", "Set in", "Paris|Rome"),
        ("f1", "set in", "Oslo"),
        ("Ann", "wrote", "b1"),
        ("f0", "based on", "b1"),
    )
    tables, _, used = with_triples(given, ITEMS, {})
    assert used == UsedTriples(read=4, used=4, unknown=0, loops=0, rare=0)
    assert cells(tables["source"], "set in")["b0"] == "Paris/Rome"
    assert cells(tables["target"], "set in") == {"f0": "", "f1": "Oslo"}
    assert cells(tables["source"], "wrote")["b1"] == "Ann"
    # Film and book hold the same entity, so the graph joins them.
    assert cells(tables["source"], "based on")["b1"] == "b1"
    assert cells(tables["target"], "based on")["f0"] == "b1"


def test_what_says_nothing_of_an_item_is_counted_and_said():
    given = triples(
        ("b0", "by", "Ann"),
        ("b9", "by", "Eve"),
        ("b0", "like", "b0"),
        *((f"b{place % 2}", f"r{place}", "x") for place in range(20) for _ in range(2)),
    )
    _, _, used = with_triples(given, ITEMS, {})
    assert used == UsedTriples(read=43, used=40, unknown=1, loops=1, rare=1)
    assert used.words() == (
        "Of 43 triples 40 say something about an item; "
        "1 name no item of the pair, nor what leads to one; "
        "1 lead from something to itself; 1 have a relation beyond the 20 most used."
    )


def test_names_of_an_item_table_stay_beside_those_of_triples():
    table = pd.DataFrame({ITEM: ["b0"], TITLE: ["Emma"], ATTRIBUTE + "By": ["Austen"]})
    given = triples(("b0", "by", "Jane"), ("b1", "by", "Ann"))
    tables, _, _ = with_triples(given, ITEMS, {"source": table})
    assert cells(tables["source"], "By") == {"b0": "Austen|Jane", "b1": "Ann"}
    assert tables["source"][TITLE].tolist() == ["Emma", ""]
    assert list(tables["target"].columns) == [ITEM]


def test_no_triple_of_use_leaves_the_tables_as_they_were():
    tables, _, used = with_triples(triples(("x", "y", "z")), ITEMS, {})
    assert (used.used, used.unknown) == (0, 1)
    assert len(tables["source"]) == 0


def test_an_id_of_both_domains_is_both_unless_its_domain_is_written():
    both = {"source": ["1", "2"], "target": ["1", "3"]}
    given = triples(
        ("1", "by", "Ann"),
        ("source:1", "in", "Oslo"),
        ("target:1", "in", "Rome"),
        ("2", "year", "entity:1"),
        ("target:3", "sequel of", "target:1"),
        ("target:2", "by", "Eve"),
    )
    tables, _, used = with_triples(given, both, {})
    assert cells(tables["source"], "by") == {"1": "Ann", "2": ""}
    assert cells(tables["target"], "by") == {"1": "Ann", "3": ""}
    assert cells(tables["source"], "in")["1"] == "Oslo"
    assert cells(tables["target"], "in")["1"] == "Rome"
    assert cells(tables["source"], "year")["2"] == "1"
    assert ATTRIBUTE + "year" not in tables["target"]
    assert cells(tables["target"], "sequel of") == {"1": "1", "3": "1"}
    assert used == UsedTriples(read=6, used=5, unknown=1, loops=0, rare=0, doubtful=1)
    assert used.words().endswith(
        "1 triple names an id that both domains have, taken for both items; write source:ID or "
        "target:ID for one of them, entity:ID for neither."
    )


def test_an_id_that_looks_like_a_mark_is_an_id():
    tables, _, _ = with_triples(triples(("source:x", "by", "Ann")), {"target": ["source:x"]}, {})
    assert cells(tables["target"], "by") == {"source:x": "Ann"}


def test_triples_between_entities_are_kept_where_they_lead_to_what_an_item_holds():
    given = triples(
        ("b0", "by", "Ann"),
        ("ann", "Born in", "Oslo"),
        ("Oslo", "lies in", "Norway"),  # over one more
        ("Eve", "born in", "Rome"),
        ("Murray", "lies in", "Norway"),  # a publisher of the item table
        ("target:b7", "by", "Ann"),  # an item the target does not have
    )
    table = pd.DataFrame({ITEM: ["b1"], ATTRIBUTE + "publisher": ["Murray|Sons"]})
    tables, links, used = with_triples(given, ITEMS, {"source": table})
    assert used == UsedTriples(read=6, used=1, unknown=2, loops=0, rare=0, between=3)
    assert cells(tables["source"], "by") == {"b0": "Ann", "b1": ""}
    assert links.to_numpy().tolist() == [
        ["ann", "born in", "Oslo"],
        ["Oslo", "lies in", "Norway"],
        ["Murray", "lies in", "Norway"],
    ]
    assert "3 join entities that items hold; 2 name no item" in used.words()
