"""What the texts and vectors of a domain's items are like: how many, how long, which script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.basics.types import IntArray
from core.data.pair import ItemFeatures
from core.data.scripts import SCRIPTS, scripts_of


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
