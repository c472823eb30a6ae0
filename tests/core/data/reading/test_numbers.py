"""Numbers with groups of three digits, decimal commas, and ratings that mean "not rated"."""

from dataclasses import replace

import pandas as pd
import pytest

from core.basics.columns import COUNT, ITEM, RATING, USER
from core.data.reading.doubts import find_doubts, said_of_values
from core.data.reading.ingest import import_file
from core.data.reading.numbers import NumberForm, find_number_form, find_unrated
from core.data.reading.preview import preview_file
from core.data.reading.rejects import REASON


@pytest.mark.parametrize(
    ("written", "comma", "thousands"),
    [
        (["3,999", "57", "1,234"], False, ","),
        (["1,234,567", "3"], False, ","),
        (["12,34,567", "3"], False, ","),
        (["1,234.5", "3"], False, ","),
        (["1.234,5", "3"], True, "."),
        (["1.234.567", "3"], True, "."),
        (["1 234", "57"], False, " "),
        (["1\u00a0234", "57"], False, " "),
        (["1'234", "57"], False, "'"),
        (["3,5", "4"], True, ""),
        (["0,125", "0,375"], True, ""),
        (["3.5", "4"], False, ""),
    ],
)
def test_how_numbers_are_written_is_seen_over_all_of_them(written, comma, thousands):
    assert find_number_form([written]) == NumberForm(comma, thousands)


@pytest.mark.parametrize("written", [["3,999", "4,125"], ["3,999", "4,125", "1500"]])
def test_one_comma_with_three_digits_behind_is_asked_where_nothing_else_tells(written):
    asked = find_number_form([written]).asked
    assert asked == {"": "3,999 → 3.999", ",": "3,999 → 3999"}


def test_points_between_groups_of_counts_are_asked_about(tmp_path):
    file = tmp_path / "f.csv"
    file.write_text("user;item;plays\nu1;i1;1.234\nu2;i2;2.345\n")
    preview = preview_file(file)
    [doubt] = find_doubts(preview.sample, preview.options)
    assert (doubt.option, doubt.choices["."]) == ("thousands", "1.234 → 1234")


def test_grouped_digits_become_the_number(tmp_path):
    file = tmp_path / "f.csv"
    rows = ['u1,i1,"3,999"', "u2,i2,57", 'u3,i3,"15,321"']
    file.write_text("\n".join(["user,item,plays", *rows]) + "\n")
    options = preview_file(file).options
    assert (options.thousands, options.decimal_comma) == (",", False)
    file.write_text("\n".join(["user,item,plays", *rows, 'u4,i4,"1,23"']) + "\n")
    done = import_file(file, options, tmp_path / "d")
    kept = pd.read_parquet(done.folder / "interactions.parquet")
    assert kept[COUNT].tolist() == [3999.0, 57.0, 15321.0]
    assert done.rejected == 1  # no group of three


@pytest.mark.parametrize(
    ("ratings", "found"),
    [
        ([*[x / 10 for x in range(-90, 90)], *[99.0] * 60], [99.0]),
        ([*[1, 2, 3, 4, 5] * 20, *[0] * 60], [0]),
        ([*range(1, 11)] * 5 + [-1] * 9, [-1]),
        ([1, 2, 3, 4, 5] * 20, []),
        ([-1, 1] * 20, []),
        ([0, 1, 2, 3, 4, 5] * 20, []),
        ([-2, -1, 0, 1, 2] * 20, []),
        ([1, 3, 57, 980, 1234, 3999, 15321] * 20, []),
    ],
)
def test_a_value_that_stands_apart_may_mean_not_rated(ratings, found):
    assert list(find_unrated([float(rating) for rating in ratings])) == found


def test_rows_not_rated_are_left_out_under_a_reason_of_their_own(tmp_path):
    file = tmp_path / "f.csv"
    rows = [f"u{n},i{n},{99 if n % 3 == 0 else n % 9 - 4}" for n in range(90)]
    file.write_text("\n".join(["user_id,item_id,rating", *rows]) + "\n")
    preview = preview_file(file)
    [doubt] = find_doubts(preview.sample, preview.options)
    assert (doubt.option, list(doubt.choices)) == ("no_rating", ["99"])
    answered = replace(preview.options, no_rating="99")
    assert find_doubts(preview.sample, answered) == []
    done = import_file(file, answered, tmp_path / "d")
    assert (done.rows, done.kept, done.rejected) == (90, 60, 30)
    reasons = pd.read_parquet(done.folder / "rejects.parquet")[REASON]
    assert set(reasons) == {"not rated: 99 was said to mean that"}
    kept = pd.read_parquet(done.folder / "interactions.parquet")
    assert list(kept) == [USER, ITEM, RATING]
    assert kept[RATING].max() == 4


def test_ratings_in_words_are_said_before_the_import_and_cost_no_row(tmp_path):
    file = tmp_path / "f.csv"
    file.write_text("user,item,rating\nu1,i1,5 stars\nu2,i2,4 stars\n")
    preview = preview_file(file)
    [said] = said_of_values(preview.sample, preview.options)
    assert "Most values of rating are no numbers ('5 stars')" in said
    done = import_file(file, preview.options, tmp_path / "d")
    assert (done.kept, done.left_out) == (2, {"rating": 2})
