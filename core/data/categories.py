"""Categories of items as a table of ones: which item is in which category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.data.pair import ItemFeatures


@dataclass(frozen=True)
class Categories:
    """names: (n_categories,) in alphabetical order; members: (n_items, n_categories) ones."""

    names: list[str]
    members: csr_matrix

    def named(self, names: list[str]) -> csr_matrix:
        """(n_items, len(names)) membership in some of the categories, in that order."""
        places = {name: place for place, name in enumerate(self.names)}
        return csr_matrix(self.members[:, [places[name] for name in names]])


def item_categories(features: ItemFeatures | None) -> Categories | None:
    """What is in which category; None where no item has one.

    An item's categories are joined by "|"; blanks around a name do not count.
    """
    if features is None:
        return None
    texts = [str(text).split("|") for text in features.categories]
    pairs = [
        (item, name.strip()) for item, parts in enumerate(texts) for name in parts if name.strip()
    ]
    if not pairs:
        return None
    items, found = zip(*pairs, strict=True)
    names, places = np.unique(np.array(found, dtype=object), return_inverse=True)
    members = csr_matrix((np.ones(len(items)), (items, places)), shape=(len(texts), len(names)))
    members.data[:] = 1.0  # a name said twice counts once
    return Categories(list(names), members)
