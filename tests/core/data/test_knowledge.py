"""The graph of attributes: triples worked by hand, and what carries nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from core.basics.columns import HEAD, RELATION, TAIL
from core.data.knowledge import LeftOut, attribute_paths, knowledge_graph, path_words
from core.data.pair import DomainPair, ItemFeatures
from tests.worlds import pair_of


def described(
    source: list[str], target: list[str], brands: dict[str, list[str]] | None = None
) -> DomainPair:
    """A pair whose items have these categories, and brands where they are given by domain."""

    def features(categories: list[str], domain: str) -> ItemFeatures:
        blank = np.array([""] * len(categories), dtype=object)
        given = {"Brand": np.array(brands[domain], dtype=object)} if brands else {}
        return ItemFeatures(blank, np.array(categories, dtype=object), blank, given)

    pair = pair_of(np.ones((2, len(source))), np.ones((2, len(target))))
    return replace(
        pair,
        source_features=features(source, "source"),
        target_features=features(target, "target"),
    )


def test_triples_of_both_domains_meet_in_entities_of_one_name():
    graph = knowledge_graph(described(["Drama|War", " drama "], ["DRAMA|Love", "War", "Love", ""]))
    assert graph.relations == ["category"]
    assert graph.names == ["Drama", "Love", "War"]
    assert graph.source.toarray().tolist() == [[1, 0, 1], [1, 0, 0]]
    assert graph.target.toarray().tolist() == [[1, 1, 0], [0, 0, 1], [0, 1, 0], [0, 0, 0]]
    assert graph.holders.tolist() == [3, 2, 2]
    assert graph.joining == 2
    assert graph.left_out == LeftOut(repeated=0, single=0, common=0, bare=1)


def test_what_one_item_or_most_items_hold_is_left_out_and_said():
    graph = knowledge_graph(described(["A|B|B", "A"], ["A|C", "C", "A"]))
    assert graph.names == ["C"]
    assert graph.left_out == LeftOut(repeated=1, single=1, common=1, bare=0)
    assert graph.words().endswith(
        "Left out: 1 entity held by one item alone, 1 entity held by more than 50% of all items, "
        "1 triple said twice."
    )


def test_the_same_name_under_another_relation_is_another_entity():
    brands = {"source": ["", "Acme", ""], "target": ["", "acme ", ""]}
    pair = described(["Acme", "", ""], ["Acme", "", ""], brands)
    graph = knowledge_graph(pair)
    assert graph.relations == ["Brand", "category"]
    assert graph.names == ["Acme", "Acme"]
    assert graph.relation_of.tolist() == [0, 1]


def test_items_without_attributes_make_a_graph_without_entities():
    for pair in (pair_of(np.ones((2, 2)), np.ones((2, 3))), described(["", ""], ["", " | "])):
        graph = knowledge_graph(pair)
        assert graph.names == []
        assert graph.target.shape == (pair.target.shape[1], 0)
        assert graph.left_out.bare == len(pair.source_items) + len(pair.target_items)


def test_a_twin_keeps_what_the_targets_own_items_share():
    graph = knowledge_graph(
        described(["Drama", "War"], ["Drama", "Drama", "War", ""]).target_only()
    )
    assert graph.names == ["Drama"]
    assert graph.source.shape == (0, 1)


def linked(pair: DomainPair, *rows: tuple[str, str, str]) -> DomainPair:
    """The pair with triples between entities."""
    links = pd.DataFrame(rows, columns=[HEAD, RELATION, TAIL])
    return replace(pair, target_features=replace(pair.target_features, entity_links=links))


BY = {"source": ["Ann", "Bob", "Cid"], "target": ["Dan", "Eve", "Fay"]}
BORN = linked(
    described(["", "", ""], ["", "", ""], BY),
    ("Ann", "born in", "Oslo"),
    ("ANN", "born in", "oslo"),  # the same again
    ("Dan", "born in", "Oslo"),
    ("Bob", "taught", "Eve"),
    ("Fay", "born in", "Rome"),  # leads to nobody else
    ("Rome", "lies in", "Italy"),
)


def test_triples_between_entities_join_items_that_share_no_entity():
    graph = knowledge_graph(BORN)
    assert graph.names == ["Oslo", "Ann", "Bob", "Dan", "Eve"]
    assert graph.relations == ["born in", "Brand", "taught"]
    said = {
        (graph.names[head], graph.relations[relation], graph.names[tail])
        for head, relation, tail in zip(
            graph.link_heads, graph.link_relation, graph.link_tails, strict=True
        )
    }
    assert said == {
        ("Ann", "born in", "Oslo"),
        ("Dan", "born in", "Oslo"),
        ("Bob", "taught", "Eve"),
    }
    assert graph.left_out == LeftOut(single=2, loose=2)  # Cid and Fay; Rome and Italy
    assert graph.joining == 0
    assert "3 triples between entities; by one of them 2 entities more can be reached" in (
        graph.words()
    )


def test_a_path_may_take_a_step_between_entities():
    graph, nothing = knowledge_graph(BORN), np.array([], dtype=int)
    (path,) = attribute_paths(graph, np.array([0, 1, 2]), nothing, item=0)
    assert (path.relation, path.entity, path.via) == ("born in", "Oslo", ("Dan",))
    assert (path.source_items.tolist(), path.holders) == ([0], 2)
    said = path_words(path.relation, path.entity, ["Emma"], path.via)
    assert said == "same born in as Emma: Oslo, by way of Dan"
    (taught,) = attribute_paths(graph, np.array([1]), nothing, item=1)  # Eve herself, whom Bob did
    assert (taught.entity, taught.source_items.tolist(), taught.via) == ("Eve", [1], ())
    assert attribute_paths(graph, np.array([2]), nothing, item=2) == []


def test_what_most_items_reach_by_one_triple_is_no_way():
    """Every author is a person: nobody is told apart by it."""
    pair = described([""] * 3, [""] * 3, BY)
    everybody = [name for names in BY.values() for name in names]
    graph = knowledge_graph(linked(pair, *((name, "is a", "person") for name in everybody)))
    assert graph.names == []
    assert graph.left_out.common == 1
