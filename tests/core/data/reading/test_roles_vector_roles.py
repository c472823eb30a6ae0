"""Which columns of an item table are guessed to be a vector, and which are not."""

import pandas as pd
import pytest

from core.basics.columns import ATTRIBUTE, CATEGORIES, ITEM, TITLE, VECTOR
from core.data.reading.options import ITEMS
from core.data.reading.preview import preview_file
from core.data.reading.roles import counts_up, guess_roles, series_of


def guessed(**columns) -> dict[str, str]:
    found = guess_roles(pd.DataFrame(columns, dtype="str"), ITEMS)
    return {column: guess.role for column, guess in found.items()}


def test_arrays_under_a_telling_name_are_a_vector_even_beside_a_title():
    found = guessed(item=["a", "b"], title=["A", "B"], title_embedding=["[0.1, 0.2]", "[1, 2]"])
    assert found == {"item": ITEM, "title": TITLE, "title_embedding": VECTOR}


def test_a_series_of_numbers_under_a_telling_name_is_a_vector():
    found = guessed(asin=["a"], emb_0=["0.5"], emb_1=["-1e-3"])
    assert found == {"asin": ITEM, "emb_0": VECTOR, "emb_1": VECTOR}


@pytest.mark.parametrize(
    "cells", [["waterproof|light", "red"], ["12", "7"], ["", ""]], ids=["words", "single", "empty"]
)
def test_a_telling_name_over_anything_else_is_no_vector(cells):
    assert guessed(item=["a", "b"], features=cells)["features"] != VECTOR


def test_many_numbers_under_any_name_are_a_weak_guess_and_few_are_none():
    many = " ".join(map(str, range(8)))
    found = guess_roles(pd.DataFrame({"id": ["a"], "x": [many]}, dtype="str"), ITEMS)
    assert (found["x"].role, found["x"].confidence) == (VECTOR, 0.6)
    assert guessed(id=["a"], x=["1 2 3"])["x"] != VECTOR
    years = {f"sold_{year}": ["7"] for year in range(2010, 2017)}
    assert VECTOR not in guessed(id=["a"], **years).values()


def test_categories_and_attributes_of_numbers_stay_what_they_are_called():
    found = guessed(id=["a", "b"], genres=["1|2", "3|4"], brand=["1 2", "3 4"])
    assert found == {"id": ITEM, "genres": CATEGORIES, "brand": ATTRIBUTE}


def test_a_header_that_counts_its_columns_is_a_header(tmp_path):
    rows = [",".join(str(row / 7 + at) for at in range(10)) for row in range(9)]
    header = "item_id," + ",".join(map(str, range(10)))
    lines = [header, *(f"i{row},{numbers}" for row, numbers in enumerate(rows))]
    (tmp_path / "items.csv").write_text("\n".join(lines))
    options = preview_file(tmp_path / "items.csv", ITEMS).options
    assert options.header
    assert options.vector_columns() == list(map(str, range(10)))


@pytest.mark.parametrize(
    ("cells", "answer"),
    [
        ("id 0 1 2 3 4 5 6 7", True),
        ("1193 661 914", False),
        ("0 1 2", False),
        ("id 1 2 3 4 5 6 7 9", False),
    ],
)
def test_only_a_count_from_number_to_number_names_columns(cells, answer):
    assert counts_up(cells.split()) == answer


def test_series_are_told_apart_by_what_stands_before_their_number():
    columns = ["id", "v10", "v9", "image_0", "image_1", "only1"]
    assert series_of(columns) == [["v9", "v10"], ["image_0", "image_1"]]
