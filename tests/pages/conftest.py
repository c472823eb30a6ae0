"""Workspaces for page stories: an empty one, and one with runs that were really trained."""

from __future__ import annotations

import pytest
import streamlit as st

from core.basics.workspace import Workspace
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from tests.pages.stories import Trained, entered, planted_split


@pytest.fixture
def empty_workspace(tmp_path, monkeypatch):
    """A workspace without anything in it."""
    return entered(Workspace(tmp_path / "workspace"), monkeypatch)


@pytest.fixture
def nothing_kept():
    """No figure is kept from before or for later, for a test that changes what figures come from.

    Other tests of a workspace share what its pages have kept, as visitors of an app do.
    """
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture(scope="session")
def _trained(tmp_path_factory) -> Trained:
    workspace = Workspace(tmp_path_factory.mktemp("trained") / "workspace")
    one, other = planted_split(workspace, seed=1), planted_split(workspace, seed=2)
    plans = {
        "elsewhere": RunPlan(other, "ease", label="Elsewhere"),
        "popularity": RunPlan(one, "popularity"),
        "item_knn": RunPlan(one, "item_knn"),
        "ease": RunPlan(one, "ease"),
    }
    runs = {name: train_run(plan, workspace).name for name, plan in plans.items()}
    return Trained(workspace, runs)


@pytest.fixture
def trained_workspace(_trained, monkeypatch) -> Trained:
    """EASE with its twin, ItemKNN and popularity on one split of books → films, EASE on another.

    Tests read it and leave it as it is. Of four tastes, every user has one in both domains.
    """
    entered(_trained.workspace, monkeypatch)
    return _trained
