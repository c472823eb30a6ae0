"""Find items of a domain by what a person types: a part of a title, or an id."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.columns import SOURCE
from core.basics.types import IntArray
from core.data.pair import DomainPair


@dataclass(frozen=True)
class Catalogue:
    """What an item can be found by, in the order of item numbers."""

    ids: np.ndarray
    names: np.ndarray  # titles, ids where there is none
    lowered: list[str]  # name and id in small letters
    by_popularity: IntArray  # item numbers, the most interacted first

    @classmethod
    def of(cls, train: DomainPair, domain: str) -> Catalogue:
        """The catalogue of the source or the target."""
        source = domain == SOURCE
        items = train.source_items if source else train.target_items
        features = train.source_features if source else train.target_features
        taken = train.source if source else train.target
        names = items.ids if features is None else features.names(items)
        lowered = [f"{name} {id}".lower() for name, id in zip(names, items.ids, strict=True)]
        counts = np.bincount(taken.indices, minlength=len(items))
        return cls(items.ids, names, lowered, np.argsort(-counts, kind="stable"))

    def find(self, text: str, most: int) -> IntArray:
        """Items whose name or id has all words of the text, at most so many.

        The item with just this id stands first, then names that begin with the text, then the
        rest; the most popular first among each. Nothing is found for nothing.
        """
        text = " ".join(text.lower().split())
        if not text:
            return np.empty(0, dtype=np.intp)
        words = text.split()
        found = [i for i in self.by_popularity if all(word in self.lowered[i] for word in words)]
        found.sort(key=lambda i: (str(self.ids[i]).lower() != text, not self._begins(i, text)))
        return np.array(found[:most], dtype=np.intp)

    def _begins(self, item: int, text: str) -> bool:
        return self.lowered[item].startswith(text)
