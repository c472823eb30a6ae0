"""Data, Text: what the items of both domains say, as a model would read it."""

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.basics.columns import CATEGORIES, ITEM, TITLE, USER
from core.basics.files import write_json
from core.basics.workspace import Workspace
from core.data.build_pair import build_pair
from core.data.database import in_memory
from core.data.pair_folder import PairInputs, PairSettings
from core.ui.widgets import plain
from tests.pages.stories import NASTY, entered, open_page, well, words

CHINESE = ["战争与和平", "活着", "围城", "边城", "家", "茶馆"]
ENGLISH = ["War and Peace", "To Live", "", "<b>Border</b> Town", NASTY, "Teahouse"]


def opened() -> AppTest:
    return well(open_page("data", tab="Text"))


def interactions(letter: str) -> pd.DataFrame:
    rows = [(f"u{user}", f"{letter}{item}") for user in range(12) for item in range(6)]
    return pd.DataFrame(rows, columns=[USER, ITEM])


def items(letter: str, titles: list[str]) -> pd.DataFrame:
    ids = [f"{letter}{item}" for item in range(len(titles))]
    return pd.DataFrame({ITEM: ids, TITLE: titles, CATEGORIES: "Drama|War"})


@pytest.fixture
def pair(tmp_path, monkeypatch) -> Workspace:
    """Chinese books and English films."""
    workspace = entered(Workspace(tmp_path / "workspace"), monkeypatch)
    files = {
        "source": interactions("b"),
        "target": interactions("f"),
        "items_source": items("b", CHINESE),
        "items_target": items("f", ENGLISH),
    }
    paths = {}
    for name, frame in files.items():
        paths[name] = workspace.root / name / f"{name}.parquet"
        paths[name].parent.mkdir()
        frame.to_parquet(paths[name])
        write_json(paths[name].parent / "dataset.json", {"hash": name})
    inputs = PairInputs(**paths, source_name="books", target_name="films")
    build_pair(in_memory(workspace.root), inputs, PairSettings(), workspace.pairs)
    return workspace


def test_without_a_pair_the_tab_says_where_to_make_one(empty_workspace):
    assert "Make one under Pair" in words(opened())


def test_both_domains_are_counted_by_every_choice(pair):
    app = opened()
    table = app.table[0].value.set_index(["Read", "Domain"])
    assert table.loc[("Titles", "films"), "Without"] == "1"
    assert table.loc[("Titles and categories", "films"), "Without"] == "0"
    assert table.loc[("Titles", "books"), "With text"] == "100%"
    assert "In which script" in words(app)


def test_samples_show_what_cleaning_leaves_and_titles_stay_literal(pair):
    samples = opened().table[1].value.set_index("Title in the file")["As models read it"]
    assert samples[plain("<b>Border</b> Town")] == "Border Town"
    assert "img" not in samples[plain(NASTY)]


def test_categories_are_read_where_they_are_asked_for(pair):
    app = opened()
    app.segmented_control(key="text_reads").set_value("titles and categories").run()
    assert any("Drama, War" in text for text in well(app).table[1].value["As models read it"])


def test_a_domain_without_item_table_is_said(trained_workspace):
    app = opened()
    assert "No item of :orange[books] has any text" in words(app)
    assert "items of the split" in words(app)
