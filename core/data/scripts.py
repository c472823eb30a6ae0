"""Which script a text is written in, by the Unicode blocks of its letters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.basics.types import IntArray

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
    counts = _letters(texts)  # (n, scripts)
    japanese, han = SCRIPTS.index(JAPANESE), SCRIPTS.index(HAN)
    with_kana = counts[:, japanese] > 0
    counts[with_kana, japanese] += counts[with_kana, han]
    counts[with_kana, han] = 0
    letters = counts.sum(axis=1)
    found = np.where(letters > 0, counts.argmax(axis=1), SCRIPTS.index(NONE))
    second = np.sort(counts, axis=1)[:, -2]
    return found, int((second >= A_SECOND * np.maximum(letters, 1)).sum())


def _letters(texts: Sequence[str]) -> IntArray:
    """How many letters of each script a text has, (n, scripts)."""
    heads = [text[:LOOKED_AT] for text in texts]
    points = np.frombuffer("".join(heads).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    rows = np.repeat(np.arange(len(heads)), [len(head) for head in heads])
    kinds = np.full(len(points), -1, dtype=np.int64)
    for first, last, script in (*_BLOCKS, *((*block, OTHER) for block in _OTHERS)):
        kinds[(points >= first) & (points <= last)] = SCRIPTS.index(script)
    known = kinds >= 0
    cells = rows[known] * len(SCRIPTS) + kinds[known]
    size = len(heads) * len(SCRIPTS)
    return np.bincount(cells, minlength=size).reshape(-1, len(SCRIPTS))
