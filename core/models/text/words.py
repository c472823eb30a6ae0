"""Words of texts, for reasons in words: which ones two texts share, the rarest first."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from core.basics.columns import CATEGORIES, DESCRIPTION, TITLE
from core.basics.settings import setting
from core.data.pair import ItemFeatures

FREQUENT = 0.05  # share of all texts from which a word tells nothing
ENOUGH = 40  # texts from which shares are looked at
UNSPACED = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana, Chinese: no spaces
_WORD = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+")
_SMALL_WORDS = (
    "a about an and are as at be by for from her his i in is it its my no not of on or our she he "
    "so that the their they this to was we who with you your"
)
_SMALL = frozenset(_SMALL_WORDS.split())


def words_of(text: str) -> list[str]:
    """Words in small letters, each once; of scripts without spaces, pairs of neighbouring signs."""
    found: dict[str, None] = {}
    for run in _WORD.findall(text.casefold()):
        if is_unspaced(run) or (len(run) > 1 and run not in _SMALL):
            found |= dict.fromkeys(in_words(run))
    return list(found)


def in_words(run: str) -> list[str]:
    """A run of letters of one kind: itself, or pairs of neighbours where no spaces are set."""
    if not is_unspaced(run):
        return [run]
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


def is_unspaced(run: str) -> bool:
    """Whether it is of a script without spaces, by its first sign."""
    return "\u3041" <= run[0] <= "\ufaff"


@dataclass(frozen=True)
class WordCounts:
    """In how many texts each word stands."""

    counts: Counter[str]
    texts: int

    @classmethod
    def of(cls, *domains: Iterable[str]) -> WordCounts:
        """Over the texts of all domains."""
        counts: Counter[str] = Counter()
        texts = 0
        for domain in domains:
            for text in domain:
                counts.update(words_of(text))
                texts += bool(text)
        return cls(counts, texts)

    def shared(self, one: str, other: str, most: int = 4) -> Sequence[str]:
        """Words that stand in both texts, the rarest first; frequent ones left out."""
        both = set(words_of(one)) & set(words_of(other))
        limit = FREQUENT * self.texts if self.texts >= ENOUGH else self.texts
        telling = [word for word in both if self.counts[word] <= max(limit, 2)]
        return sorted(telling, key=lambda word: (self.counts[word], word))[:most]


# What an encoder reads of an item: plain text of its title, categories and description.

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


reads = partial(
    setting, TITLES, choices=READS, help="Columns of the item tables that the encoder reads."
)


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
