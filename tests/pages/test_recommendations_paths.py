"""Attributes in common as reasons on the Recommendations page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.data.knowledge import knowledge_graph
from core.data.pair import ItemFeatures
from core.data.snapshot import read_snapshot
from core.store.run_folder import read_run
from core.ui import cached
from tests.pages.stories import NASTY, open_page, well, words


@pytest.fixture
def shared_attributes(nothing_kept, trained_workspace, monkeypatch):
    """Every item of a taste is by one author, of books as of films, and in one nasty category."""
    workspace, name = trained_workspace.workspace, trained_workspace.runs["ease"]
    run = read_run(workspace.runs / name)
    train = read_snapshot(workspace.splits / run.record.split_hash).train

    def features(ids: np.ndarray) -> ItemFeatures:
        tastes = [int(one[1:]) % 4 for one in ids]
        blank = np.array([""] * len(ids), dtype=object)
        categories = np.array([NASTY if taste < 2 else "" for taste in tastes], dtype=object)
        authors = np.array([f"Author {taste}" for taste in tastes], dtype=object)
        return ItemFeatures(blank, categories, blank, {"author": authors})

    pair = replace(
        train,
        source_features=features(train.source_items.ids),
        target_features=features(train.target_items.ids),
    )
    monkeypatch.setattr(cached, "knowledge", lambda split_hash: knowledge_graph(pair))
    return name


def test_a_recommendation_names_what_it_shares_with_both_histories(shared_attributes):
    app = well(open_page("recommendations", run=shared_attributes, user="u008"))
    said = words(app)
    assert "What has it in common with this history?" in said
    line = next(text for text in said.splitlines() if "all by **Author 0**, like" in text)
    assert ":orange[b" in line
    assert "and " in line
    assert "36 items have it · adds +" in line
    assert "same category as" in said
    assert NASTY not in said


def test_what_most_of_the_catalogue_has_is_no_reason(shared_attributes, monkeypatch):
    """ "Same category: Drama, held by 1,138 items" was the whole catalogue."""
    monkeypatch.setattr("core.data.knowledge.MOST_HELD", 0.3)  # half of the films hold one category
    said = words(well(open_page("recommendations", run=shared_attributes, user="u008")))
    assert "by **Author 0**" in said
    assert "same category as" not in said


def test_without_attributes_the_page_says_nothing_of_paths(trained_workspace):
    app = well(open_page("recommendations", run=trained_workspace.runs["ease"], user="u008"))
    assert "in common with this history" not in words(app)
