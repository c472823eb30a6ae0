"""A run on new items, page by page: nothing but new items in any list, and what it is beside."""

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.basics.columns import ITEM, TEST, USER
from core.basics.workspace import Workspace
from core.data.snapshot import NEW_ITEMS, SplitTables, read_snapshot, write_snapshot
from core.data.splitting import hold_out_items
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.runs.report.story import tell_story
from core.store.run_folder import read_run
from tests.pages.stories import ROOT, entered, open_page, well, words

USERS, ITEMS = 80, 60


def some_rows(letter: str, each: int) -> pd.DataFrame:
    rng = np.random.default_rng(ord(letter))
    rows = [
        (f"u{user:02d}", f"{letter}{item:02d}")
        for user in range(USERS)
        for item in rng.permutation(np.arange(user % 2, ITEMS, 2))[:each]
    ]
    return pd.DataFrame(rows, columns=[USER, ITEM])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("new") / "workspace")
    source, target = some_rows("b", 8), some_rows("f", 12)
    valid, test = hold_out_items(target, (0.1, 0.2), 5, 1)
    tables = SplitTables(source, target[~(valid | test)], target[valid], target[test], None, None)
    folder = write_snapshot(
        workspace.splits,
        tables,
        source_name="books",
        target_name="films",
        kind=NEW_ITEMS,
        seed=1,
        settings={},
        dataset_hash="1" * 16,
    )
    return workspace, train_run(RunPlan(folder.name, "ease"), workspace).name, folder


@pytest.fixture
def run(trained, monkeypatch) -> str:
    entered(trained[0], monkeypatch)
    return trained[1]


def test_the_metrics_page_sets_the_run_beside_a_random_order_and_the_oracle(run):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = run
    app.session_state["metrics_tab"] = "Fairness"
    said = words(well(app.switch_page("pages/metrics.py").run()))
    assert "12 new items" in said
    assert "its order of them is arbitrary" in said
    assert "found among **new** items of the part alone" in said
    table = next(t.value for t in app.table if "List" in t.value)
    assert table["List"].str.contains("Random order|Oracle").sum() == 2
    assert table["Recall@50"].tolist()[1] == "1.000"  # lists of 50 hold all twelve


@pytest.mark.parametrize("name", ["fusion", "recommendations"])
def test_the_pages_that_rank_stand(run, name):
    well(open_page(name, run=run))


def test_the_report_says_what_was_hidden_and_that_the_order_is_arbitrary(run, trained):
    told = tell_story(trained[0], read_run(trained[0].runs / run))
    said = {section.key: str(section.blocks) for section in told.sections}
    assert "some items of films were hidden from training altogether" in said["data"]
    assert "among all 12 new items" in said["data"]
    assert "nDCG@10 of this run is" in said["limits"]  # lists of 50 hold all twelve
    assert "a random order of the new items gives" in said["limits"]
    assert "its order of them is arbitrary" in said["limits"]
    assert "popularity, the least any model must beat" not in said["limits"]
    assert "an arbitrary order of new items" in said["people"]


def test_every_kept_list_holds_new_items_alone(run, trained):
    split, kept = read_snapshot(trained[2]), read_run(trained[0].runs / run)
    listed = np.unique(kept.lists(TEST).items)
    assert np.isin(listed[listed >= 0], np.flatnonzero(split.new_items[TEST])).all()
    entries = np.unique(kept.candidates(TEST).items)
    assert np.isin(entries, np.flatnonzero(split.new_items[TEST])).all()
