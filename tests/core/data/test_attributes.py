"""Tables of users: read with care, matched by id, everybody accounted for."""

import numpy as np
import pytest

from core.basics.errors import DataError
from core.basics.types import IdMap
from core.basics.workspace import Workspace
from core.data.attributes import (
    is_damaged,
    keep_attributes,
    list_attributes,
    read_attributes,
    read_counts,
    remove_attributes,
    user_attributes,
)
from core.evaluation.segments import MOST, attribute_segments

USERS = IdMap(np.array(["u1", "u2", "u3", "u4"], dtype=object))
HASH = "0" * 16


@pytest.fixture
def here(tmp_path) -> Workspace:
    return Workspace(tmp_path)


def test_users_that_miss_and_users_nobody_knows_are_counted(here):
    data = b"user,age,city\nu1,30,Rome\nu2,,Bonn\nu9,50,Oslo\nu1,31,Rome\n,5,x\nu4,1\n"
    counts = keep_attributes(here, HASH, data, USERS)
    assert counts.attributes == ["age", "city"]
    assert (counts.rows, counts.repeated, counts.unnamed) == (6, 1, 2)
    assert (counts.matched, counts.unknown, counts.missing) == (2, 1, 2)
    found = user_attributes(here, HASH, USERS)
    assert list(found["age"]) == ["31", "", "", ""]  # the last row of a user counts
    assert list(found["city"]) == ["Rome", "Bonn", "", ""]


def test_the_user_column_is_found_by_name_and_ids_stay_text():
    table, *_ = read_attributes("\ufeffcountry;user_id\nItalien;007\nJapan;1.0\n".encode())
    assert list(table["user_id"]) == ["007", "1.0"]
    assert list(table["country"]) == ["Italien", "Japan"]


def test_other_scripts_arrive_right():
    table, *_ = read_attributes("user,city\nu1,北京\nu2,上海\n".encode("gb18030"))
    assert list(table["city"]) == ["北京", "上海"]


def test_the_same_file_is_kept_once_and_a_newer_one_wins(here):
    for data in (b"user,age\nu1,30\n", b"user,age\nu1,30\n", b"user,age\nu1,44\n"):
        keep_attributes(here, HASH, data, USERS)
    folders = list_attributes(here, HASH)
    assert len(folders) == 2
    assert read_counts(folders[0]).matched == 1
    assert user_attributes(here, HASH, USERS)["age"][0] == "44"


@pytest.mark.parametrize("file", ["attributes.json", "attributes.parquet"])
def test_a_damaged_file_is_passed_over_and_may_be_added_again(here, file):
    keep_attributes(here, HASH, b"user,age\nu1,30\nu2,31\n", USERS)
    data = b"user,city\nu1,Rome\nu2,Bonn\n"
    keep_attributes(here, HASH, data, USERS)
    newest = list_attributes(here, HASH)[-1]
    (newest / file).write_bytes(b"{}")
    assert is_damaged(newest)
    assert list(user_attributes(here, HASH, USERS)) == ["age"]
    keep_attributes(here, HASH, data, USERS)
    assert not is_damaged(newest)
    assert set(user_attributes(here, HASH, USERS)) == {"age", "city"}


def test_a_removed_file_is_forgotten_and_the_one_before_it_counts_again(here):
    for data in (b"user,age\nu1,30\n", b"user,age,city\nu1,44,Rome\n"):
        keep_attributes(here, HASH, data, USERS)
    older, newer = list_attributes(here, HASH)
    remove_attributes(here, HASH, newer.name)
    assert list_attributes(here, HASH) == [older]
    assert {name: values[0] for name, values in user_attributes(here, HASH, USERS).items()} == {
        "age": "30"
    }
    remove_attributes(here, HASH, newer.name)  # gone already
    remove_attributes(here, HASH, "../elsewhere")
    assert older.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no header"),
        (b"user\nu1\n", "no header"),
        (b"user,age\n", "no header"),
        (b"user,age,age\nu1,1,2\n", "no header"),
        (b"user,age\nx1,3\n", "No user of this file"),
        (b"\x00\x01\x02\x03", "no header"),
    ],
)
def test_what_is_no_table_of_these_users_is_refused_in_two_sentences(here, data, words):
    with pytest.raises(DataError, match=words) as refused:
        keep_attributes(here, HASH, data, USERS)
    assert refused.value.hint.endswith(".")
    assert not list_attributes(here, HASH)


def test_columns_without_a_name_are_left_out():
    """A table with commas at the end of its lines gave an attribute without a name."""
    table, *_ = read_attributes(b"user,age,,\nu1,30,,\nu2,40,,\n")
    assert list(table) == ["user_id", "age"]
    table, *_ = read_attributes(b",user,age\n0,u1,30\n1,u2,40\n")
    assert list(table) == ["user_id", "age"]
    with pytest.raises(DataError, match="no header"):
        read_attributes(b"user,,\nu1,1,2\n")


def test_numbers_become_quartiles_named_by_their_ends():
    values = np.array([*map(str, range(20, 60)), ""], dtype=object)
    found = attribute_segments(values)
    assert list(found.categories) == ["20 to 29", "30 to 39", "40 to 49", "50 to 59"]
    assert list(found.value_counts()) == [10] * 4
    assert found.codes[-1] == -1


def test_large_numbers_are_written_out_so_that_quartiles_have_names_of_their_own():
    """Times of signing up made four groups "1.6e+09 to 1.6e+09", and the page met a problem."""
    values = np.array([str(1_600_000_000 + n) for n in range(8)], dtype=object)
    found = attribute_segments(values)
    assert found.categories[0] == "1600000000 to 1600000001"
    assert len(found.categories) == 4


def test_nan_in_a_table_is_a_missing_value():
    values = np.array([*map(str, range(20)), "nan", "NaN"], dtype=object)
    assert list(attribute_segments(values).codes[-2:]) == [-1, -1]
    with pytest.raises(DataError, match="No user has a value"):
        attribute_segments(np.array(["nan"] * 20 + ["NaN", "NAN", "naN", "nAn"], dtype=object))


def test_few_numbers_are_codes_and_words_stay_words():
    assert list(attribute_segments(np.array(["10", "2", "2"], dtype=object)).categories) == [
        "2",
        "10",
    ]
    words = attribute_segments(np.array(["b", "a", "", "all users"], dtype=object))
    assert list(words.categories) == ["a", "all users (value)", "b"]


def test_of_many_words_the_commonest_are_kept_apart():
    values = np.array([f"city {n % 30}" for n in range(200)] + ["city 3"] * 50, dtype=object)
    found = attribute_segments(values)
    assert len(found.categories) == MOST
    assert "city 3" in found.categories
    assert found.categories[-1] == "19 other values"


def test_a_name_that_tells_everybody_apart_is_no_attribute():
    with pytest.raises(DataError, match="different values"):
        attribute_segments(np.array([f"name {n}" for n in range(40)], dtype=object))
    with pytest.raises(DataError, match="No user has a value"):
        attribute_segments(np.array(["", ""], dtype=object))
