"""An optional column is guessed by its very word, never by a word inside another."""

import pandas as pd
import pytest

from core.basics.columns import CATEGORIES, COUNT, ITEM, RATING, TIME, TITLE, USER
from core.data.reading.options import IGNORE, INTERACTIONS, ITEMS
from core.data.reading.roles import guess_roles

ROWS = 12
MANY = [str(number) for number in (1, 2, 2, 3, 1, 5, 2, 8, 13, 240, 1, 77)]
WIDE = [f"{1000 + 37 * row}.5" for row in range(ROWS)]  # no ids, no times, no stars, no counts
WORDS = [f"word{row}" for row in range(ROWS)]


def role_of(column: str, values: list[str], kind: str = INTERACTIONS) -> str:
    """What a column is taken for beside users and items, or beside an item and its title."""
    beside = {"user_id": [f"u{row % 5}" for row in range(ROWS)]} if kind == INTERACTIONS else {}
    beside["item_id"] = [f"i{row}" for row in range(ROWS)]
    found = guess_roles(pd.DataFrame(beside | {column: values}, dtype="str"), kind)
    assert found["item_id"].role == ITEM
    assert kind == ITEMS or found["user_id"].role == USER
    return found[column].role


@pytest.mark.parametrize(
    "column",
    [
        "playtime",
        "lifetime",
        "timezone",
        "runtime",
        "update",
        "candidate",
        "mandate",
        "overtime",
        "watch_time",
        "time_spent",
        "times",
        "days_since_date",
    ],
)
def test_a_word_with_time_or_date_in_it_is_no_time(column):
    assert role_of(column, WIDE) != TIME


@pytest.mark.parametrize(
    "column",
    [
        "rating_count",
        "ratings_total",
        "corporate",
        "separate",
        "scoreboard",
        "num_ratings",
        "rating_id",
        "startrate",
        "upgrade",
        "labels_file",
        "average_rating_votes",
    ],
)
def test_a_word_with_rating_in_it_is_no_rating(column):
    assert role_of(column, WIDE) != RATING


@pytest.mark.parametrize("column", ["country", "discount", "account", "hourstamp", "overweighted"])
def test_a_word_with_count_in_it_is_no_count(column):
    assert role_of(column, WIDE) != COUNT


@pytest.mark.parametrize(
    "column", ["subtitle", "filename", "username", "nametag", "entitled", "publisher_name"]
)
def test_a_word_with_title_in_it_is_no_title(column):
    assert role_of(column, WORDS, ITEMS) != TITLE


@pytest.mark.parametrize("column", ["stage", "vintage", "classic", "prototype", "typeface"])
def test_a_word_with_tag_or_type_in_it_is_no_category(column):
    assert role_of(column, WORDS, ITEMS) != CATEGORIES


@pytest.mark.parametrize(
    ("column", "role"),
    [
        ("timestamp", TIME),
        ("unixReviewTime", TIME),
        ("createdAt", TIME),
        ("review_date", TIME),
        ("Rating:float", RATING),
        ("book-rating", RATING),
        ("user_rating", RATING),
        ("plays", COUNT),
        ("play_count", COUNT),
        ("rated_at", TIME),
    ],
)
def test_the_very_word_is_found_in_every_spelling(column, role):
    values = MANY if role == COUNT else WIDE
    if role == TIME:
        values = [str(1_500_000_000 + row) for row in range(ROWS)]
    assert role_of(column, values) == role


def test_what_nothing_points_to_is_left_out():
    assert role_of("playtimezone", WIDE) == IGNORE
