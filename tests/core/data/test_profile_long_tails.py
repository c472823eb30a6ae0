"""Columns of counts, and ratings that are counts, on files as an import leaves them."""

import pandas as pd
import pytest

from core.basics.columns import COUNT, RATING, SOURCE, TIME
from core.data.pair_folder import PairInputs, PairSettings
from core.data.profile import Spread, counts_in, profile, ratings_like_counts, spread_of
from core.data.reading.options import relation
from tests.core.data.small_files import random_rows

PLAYS = [1.0] * 60 + [4.0] * 61 + [9.0] * 40 + [9079.0]


def with_column(column: str, values: list[float]) -> pd.DataFrame:
    rows = random_rows(1, "b").drop(columns=RATING).head(len(values))
    return rows.assign(**{column: (values * 9)[: len(rows)]})


def test_a_column_of_counts_is_told_from_its_lowest_to_its_highest(connection, write):
    file = write("books", with_column(COUNT, PLAYS))
    spread = counts_in(connection, relation(connection, file))
    assert spread == Spread(1.0, 4.0, 9079.0, len(PLAYS))
    assert spread.words() == "1 to 9,079, median 4"
    plain = write("films", random_rows(2, "f"))
    assert counts_in(connection, relation(connection, plain)) is None
    assert spread_of(connection, relation(connection, plain), RATING).rows == len(
        random_rows(2, "f")
    )


def test_the_profile_says_how_often_beside_all_it_said_before(connection, write):
    """The file's own column `count` is not what the charts count."""
    counted = with_column(COUNT, PLAYS).assign(**{RATING: 4.0})
    counted.loc[:9, RATING] = 5.0
    files = write("books", counted), write("films", random_rows(2, "f"))
    without = write("bare", counted.drop(columns=COUNT))
    found, before = profile(connection, *files), profile(connection, without, files[1])
    assert {*found.counts} == {SOURCE}
    assert found.counts[SOURCE].high == 9079
    for frame in ("sizes", "activity", "popularity", "ratings", "times"):
        pd.testing.assert_frame_equal(getattr(found, frame), getattr(before, frame))
    assert TIME in counted
    assert before.counts == {}


def test_ratings_that_are_counts_are_doubted_with_what_the_threshold_keeps(connection, write):
    plays, stars = with_column(RATING, PLAYS), random_rows(2, "f")
    inputs = PairInputs(
        write("plays", plays), write("stars", stars), source_name="plays", target_name="stars"
    )
    (said,) = ratings_like_counts(connection, inputs, PairSettings())
    assert "The ratings of plays look like counts (1 to 9,079, median 4)" in said
    assert f"the threshold keeps 1 of {len(PLAYS)}. Import" in said
    assert ratings_like_counts(connection, inputs, PairSettings(rating_threshold=0)) == []


@pytest.mark.parametrize(
    "values",
    [[1.0, 2, 3, 4, 5], [0.5, 5], [0.0, 100, 70, 80], [-10.0, 0, 1, 10], [1.0, 10, 2, 2, 2]],
)
def test_scales_of_ratings_are_not_doubted(connection, write, values):
    file = write("stars", with_column(RATING, values * 20))
    inputs = PairInputs(file, file)
    assert ratings_like_counts(connection, inputs, PairSettings()) == []
