"""What the texts and vectors of a domain's items are like: how many, how long, which script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from core.basics.columns import VECTOR
from core.basics.types import IntArray
from core.data.pair import ItemFeatures
from core.data.pair_folder import items_file


@dataclass(frozen=True)
class TextFigures:
    """Counts over the items of one domain, for one choice of columns."""

    items: int
    with_text: int
    repeated: int  # items whose text another item has, too
    median: float  # characters of a text; NaN where there is none
    longest: int
    cut: int  # texts that fill all that is read
    scripts: dict[str, int]  # items by the script of their text, those without a text left out
    mixed: int  # texts with a fifth or more of their letters in a second script

    @property
    def empty(self) -> int:
        """Items without a text."""
        return self.items - self.with_text


def column_shares(features: ItemFeatures) -> dict[str, float]:
    """Share of the items that have a title, categories and a description."""
    columns = {
        "title": features.titles,
        "categories": features.categories,
        "description": features.descriptions,
    }
    return {
        name: sum(bool(str(text).strip()) for text in texts) / max(1, len(texts))
        for name, texts in columns.items()
    }


def text_figures(texts: Sequence[str], limit: int) -> TextFigures:
    """Figures of texts as they are read, one per item, "" where there is none.

    limit: characters that are read at most.
    """
    there = [text for text in texts if text]
    lengths = np.array([len(text) for text in there], dtype=np.int64)
    _, counts = np.unique(np.array(there, dtype=object), return_counts=True)
    found, mixed = scripts_of(there)
    by_script = np.bincount(found, minlength=len(SCRIPTS)).tolist()
    return TextFigures(
        items=len(texts),
        with_text=len(there),
        repeated=int(counts[counts > 1].sum()),
        median=float(np.median(lengths)) if len(lengths) else float("nan"),
        longest=int(lengths.max(initial=0)),
        cut=int((lengths >= limit - 1).sum()),  # a cut may end before a blank
        scripts={name: n for name, n in zip(SCRIPTS, by_script, strict=True) if n},
        mixed=mixed,
    )


def sample_texts(raw: Sequence[str], texts: Sequence[str], most: int, seed: int = 0) -> IntArray:
    """Items to show: the longest text, some that reading changed, and others drawn at random.

    raw: the texts as they stand; texts: as they are read.
    """
    there = np.array([item for item, text in enumerate(texts) if text], dtype=np.int64)
    if not len(there):
        return there
    order = np.random.default_rng(seed).permutation(there)
    longest = max(there.tolist(), key=lambda item: len(texts[item]))
    changed = [item for item in order.tolist() if raw[item] != texts[item]]
    chosen = dict.fromkeys([*changed[: most // 4], longest, *order.tolist()])
    return np.array(list(chosen)[:most], dtype=np.int64)


# Which script a text is written in, by the Unicode blocks of its letters.

LATIN, GREEK, CYRILLIC, HEBREW, ARABIC = "Latin", "Greek", "Cyrillic", "Hebrew", "Arabic"
DEVANAGARI, THAI, HANGUL, JAPANESE, HAN = "Devanagari", "Thai", "Hangul", "Japanese", "Han"
OTHER, NONE = "other scripts", "no letters"
SCRIPTS = (
    LATIN,
    GREEK,
    CYRILLIC,
    HEBREW,
    ARABIC,
    DEVANAGARI,
    THAI,
    HANGUL,
    JAPANESE,
    HAN,
    OTHER,
    NONE,
)
LOOKED_AT = 200  # characters of a text; its script does not change later
A_SECOND = 0.2  # share of the letters from which a second script makes a text mixed
_BLOCKS = (  # first and last code point of the blocks that hold a script's letters
    (0x41, 0x5A, LATIN),
    (0x61, 0x7A, LATIN),
    (0xC0, 0x24F, LATIN),
    (0x370, 0x3FF, GREEK),
    (0x400, 0x52F, CYRILLIC),
    (0x590, 0x5FF, HEBREW),
    (0x600, 0x6FF, ARABIC),
    (0x750, 0x77F, ARABIC),
    (0x900, 0x97F, DEVANAGARI),
    (0xE00, 0xE7F, THAI),
    (0x1100, 0x11FF, HANGUL),
    (0x1E00, 0x1EFF, LATIN),
    (0x1F00, 0x1FFF, GREEK),
    (0x3041, 0x30FF, JAPANESE),
    (0x3130, 0x318F, HANGUL),
    (0x31F0, 0x31FF, JAPANESE),
    (0x3400, 0x4DBF, HAN),
    (0x4E00, 0x9FFF, HAN),
    (0xAC00, 0xD7AF, HANGUL),
    (0xF900, 0xFAFF, HAN),
    (0xFF21, 0xFF3A, LATIN),
    (0xFF41, 0xFF5A, LATIN),
    (0x20000, 0x323AF, HAN),
)
_OTHERS = ((0x530, 0x58F), (0x780, 0x8FF), (0x980, 0xDFF), (0xE80, 0x10FF), (0x1200, 0x1DFF))


def scripts_of(texts: Sequence[str]) -> tuple[IntArray, int]:
    """Each text's script as a place in SCRIPTS, (n,), and how many texts mix two.

    A text is of the script with most of its letters; Han beside kana is Japanese. Digits, signs
    and emoji are no letters.
    """
    # (n, scripts)
    # How many letters of each script a text has, (n, scripts)
    heads = [text[:LOOKED_AT] for text in texts]
    points = np.frombuffer("".join(heads).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    rows = np.repeat(np.arange(len(heads)), [len(head) for head in heads])
    kinds = np.full(len(points), -1, dtype=np.int64)
    for first, last, script in (*_BLOCKS, *((*block, OTHER) for block in _OTHERS)):
        kinds[(points >= first) & (points <= last)] = SCRIPTS.index(script)
    known = kinds >= 0
    cells = rows[known] * len(SCRIPTS) + kinds[known]
    size = len(heads) * len(SCRIPTS)
    counts = np.bincount(cells, minlength=size).reshape(-1, len(SCRIPTS))
    japanese, han = SCRIPTS.index(JAPANESE), SCRIPTS.index(HAN)
    with_kana = counts[:, japanese] > 0
    counts[with_kana, japanese] += counts[with_kana, han]
    counts[with_kana, han] = 0
    letters = counts.sum(axis=1)
    found = np.where(letters > 0, counts.argmax(axis=1), SCRIPTS.index(NONE))
    second = np.sort(counts, axis=1)[:, -2]
    return found, int((second >= A_SECOND * np.maximum(letters, 1)).sum())


# How many items have an uploaded vector, and of what width, without holding the vectors.

_ROWS = 10_000  # looked at together


@dataclass(frozen=True)
class VectorFigures:
    """Of the items of one domain."""

    with_vector: int
    width: int  # numbers of each, 0 where there are none


def figures_of_pair(folder: Path, domain: str) -> VectorFigures:
    """Of the item table of a pair's domain, which holds its items alone."""
    file = items_file(folder, domain)
    if not file.exists() or VECTOR not in pq.read_schema(file).names:
        return VectorFigures(0, 0)
    found, width = 0, 0
    for batch in pq.ParquetFile(file).iter_batches(_ROWS, columns=[VECTOR]):
        lengths = batch.column(0).value_lengths().drop_null()
        found += len(lengths)
        width = width or (int(lengths[0].as_py()) if len(lengths) else 0)
    return VectorFigures(found, width)


def figures_of_items(features: ItemFeatures) -> VectorFigures:
    """Of items whose vectors are at hand, or mapped from a file."""
    if features.vectors is None:
        return VectorFigures(0, 0)
    starts = range(0, len(features.vectors), _ROWS)
    found = sum(int(features.vectors[at : at + _ROWS].any(axis=1).sum()) for at in starts)
    return VectorFigures(found, features.vectors.shape[1])


def vector_words(figures: dict[str, VectorFigures], items: dict[str, int]) -> str:
    """A sentence per named domain; "" where none of them has any vectors."""
    if not any(found.width for found in figures.values()):
        return ""
    parts = [
        f"{found.with_vector:,} of {items[name]:,} items of {name} "
        f"({found.with_vector / max(1, items[name]):.0%}), {found.width:,} numbers each"
        if found.width
        else f"none of {name}"
        for name, found in figures.items()
    ]
    return f"Uploaded vectors: {'; '.join(parts)}."
