"""Uploaded vectors on their way from a file of any shape into the arrays of a split."""

from __future__ import annotations

import json

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.basics.columns import HEAD, ITEM, RELATION, TAIL, TITLE, USER, VECTOR
from core.basics.errors import DataError
from core.basics.types import IdMap
from core.data.build_pair import build_pair
from core.data.database import in_memory
from core.data.pair import uploaded_vectors
from core.data.pair_folder import PairInputs, PairSettings, read_items
from core.data.reading.ingest import import_file, vector_counts
from core.data.reading.options import ITEMS, ReadOptions, check_options, in_series
from core.data.reading.preview import guess_options, preview_rejects
from core.data.reading.rows import VectorCounts, from_text
from core.data.snapshot import rating_facts, read_snapshot
from core.data.splitting import SplitSettings, split_pair
from core.data.text_figures import VectorFigures, figures_of_items, figures_of_pair, vector_words
from core.data.triples import with_triples

WANTED = {"a": [0.5, -2.0, 3.0], "b": [1.0, 2.0, 4.0], "c": None}
NUMBERS = st.lists(st.floats(-(2.0**90), 2.0**90, width=32), min_size=1, max_size=9)


def parquet(path, column, kind):
    table = pa.table({"item": list(WANTED), "embedding": pa.array(column, type=kind)})
    pq.write_table(table, path)


def of_doubles(path):
    parquet(path, list(WANTED.values()), pa.list_(pa.float64()))


def of_large_lists(path):
    parquet(path, list(WANTED.values()), pa.large_list(pa.float32()))


def of_one_size(path):
    parquet(path, list(WANTED.values()), pa.list_(pa.float32(), 3))


def of_texts(path):
    parquet(path, ["[0.5, -2, 3]", "1;2;4", ""], pa.string())


def number_columns(path):
    rows = [[item, *(row or [None] * 3)] for item, row in WANTED.items()]
    pd.DataFrame(rows, columns=["item", "emb_0", "emb_1", "emb_2"]).to_parquet(path)


def json_lines(path):
    lines = [{"item": item, "embedding": row} for item, row in WANTED.items()]
    path.write_text("\n".join(map(json.dumps, lines)))


def json_keys(path):
    lines = [
        {"item": item, **{f"emb_{at}": number for at, number in enumerate(row or [])}}
        for item, row in WANTED.items()
    ]
    path.write_text("\n".join(map(json.dumps, lines)))


def csv_arrays(path):
    path.write_text('item,embedding\na,"[0.5, -2.0, 3]"\nb,1 2;4\nc,\n')


def csv_columns(path):
    path.write_text("item,emb_2,emb_0,emb_1\na,3,0.5,-2\nb,4,1,2\nc,,,\n")


def decimal_commas(path):
    path.write_text("item;emb_0;emb_1;emb_2\na;0,5;-2;3\nb;1;2;4\nc;;;\n")


def recbole(path):
    path.write_text("item_id:token\tvec:float_seq\na\t0.5 -2.0 3\nb\t1 2 4\nc\t\n")


SHAPES = [
    of_doubles,
    of_large_lists,
    of_one_size,
    of_texts,
    number_columns,
    json_lines,
    json_keys,
    csv_arrays,
    csv_columns,
    decimal_commas,
    recbole,
]


def rows_of(done) -> dict:
    """Item -> its numbers, None without."""
    table = pd.read_parquet(done.folder / "items.parquet")
    return {
        item: None if row is None else list(row)
        for item, row in zip(table[ITEM], table[VECTOR], strict=True)
    }


@pytest.mark.parametrize("write", SHAPES)
def test_every_shape_of_file_is_guessed_and_gives_the_same_vectors(tmp_path, write):
    write(tmp_path / "items")
    options = guess_options(tmp_path / "items", ITEMS)
    done = import_file(tmp_path / "items", options, tmp_path / "datasets")
    assert rows_of(done) == WANTED
    assert done.vectors == VectorCounts(3, kept=2, unread=0, other=0, absent=1)
    tried = preview_rejects(tmp_path / "items", options)
    assert tried.vectors == done.vectors


def test_a_vector_that_cannot_be_read_is_lost_and_its_item_stays(tmp_path):
    rows = ["1 2", "nan 2", "two 2", "1 2 3", "inf 0", "3 4", ""]
    lines = [f"i{number},[{row}]" for number, row in enumerate(rows)]
    (tmp_path / "items").write_text("\n".join(["item,vector", *lines]))
    options = ReadOptions(ITEMS, {"item": ITEM, "vector": VECTOR})
    done = import_file(tmp_path / "items", options, tmp_path / "datasets")
    assert (done.kept, done.rejected) == (7, 0)
    assert done.vectors == VectorCounts(2, kept=2, unread=3, other=1, absent=1)
    assert done.vectors.words() == (
        "2 of 7 items have a vector of 2 numbers; left out: 3 with something that is no finite "
        "number and 1 of another length, whose items stay."
    )
    assert [item for item, row in rows_of(done).items() if row] == ["i0", "i5"]
    again = import_file(tmp_path / "items", options, tmp_path / "datasets")
    assert again.already_there
    assert again.vectors == done.vectors


def test_only_the_row_that_stays_of_a_repeated_item_is_counted(tmp_path):
    (tmp_path / "items").write_text("item,vector\na,1 2\na,x\nb,3 4\n")
    options = ReadOptions(ITEMS, {"item": ITEM, "vector": VECTOR})
    done = import_file(tmp_path / "items", options, tmp_path / "datasets")
    assert done.vectors == VectorCounts(2, kept=1, unread=1, other=0, absent=0)
    assert rows_of(done) == {"a": None, "b": [3.0, 4.0]}


def test_a_column_without_any_readable_vector_is_left_out_and_said(tmp_path):
    (tmp_path / "items").write_text("item,vector\na,red\nb,blue\n")
    options = ReadOptions(ITEMS, {"item": ITEM, "vector": VECTOR})
    done = import_file(tmp_path / "items", options, tmp_path / "datasets")
    assert VECTOR not in pd.read_parquet(done.folder / "items.parquet")
    assert done.vectors.words() == "None of 2 items has a vector that can be read."


def test_a_file_without_vectors_has_no_count_of_them(tmp_path):
    (tmp_path / "items").write_text("item,title\na,Emma\n")
    done = import_file(tmp_path / "items", guess_options(tmp_path / "items", ITEMS), tmp_path / "d")
    assert done.vectors is None
    assert vector_counts(json.loads((done.folder / "dataset.json").read_text())) is None


@given(NUMBERS, st.sampled_from([", ", ",", " ", ";", "|", "\n", "\t"]), st.booleans())
def test_any_numbers_in_any_writing_are_read_as_float32(numbers, between, brackets):
    written = between.join(map(repr, numbers))
    cell = f"[{written}]" if brackets else written
    found = duckdb.connect().execute(f"SELECT {from_text('x', False)} FROM (SELECT ? AS x)", [cell])
    np.testing.assert_array_equal(found.fetchone()[0], np.array(numbers, dtype=np.float32))


@given(NUMBERS)
def test_numbers_with_a_decimal_comma_are_read_as_those_with_a_point(numbers):
    cell = ";".join(f"{number:.3f}".replace(".", ",") for number in numbers)
    found = duckdb.connect().execute(f"SELECT {from_text('x', True)} FROM (SELECT ? AS x)", [cell])
    expected = np.array([float(f"{number:.3f}") for number in numbers], dtype=np.float32)
    np.testing.assert_array_equal(found.fetchone()[0], expected)


@given(st.permutations([f"emb_{number}" for number in range(12)]))
def test_columns_of_a_series_stand_by_their_numbers_however_a_file_sorts_them(columns):
    roles = {"item": ITEM} | dict.fromkeys(columns, VECTOR)
    assert ReadOptions(ITEMS, roles).vector_columns() == [f"emb_{at}" for at in range(12)]


def test_columns_that_are_no_series_stay_as_they_are():
    assert in_series(["image_1", "sound_0"]) == ["image_1", "sound_0"]
    assert in_series(["red", "blue"]) == ["red", "blue"]


def test_the_hash_of_a_file_tells_its_vector_apart_and_others_keep_theirs():
    plain = ReadOptions(ITEMS, {"item": ITEM})
    assert VECTOR not in plain.key()
    assert ReadOptions(ITEMS, {"item": ITEM, "v": VECTOR}).key() != plain.key()


def test_several_columns_may_be_a_vector_and_interactions_have_none():
    check_options(ReadOptions(ITEMS, {"i": ITEM, "a": VECTOR, "b": VECTOR}), ["i", "a", "b"])
    with pytest.raises(DataError, match="no vector column"):
        check_options(ReadOptions(roles={"u": USER, "i": ITEM, "v": VECTOR}), ["u", "i", "v"])


@pytest.fixture
def pair(tmp_path):
    """Six items in either domain; the source's vectors have two numbers, s5 has none."""
    taken = pd.DataFrame(
        [(f"u{user}", item) for user in range(8) for item in range(6)], columns=[USER, ITEM]
    )
    frames = {
        "source": taken.assign(**{ITEM: "s" + taken[ITEM].astype("str")}),
        "target": taken.assign(**{ITEM: "t" + taken[ITEM].astype("str")}),
        "items_source": pd.DataFrame(
            {
                ITEM: [f"s{item}" for item in (4, 3, 2, 1, 0, 5, 9)],
                TITLE: "x",
                VECTOR: [
                    *(np.array([item, 1.0], np.float32) for item in (4, 3, 2, 1, 0)),
                    None,
                    np.array([9, 9], np.float32),
                ],
            }
        ),
    }
    for name, frame in frames.items():
        frame.to_parquet(tmp_path / f"{name}.parquet")
    paths = {name: tmp_path / f"{name}.parquet" for name in frames}
    return build_pair(in_memory(tmp_path), PairInputs(**paths), PairSettings(), tmp_path / "pairs")


def test_a_split_has_the_vectors_by_item_and_maps_them_from_a_file(pair, tmp_path):
    folder = split_pair(pair, SplitSettings(), 1, tmp_path / "splits")
    train = read_snapshot(folder).train
    vectors = train.source_features.vectors
    assert isinstance(vectors, np.memmap)  # read where it is needed and nowhere else
    assert vectors.dtype == np.float32
    expected = {f"s{item}": [item, 1] for item in range(5)} | {"s5": [0, 0]}
    assert dict(zip(train.source_items.ids, vectors.tolist(), strict=True)) == expected
    assert train.target_features.vectors is None
    assert train.vector_widths == rating_facts(folder).vectors == (2, 0)
    np.testing.assert_array_equal(train.source_features.every(2).vectors, vectors[::2])
    assert VECTOR not in pd.read_parquet(folder / "items_source.parquet")
    assert VECTOR not in read_items(pair, "source")  # as pages read it


def test_how_many_items_have_a_vector_is_the_same_from_a_pair_and_from_its_split(pair, tmp_path):
    train = read_snapshot(split_pair(pair, SplitSettings(), 1, tmp_path / "splits")).train
    assert figures_of_pair(pair, "source") == VectorFigures(5, 2)
    assert figures_of_items(train.source_features) == VectorFigures(5, 2)
    assert figures_of_pair(pair, "target") == VectorFigures(0, 0)
    figures = {"books": VectorFigures(5, 2), "films": VectorFigures(0, 0)}
    assert vector_words(figures, {"books": 6, "films": 6}) == (
        "Uploaded vectors: 5 of 6 items of books (83%), 2 numbers each; none of films."
    )
    assert vector_words({"films": VectorFigures(0, 0)}, {"films": 6}) == ""


def test_triples_leave_vectors_as_they_were(pair, tmp_path):
    table = read_items(pair, "source", vectors=True)
    facts = pd.DataFrame({HEAD: ["s0", "s5"], RELATION: "by", TAIL: "Ann"})
    ids = {"source": table[ITEM], "target": pd.Series(dtype="str")}
    added, _, _ = with_triples(facts, ids, {"source": table})
    added["source"].to_parquet(tmp_path / "added.parquet")
    back = pd.read_parquet(tmp_path / "added.parquet").set_index(ITEM)[VECTOR]
    assert list(back["s3"]) == [3, 1]
    assert back.isna().sum() == 1


def test_a_table_in_which_none_of_the_items_has_a_vector_gives_none(pair):
    train_items = read_items(pair, "source", vectors=True)
    assert uploaded_vectors(IdMap(np.array(["s5"], dtype=object)), train_items) is None
    assert uploaded_vectors(IdMap(np.array(["s1"], dtype=object)), None) is None


def test_vectors_go_to_their_items_in_whatever_order_a_table_has_them():
    table = pd.DataFrame({ITEM: ["b", "x", "a"], VECTOR: [[1.0], [2.0], [3.0]]})
    found = uploaded_vectors(IdMap(np.array(["a", "n", "b"], dtype=object)), table)
    np.testing.assert_array_equal(found, [[3], [0], [1]])


def test_several_array_columns_of_a_parquet_file_are_joined_in_their_order(tmp_path):
    columns = {
        "item": ["a", "b", "c"],
        "sound": pa.array([[5.0, 6.0], None, [0.0, 0.0]], type=pa.large_list(pa.float32())),
        "image": pa.array([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]], type=pa.list_(pa.float32(), 2)),
        "year": [7, 8, 9],
    }
    pq.write_table(pa.table(columns), tmp_path / "items")
    roles = {"item": ITEM, "sound": VECTOR, "image": VECTOR, "year": VECTOR}
    done = import_file(tmp_path / "items", ReadOptions(ITEMS, roles), tmp_path / "datasets")
    assert done.vectors == VectorCounts(5, kept=2, unread=0, other=1, absent=0)
    assert rows_of(done) == {"a": [5, 6, 1, 2, 7], "b": None, "c": [0, 0, 0, 0, 9]}
