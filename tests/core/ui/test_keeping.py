"""What kept figures are told apart by."""

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st

from core.basics.workspace import VARIABLE
from core.data.pair_folder import PairInputs, PairSettings
from core.data.snapshot import Split, SplitInfo
from core.data.splitting import SplitSettings
from core.fusion.combine import Fusion
from core.store.run_folder import Run
from core.ui import report
from core.ui.data import preview
from core.ui.keeping import KEYS, kept_data, kept_resource, known_by
from core.ui.metrics.figures import Contender
from core.ui.metrics.lists import Listed
from core.ui.metrics.view import View as MetricsView
from core.ui.recommendations.view import View


@pytest.fixture(autouse=True)
def empty():
    """Nothing is kept from one test to the next."""
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def asked():
    """What reached the work itself."""
    return []


def run_in(folder: str) -> Run:
    """A run of which only the folder is ever asked for: anything else would fail."""
    return Run(Path(folder), None)


def split_in(folder: str) -> Split:
    """A split of which only the folder is ever asked for."""
    return Split(None, None, None, None, Path(folder))


def test_two_objects_of_one_run_are_one_and_two_runs_are_two(asked):
    @kept_data(max_entries=10)
    def figures(run: Run, part: str) -> str:
        asked.append((run.folder.name, part))
        return f"{run.folder.name} {part}"

    assert figures(run_in("w/runs/a"), "test") == figures(run_in("w/runs/a"), "test") == "a test"
    assert figures(run_in("w/runs/a"), "valid") == "a valid"
    assert figures(run_in("w/runs/b"), "test") == "b test"
    assert asked == [("a", "test"), ("a", "valid"), ("b", "test")]


def test_runs_of_one_name_in_two_workspaces_are_two(asked):
    figures = kept_data(max_entries=10)(lambda run: asked.append(run.folder))
    figures(run_in("one/runs/a"))
    figures(run_in("two/runs/a"))
    assert len(asked) == 2


def test_what_is_asked_by_a_name_alone_is_kept_for_each_workspace(asked, monkeypatch):
    @kept_resource(max_entries=10)
    def info(split_hash: str) -> int:
        asked.append(split_hash)
        return len(asked)

    monkeypatch.setenv(VARIABLE, "one")
    assert info("abc") == info("abc") == 1
    monkeypatch.setenv(VARIABLE, "two")
    assert info("abc") == 2
    monkeypatch.setenv(VARIABLE, "one")
    assert info("abc") == 1


def test_a_figure_is_made_again_when_what_it_depends_on_besides_has_changed(asked):
    stamp = {"a": 1, "b": 1}

    @kept_data(max_entries=10, also=lambda run, *_, **__: stamp[run.folder.name])
    def figures(run: Run, part: str, k: int = 10) -> None:
        asked.append((run.folder.name, part, k))

    figures(run_in("a"), "test", k=5)
    figures(run_in("a"), "test", k=5)
    stamp["b"] = 2  # of another run
    figures(run_in("a"), "test", k=5)
    assert len(asked) == 1
    stamp["a"] = 2
    figures(run_in("a"), "test", k=5)
    assert len(asked) == 2


def test_an_argument_with_an_underscore_in_front_tells_nothing_apart(asked):
    figures = kept_data(max_entries=10)(lambda key, _large: asked.append(key))
    figures("a", np.zeros(3))
    figures("a", np.ones(3))
    assert asked == ["a"]


def test_functions_alike_but_for_their_names_keep_apart():
    @kept_data(max_entries=10)
    def first(name: str) -> str:
        return f"first {name}"

    @kept_data(max_entries=10)
    def second(name: str) -> str:
        return f"second {name}"

    assert (first("a"), second("a"), first("a")) == ("first a", "second a", "first a")


def test_an_error_is_raised_again_and_not_kept(asked):
    @kept_resource(max_entries=10)
    def read(name: str) -> str:
        asked.append(name)
        if len(asked) == 1:
            raise LookupError(name)
        return name

    with pytest.raises(LookupError):
        read("a")
    assert read("a") == "a"


def test_data_are_copied_for_whoever_asks_and_resources_are_not():
    copied, shared = (keep(max_entries=10)(lambda: [1]) for keep in (kept_data, kept_resource))
    assert copied() is not copied()
    assert shared() is shared()


def test_a_class_says_beside_itself_what_tells_its_objects_apart(asked):
    @known_by(lambda pair: pair.name)
    @dataclass(frozen=True)
    class Named:
        name: str
        ballast: object

    figures = kept_data(max_entries=10)(lambda named: asked.append(named.name))
    figures(Named("a", object()))
    figures(Named("a", object()))
    figures(Named("b", object()))
    assert asked == ["a", "b"]


OTHERS = {  # by class: an object, then those that are others, then those that are the same
    "Split": (split_in("a"), [split_in("b")], [split_in("a")]),
    "Contender": (
        Contender("EASE", run_in("a"), False),
        [Contender("EASE", run_in("b"), False), Contender("twin", run_in("a"), False)],
        [],
    ),
    "PairInputs": (
        PairInputs(Path("s"), Path("t")),
        [PairInputs(Path("s"), Path("u")), PairInputs(Path("s"), Path("t"), links=Path("l"))],
        [PairInputs(Path("s"), Path("t"), items_source=Path("i"), source_name="books")],
    ),
    "PairSettings": (PairSettings(), [PairSettings(target_core=7)], [PairSettings()]),
    "SplitSettings": (SplitSettings(), [SplitSettings(kind="temporal")], [SplitSettings()]),
    "ReadOptions": (
        preview.ReadOptions("interactions", {"u": "user"}),
        [
            preview.ReadOptions("interactions", {"\ud800": "user"}),
            preview.ReadOptions("items", {"u": "user"}),
        ],
        [preview.ReadOptions("interactions", {"u": "user"})],
    ),
    "ReportOptions": (
        report.ReportOptions("half a letter \ud800"),
        [
            report.ReportOptions("another"),
            report.ReportOptions("half a letter \ud800", hide_users=True),
        ],
        [report.ReportOptions("half a letter \ud800")],
    ),
    "View": (
        View(run_in("a"), split_in("s"), "test", 10, Fusion(1.0, 1.0), 3),
        [
            View(run_in("b"), split_in("s"), "test", 10, Fusion(1.0, 1.0), 3),
            View(run_in("a"), split_in("s"), "valid", 10, Fusion(1.0, 1.0), 3),
            View(run_in("a"), split_in("s"), "test", 5, Fusion(1.0, 1.0), 3),
            View(run_in("a"), split_in("s"), "test", 10, Fusion(0.5, 1.0), 3),
            View(run_in("a"), split_in("s"), "test", 10, Fusion(1.0, 1.0), 4),
        ],
        [View(run_in("a"), split_in("s"), "test", 10, Fusion(1.0, 1.0), 3)],
    ),
}
LISTED = Listed(
    [Contender("EASE", run_in("a"), False)],
    None,
    None,
    MetricsView("test", 10, "ndcg", "all"),
    None,
)
OTHERS["Listed"] = (
    LISTED,
    [
        replace(LISTED, lines=[Contender("EASE", run_in("b"), False)]),
        replace(LISTED, lines=[*LISTED.lines, Contender("twin", run_in("a/twin"), True)]),
        replace(LISTED, view=replace(LISTED.view, part="valid")),
        replace(LISTED, view=replace(LISTED.view, segment="target_history:0")),
        replace(LISTED, view=replace(LISTED.view, stamp="age.csv")),
    ],
    [replace(LISTED, view=replace(LISTED.view, metric="recall"))],
)


@pytest.mark.parametrize("name", OTHERS)
def test_every_part_that_changes_a_figure_makes_another(name, asked):
    figures = kept_data(max_entries=30)(lambda one: asked.append(one))
    one, others, same = OTHERS[name]
    figures(one)
    for again in [one, *same]:
        figures(again)
    assert len(asked) == 1
    for other in others:
        figures(other)
    assert len(asked) == 1 + len(others)


def test_what_a_class_is_known_by_asks_for_nothing_slow():
    """A folder is all there is of it: whoever read more would fail here."""
    only = SimpleNamespace(folder=Path("a"))
    assert KEYS[Run](only) == KEYS[Split](only) == "a"
    assert SplitInfo not in KEYS
