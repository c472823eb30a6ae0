"""One current question: every page speaks of the pair and the run that the sidebar shows."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.basics.workspace import Workspace
from core.runs.answer.standing import choose
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import read_run
from tests.pages.stories import ROOT, entered, open_page, planted_split, well, words

PAGES = sorted(file.stem for file in (ROOT / "pages").glob("*.py"))
PAIRS = {"violins": "cellos", "apples": "quinces", "ferries": "trams"}
MODELS = ("popularity", "item_knn", "ease", "edlae")


@pytest.fixture(scope="module")
def _three(tmp_path_factory) -> tuple[Workspace, dict[str, dict[str, str]]]:
    """Three pairs with four runs each, and ids of the runs by source and model."""
    workspace = Workspace(tmp_path_factory.mktemp("three") / "workspace")
    ids: dict[str, dict[str, str]] = {}
    for seed, names in enumerate(PAIRS.items(), start=1):
        split = planted_split(workspace, seed, names)
        plans = [RunPlan(split, model, label=f"{model} of {names[0]}") for model in MODELS]
        ids[names[0]] = {plan.model: train_run(plan, workspace).name for plan in plans}
    return workspace, ids


@pytest.fixture
def three(_three, monkeypatch) -> dict[str, dict[str, str]]:
    """Ids of the runs by source and model; the workspace is the app's own."""
    entered(_three[0], monkeypatch)
    return _three[1]


def _said(app: AppTest) -> str:
    """Running text, tables and the boxes' chosen values, the sidebar's among them."""
    tables = [frame.value.to_csv() for frame in app.dataframe]
    return "\n".join([words(app), *tables, *(str(box.value) for box in app.selectbox)])


@pytest.mark.parametrize("source", PAIRS)
def test_no_page_speaks_of_another_pair_than_the_sidebar(three, source):
    others = [name for pair in PAIRS.items() if pair[0] != source for name in pair]
    for page in PAGES:
        for model in ("ease", "edlae"):
            said = _said(well(open_page(page, run=three[source][model])))
            assert source in said
            assert not [name for name in others if name in said], page


def test_a_chosen_pair_is_the_pair_of_every_page(three):
    app = well(open_page("metrics"))
    box = app.sidebar.selectbox(key="sidebar_pair")
    ferries = next(option for option in box.options if option.startswith("ferries"))
    assert ferries == "ferries → trams, 4 runs"
    box.select(next(hash for hash in (f"{seed:016d}" for seed in (1, 2, 3)) if hash[-1] == "3"))
    app.run()
    for page in PAGES:
        said = _said(well(app.switch_page(f"pages/{page}.py").run()))
        assert "ferries" in said, page
        assert not [other for other in ("violins", "apples") if other in said], page


def test_the_address_names_pair_and_run(three):
    app = well(open_page("metrics", pair=f"{2:016d}"))
    assert app.query_params["pair"] == f"{2:016d}"
    assert app.query_params["run"] in three["apples"].values()


def test_a_run_of_one_pair_and_a_split_of_another_show_the_run(three):
    split = read_run(_folder(three["ferries"]["ease"])).record.split_hash
    said = _said(well(open_page("start", run=three["apples"]["ease"], split=split)))
    assert "apples" in said
    assert "ferries" not in said


def test_a_pinned_run_is_what_a_new_tab_opens_on(three):
    app = well(open_page("metrics", run=three["apples"]["item_knn"]))
    app.sidebar.button(key="pin_run").click().run()
    try:
        fresh = well(open_page("metrics", pair=f"{2:016d}"))
        assert fresh.query_params["run"] == three["apples"]["item_knn"]
        assert "pin_run" not in [button.key for button in fresh.sidebar.button]
    finally:
        choose(
            Workspace.from_environment(), read_run(_folder(three["apples"]["ease"])), pinned=False
        )


def _folder(run_id: str):
    return Workspace.from_environment().runs / run_id
