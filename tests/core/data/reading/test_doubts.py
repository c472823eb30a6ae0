"""Ids that lost digits, ids that are lists, several values in one cell, what nobody can see."""

from dataclasses import replace

import pandas as pd
import pytest

from core.basics.columns import ATTRIBUTE, CATEGORIES, ITEM, USER
from core.basics.errors import DataError
from core.data.reading.doubts import find_doubts
from core.data.reading.ingest import import_file
from core.data.reading.options import ITEMS
from core.data.reading.preview import preview_file


def imported(file, tmp_path, kind="interactions"):
    done = import_file(file, preview_file(file, kind).options, tmp_path / "d")
    return pd.read_parquet(done.folder / f"{kind}.parquet")


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (["1.23457E+17"] * 3, "were rounded, as a spreadsheet"),
        (["123456789012345678.0", "123456789012345680.0"], "floating-point numbers"),
        (["1234567890123450000", "1234567890124560000"], "end in zeros, as a spreadsheet"),
    ],
)
def test_ids_that_lost_digits_are_doubted_before_the_import(tmp_path, ids, says):
    file = tmp_path / "f.csv"
    rows = [f"{user},i{n},5" for n, user in enumerate(ids)]
    file.write_text("\n".join(["user_id,item_id,rating", *rows]) + "\n")
    preview = preview_file(file)
    [doubt] = find_doubts(preview.sample, preview.options)
    assert (doubt.column, doubt.option) == ("user_id", "")
    assert says in doubt.what
    assert f"{len(set(ids))} different" in doubt.what


def test_long_ids_that_are_whole_are_not_doubted(tmp_path):
    file = tmp_path / "f.csv"
    file.write_text("user_id,item_id\n123456700000000001,a\n123456700000000002,b\n")
    preview = preview_file(file)
    assert find_doubts(preview.sample, preview.options) == []


def test_whole_numbers_of_a_float_column_are_ids_without_a_point(tmp_path):
    file = tmp_path / "f.parquet"
    pd.DataFrame({"user_id": [1.0, 2.0, 2.5], "item_id": ["a", "b", "c"]}).to_parquet(file)
    preview = preview_file(file)
    assert preview.head["user_id"].tolist() == ["1", "2", "2.5"]
    assert imported(file, tmp_path)[USER].tolist() == ["1", "2", "2.5"]


def test_float_ids_beyond_what_a_float_tells_apart_are_doubted(tmp_path):
    file = tmp_path / "f.parquet"
    users = [123456700000000000.0 + 1000 * n for n in range(5)]
    pd.DataFrame({"user_id": users, "item_id": list("abcde")}).to_parquet(file)
    preview = preview_file(file)
    [doubt] = find_doubts(preview.sample, preview.options)
    assert "were rounded" in doubt.what


@pytest.mark.parametrize("mark", ["\u200b", "\ufeff", "\u00a0", "\u00ad", "\u2003\u200b "])
def test_what_cannot_be_seen_around_an_id_is_no_part_of_it(tmp_path, mark):
    file = tmp_path / "f.csv"
    file.write_text(f"user_id,item_id\n{mark}u1,a{mark}\nu1{mark},b\n", encoding="utf-8")
    kept = imported(file, tmp_path)
    assert (set(kept[USER]), kept[ITEM].tolist()) == ({"u1"}, ["a", "b"])


def test_a_column_of_lists_is_no_column_of_ids(tmp_path):
    file = tmp_path / "f.csv"
    file.write_text('user,items\nu1,"[20, 8]"\nu2,"[21, 23]"\n')
    with pytest.raises(DataError, match="holds a list of ids in every cell"):
        told = replace(preview_file(file).options, roles={"user": USER, "items": ITEM})
        import_file(file, told, tmp_path / "d")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["['Books', 'Crime & Thriller']", "['Music']"], ["Books|Crime & Thriller", "Music"]),
        (['["Books", "Crime"]', "[]"], ["Books|Crime", ""]),
        (["[['Books', 'Crime'], ['Kindle']]", "[['Books']]"], ["Books|Crime|Kindle", "Books"]),
        (["[{'id': 35, 'name': 'Comedy'}]", "[{'id': 18, 'name': 'Drama'}]"], ["Comedy", "Drama"]),
        (["Shopping;Food", "Food;Bars"], ["Shopping|Food", "Food|Bars"]),
        (
            ["Comedy, Drama", "Drama, Crime", "Crime, Comedy"],
            ["Comedy|Drama", "Drama|Crime", "Crime|Comedy"],
        ),
        (["Crime & Thriller", "Rock & Pop"], ["Crime & Thriller", "Rock & Pop"]),
        (["Comedy|Drama", "Drama"], ["Comedy|Drama", "Drama"]),
    ],
)
def test_several_values_in_one_cell_are_read_however_they_are_written(tmp_path, cells, expected):
    file = tmp_path / "f.csv"
    frame = pd.DataFrame({"item_id": [f"i{n}" for n in range(len(cells))], "categories": cells})
    frame.to_csv(file, index=False)
    assert imported(file, tmp_path, ITEMS)[CATEGORIES].tolist() == expected


def test_a_mark_inside_names_is_asked_about(tmp_path):
    file = tmp_path / "f.csv"
    file.write_text("item_id,genre\ni1,Rock/Pop\ni2,Jazz\ni3,Folk/World\n")
    preview = preview_file(file, ITEMS)
    [doubt] = find_doubts(preview.sample, preview.options)
    assert (doubt.option, doubt.choices["/"]) == ("separator", "Rock/Pop → Rock + Pop")
    assert imported(file, tmp_path, ITEMS)[CATEGORIES].tolist() == [
        "Rock/Pop",
        "Jazz",
        "Folk/World",
    ]


def test_lists_in_json_and_parquet_are_read_as_in_text(tmp_path):
    lines = tmp_path / "f.jsonl"
    lines.write_text(
        '{"id": "i1", "title": "T", "genres": [{"id": 35, "name": "Comedy"}, {"name": "Drama"}],'
        ' "brand": ["A", "B"]}\n{"id": "i2", "title": "U", "genres": [["Books", "Crime"]],'
        ' "brand": "C"}\n'
    )
    kept = imported(lines, tmp_path, ITEMS)
    assert kept[CATEGORIES].tolist() == ["Comedy|Drama", "Books|Crime"]
    assert kept[ATTRIBUTE + "brand"].tolist() == ["A|B", "C"]
    file = tmp_path / "f.parquet"
    frame = pd.DataFrame({"item_id": ["i1", "i2"], "genres": [["Comedy", "Drama"], ["Crime"]]})
    frame.to_parquet(file)
    assert imported(file, tmp_path, ITEMS)[CATEGORIES].tolist() == ["Comedy|Drama", "Crime"]


def test_an_id_that_is_not_there_in_a_float_column_costs_its_row_alone(tmp_path):
    file = tmp_path / "f.parquet"
    pd.DataFrame({"user_id": [1.0, float("nan")], "item_id": ["a", "b"]}).to_parquet(file)
    done = import_file(file, preview_file(file).options, tmp_path / "d")
    assert (done.kept, done.rejected) == (1, 1)


def test_ids_in_floats_of_32_bits_are_doubted_from_2_to_the_24_on(tmp_path):
    file = tmp_path / "f.parquet"
    users = pd.Series([16777217.0, 16777219.0], dtype="float32")
    pd.DataFrame({"user_id": users, "item_id": ["a", "b"]}).to_parquet(file)
    preview = preview_file(file)
    assert "were rounded" in find_doubts(preview.sample, preview.options)[0].what


def test_a_value_that_comes_late_in_a_file_is_doubted_too(tmp_path):
    file = tmp_path / "f.csv"
    rows = [f"u{n},i{n},{99 if n >= 30_000 else n % 5 + 1}" for n in range(40_000)]
    file.write_text("\n".join(["user_id,item_id,rating", *rows]) + "\n")
    preview = preview_file(file)
    [doubt] = find_doubts(preview.sample, preview.options)
    assert (doubt.option, list(doubt.choices)) == ("no_rating", ["99"])


def test_words_for_a_missing_rating_leave_the_given_ones(tmp_path):
    file = tmp_path / "f.csv"
    rows = [f"u{n},i{n},{'NA' if n % 3 else 4}" for n in range(90)]
    file.write_text("\n".join(["user_id,item_id,rating", *rows]) + "\n")
    done = import_file(file, preview_file(file).options, tmp_path / "d")
    assert (done.kept, done.rejected, done.left_out) == (30, 60, {})
