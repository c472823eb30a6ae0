"""Paths from histories to an item, worked by hand, and their words."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.knowledge import attribute_paths, knowledge_graph, path_words
from tests.core.data.test_knowledge import described

GRAPH = knowledge_graph(
    described(["Drama|Sea", "Drama", "Love", ""], ["Drama|Sea", "Love|Sea", "Drama", "Love"])
)


def test_paths_lead_from_both_histories_through_what_is_shared_the_rarest_first():
    paths = attribute_paths(GRAPH, np.array([1, 2, 0]), np.array([2, 1]), item=0)
    assert [(path.entity, path.holders) for path in paths] == [("Sea", 3), ("Drama", 4)]
    sea, drama = paths
    assert sea.rarity == pytest.approx(np.log2(8 / 3))
    assert drama.rarity == 1.0
    assert (sea.source_items.tolist(), sea.target_items.tolist()) == ([0], [1])
    assert (sorted(drama.source_items), drama.target_items.tolist()) == ([0, 1], [2])


def test_the_item_itself_and_an_empty_history_lead_nowhere():
    nothing = np.array([], dtype=int)
    assert attribute_paths(GRAPH, nothing, np.array([0]), item=0) == []
    assert attribute_paths(GRAPH, np.array([3]), nothing, item=0) == []


def test_a_path_is_said_as_a_person_would():
    assert path_words("category", "Drama", ["Emma"]) == "same category as Emma: Drama"
    assert path_words("topic", "Sea", ["A", "B"]) == "same topic as A and B: Sea"
    assert path_words("topic", "Sea", list("ABCDE")) == "same topic as A, B, C and 2 more: Sea"
    assert path_words("Author", "Austen", ["Emma"]) == "both by Austen, like Emma"
    assert path_words("author", "Austen", ["A", "B"]) == "all by Austen, like A and B"
