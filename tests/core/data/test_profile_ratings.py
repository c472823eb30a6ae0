"""Ratings of a split: kept as they stand, zeros included, and said before anything is trained."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, RATING, TEST, USER
from core.data.snapshot import SplitTables, rating_facts, read_snapshot, write_snapshot


def rows(*entries: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(entries, columns=[USER, ITEM, RATING])


TABLES = SplitTables(
    source_train=rows(("ann", "b1", 4), ("bob", "b2", 0), ("bob", "b1", 10)),
    target_train=rows(("ann", "f1", 0), ("ann", "f2", 3), ("bob", "f2", 5)),
    target_valid=rows(("ann", "f3", 0), ("bob", "f1", 1)),
    target_test=rows(("ann", "f4", 2), ("bob", "f3", 0)),
    items_source=None,
    items_target=None,
)


@pytest.fixture
def write(tmp_path):
    def written(tables=TABLES, **more):
        return write_snapshot(
            tmp_path,
            tables,
            source_name="books",
            target_name="films",
            kind="given files",
            seed=0,
            settings={},
            dataset_hash="0" * 16,
            **more,
        )

    return written


def test_a_rated_split_holds_every_rating_and_a_rating_of_zero_stays_an_entry(write):
    split = read_snapshot(write())
    rated = split.rated
    np.testing.assert_array_equal(rated.train.source.toarray(), [[4, 0], [10, 0]])
    np.testing.assert_array_equal(rated.train.target.data, [0, 3, 5])
    np.testing.assert_array_equal(rated.valid.data, [0, 1])
    np.testing.assert_array_equal(rated.test.data, [2, 0])
    for part in ("valid", "test"):
        ones, ratings = getattr(split, part), getattr(rated, part)
        np.testing.assert_array_equal(ones.indices, ratings.indices)
        np.testing.assert_array_equal(ones.data, 1)
    assert rated.train.popularity.tolist() == split.train.popularity.tolist()
    assert rated.masked(TEST).rows.nnz == split.masked(TEST).rows.nnz == 5


def test_a_row_in_two_parts_is_found_once_even_where_its_rating_is_zero(write):
    doubled = pd.concat([TABLES.target_test, rows(("ann", "f3", 0), ("ann", "f1", 0))])
    rated = read_snapshot(write(replace(TABLES, target_test=doubled)), ratings=True)
    assert rated.test.nnz == 2


def test_a_row_without_a_rating_is_an_interaction_but_no_rating(write):
    unrated = TABLES.target_train.assign(**{RATING: [1.0, np.nan, 5.0]})
    split = read_snapshot(write(replace(TABLES, target_train=unrated)))
    assert split.train.target.nnz == 3
    np.testing.assert_array_equal(split.rated.train.target.data, [1, 5])


def test_facts_say_the_range_of_each_domain_and_what_was_filtered(write):
    facts = rating_facts(write(liked_from=3.0))
    assert (facts.source, facts.target, facts.liked_from) == ((0, 10), (0, 5), 3.0)


def test_equal_or_missing_ratings_have_no_range(write):
    equal = TABLES.source_train.assign(**{RATING: 4.0})
    missing = TABLES.target_train.drop(columns=RATING)
    facts = rating_facts(write(replace(TABLES, source_train=equal, target_train=missing)))
    assert (facts.source, facts.target) == (None, None)
