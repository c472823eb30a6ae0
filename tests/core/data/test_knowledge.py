"""The graph of attributes: triples worked by hand, and what carries nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.data.knowledge import LeftOut, knowledge_graph
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
