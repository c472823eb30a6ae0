"""Data, Import and Text: item tables with vectors, marked all at once, counted and said."""

import pandas as pd
import pytest

from core.basics.columns import VECTOR
from core.basics.files import write_json
from core.basics.workspace import Workspace
from core.data.build_pair import build_pair
from core.data.database import in_memory
from core.data.pair_folder import PairInputs, PairSettings
from core.data.reading.options import list_datasets
from tests.pages.stories import entered
from tests.pages.test_data_import_page import (
    data_page,
    keyed,
    press_import,
    upload,
    well,
    words,
    workspace,
)
from tests.pages.test_data_text_page import interactions, items, opened

__all__ = ["data_page", "workspace"]  # fixtures
WIDE = "item_id,title," + ",".join(f"emb_{at}" for at in range(12)) + "\n"
ROW = ",".join(str(at / 8) for at in range(12))


def test_a_series_of_columns_is_one_choice_and_what_is_lost_is_said(data_page, workspace):
    broken, blank = ROW.replace("0.5", "half"), "," * 11
    table = f"{WIDE}a,Emma,{ROW}\nb,Alien,{ROW}\nc,Dune,{broken}\nd,Blank,{blank}\n"
    app = upload(data_page, "items_source", table)
    vector = next(one for one in app.multiselect if one.label == "Vector")
    assert vector.value == ["emb_0"]  # stands for all twelve
    assert vector.options[0] == "emb_0 … emb_11 (12 columns)"
    assert "2 of 4 items have a vector of 12 numbers; left out: 1 with something" in words(app)
    app, _ = press_import(app, workspace, "items_source")
    assert "2 of 4 items have a vector of 12 numbers; left out: 1 with something" in words(app)
    (dataset,) = list_datasets(workspace)
    vectors = pd.read_parquet(dataset.file)[VECTOR]
    assert list(vectors[1]) == [at / 8 for at in range(12)]
    assert vectors.isna().tolist() == [False, False, True, True]


def test_without_the_choice_no_vector_is_imported(data_page, workspace):
    app = upload(data_page, "items_source", f"{WIDE}a,Emma,{ROW}\n")
    vector = next(one for one in app.multiselect if one.label == "Vector")
    app = well(vector.set_value([]).run())
    assert "have a vector" not in words(app)
    press_import(app, workspace, "items_source")
    (dataset,) = list_datasets(workspace)
    assert VECTOR not in pd.read_parquet(dataset.file)


def test_a_column_of_arrays_has_its_role_in_a_small_file(data_page, workspace):
    lines = '{"id": "a", "title": "Emma", "image_vector": [0.5, 1]}\n'
    app = upload(data_page, "items_target", lines * 2, "items.jsonl")
    assert keyed(app.selectbox, "items_target", "_role_3_image_vector").value == VECTOR
    press_import(app, workspace, "items_target")
    (dataset,) = list_datasets(workspace)
    assert list(pd.read_parquet(dataset.file)[VECTOR][0]) == [0.5, 1.0]


def paired(tmp_path, monkeypatch, source, target) -> None:
    """A pair whose item tables have these vectors, or none."""
    place = entered(Workspace(tmp_path / "workspace"), monkeypatch)
    paths = {}
    for name, letter, vectors in (("source", "b", source), ("target", "f", target)):
        table = items(letter, ["x"] * 6)
        if vectors:
            table[VECTOR] = vectors
        for called, frame in ((name, interactions(letter)), (f"items_{name}", table)):
            paths[called] = place.root / called / f"{called}.parquet"
            paths[called].parent.mkdir()
            frame.to_parquet(paths[called])
            write_json(paths[called].parent / "dataset.json", {"hash": called})
    inputs = PairInputs(**paths, source_name="books", target_name="films")
    build_pair(in_memory(place.root), inputs, PairSettings(), place.pairs)


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ([[1.0, 2.0]] * 6, [[1.0, 2.0]] * 3 + [None] * 3, "3 of 6 items of :blue[films] (50%)"),
        ([[1.0, 2.0]] * 6, None, "where those of one domain are zeros"),
        ([[1.0, 2.0]] * 6, [[1.0]] * 6, "Vectors of two widths cannot be compared"),
    ],
)
def test_the_text_tab_says_who_has_vectors_and_of_which_width(
    tmp_path, monkeypatch, source, target, said
):
    paired(tmp_path, monkeypatch, source, target)
    app = opened()
    assert "6 of 6 items of :orange[books] (100%), 2 numbers each" in words(app)
    assert said in words(app)


def test_the_text_tab_says_nothing_of_vectors_where_there_are_none(tmp_path, monkeypatch):
    paired(tmp_path, monkeypatch, None, None)
    assert "Uploaded vectors" not in words(opened())
