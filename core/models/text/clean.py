"""What an encoder reads of an item: plain text of its title, categories and description."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from core.basics.columns import CATEGORIES, DESCRIPTION, TITLE
from core.data.pair import ItemFeatures

TITLES, WITH_CATEGORIES, EVERYTHING = "titles", "titles and categories", "everything"
READS = (TITLES, WITH_CATEGORIES, EVERYTHING)
COLUMNS = {
    TITLES: {TITLE},
    WITH_CATEGORIES: {TITLE, CATEGORIES},
    EVERYTHING: {TITLE, CATEGORIES, DESCRIPTION},
}
LONGEST = 2_000  # characters of one item that are read
_TAG = re.compile(r"<[^<>]{1,500}>")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufeff\u200b-\u200f\u2028-\u202e\ufffd]")


def plain_text(text: str) -> str:
    """One line without markup or invisible characters, cut to LONGEST characters."""
    text = html.unescape(text[: 4 * LONGEST])
    text = _INVISIBLE.sub(" ", _TAG.sub(" ", text))
    return " ".join(text.encode("utf-8", "ignore").decode("utf-8").split())[:LONGEST].strip()


def item_texts(features: ItemFeatures | None, reads: str = TITLES) -> list[str]:
    """The text of every item, "" where there is none; reads: one of READS."""
    if features is None:
        return []
    columns: list[Iterable[str]] = [features.titles]
    if reads in (WITH_CATEGORIES, EVERYTHING):
        columns.append([categories.replace("|", ", ") for categories in features.categories])
    if reads == EVERYTHING:
        columns.append(features.descriptions)
    return [plain_text(". ".join(filter(None, parts))) for parts in zip(*columns, strict=True)]


def share_with_text(features: ItemFeatures | None) -> float:
    """Share of a domain's items that have a title or a description; 0 without item table."""
    if features is None or not len(features.titles):
        return 0.0
    return float(((features.titles != "") | (features.descriptions != "")).mean())
