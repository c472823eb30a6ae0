"""Names of columns, written once: a misspelt constant fails, a misspelt string does nothing."""

from __future__ import annotations

from collections.abc import Iterable

USER, ITEM, RATING, TIME = "user_id", "item_id", "rating", "timestamp"
TITLE, CATEGORIES, DESCRIPTION = "title", "categories", "description"
ATTRIBUTE = "attribute:"  # prefix of a column of an item table that holds, say, brands
VECTOR = "vector"  # numbers made elsewhere of, say, an image, in an item table

SOURCE, TARGET = "source", "target"  # the two domains, and the two parts of a score
PART = "part"  # which part of a split a row belongs to
TRAIN, VALID, TEST = "train", "valid", "test"
SEGMENT, METRIC, RUN = "segment", "metric", "run"
KIND = "kind"  # of two or three ways side by side, such as two orders of a list
MEAN, LOW, HIGH, USERS, SKIPPED = "mean", "low", "high", "users", "skipped"
HEAD, RELATION, TAIL = "head", "relation", "tail"  # a triple: who, what, whom
BASE, OWN = "base", "own"  # said without either history; what the model itself says
HAS_SOURCE, HAS_TARGET = "has_source", "has_target"
RANK, SCORE, DISTANCE = "rank", "score", "distance"  # what lists are ordered by
FURTHER = "further item:"  # prefix of a column with a later place of a list, a row per user
DOMAIN, COUNT, SHARE, DECILE = "domain", "count", "share", "decile"
EVENT = "event"  # what a row says was done: view, cart, purchase
NEAR, CHOSEN = "near", "chosen"  # ratios: no worse than the best, the one to use
PLACE = "place"  # of a segment among all of its kind, which gives it its colour


def attribute_columns(columns: Iterable[str]) -> list[str]:
    """Those of the columns that hold an attribute of items, in their order."""
    return [column for column in columns if column.startswith(ATTRIBUTE)]
