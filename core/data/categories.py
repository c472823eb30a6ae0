"""Categories of items as a table of ones: which item is in which category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.data.pair import ItemFeatures


def names_in(cell: object) -> list[str]:
    """Names in a cell that are joined by "|", without blanks around them."""
    return [name for part in str(cell).split("|") if (name := " ".join(part.split()))]


def compared(name: str) -> str:
    """How names are compared: whatever their case and blanks, in both domains."""
    return " ".join(name.split()).casefold()


@dataclass(frozen=True)
class Categories:
    """names: (n_categories,) as first spelled, alphabetical; members: (n_items, n_categories) ones.

    keys: the same names as they are compared.
    """

    names: list[str]
    keys: list[str]
    members: csr_matrix

    def named(self, names: list[str]) -> csr_matrix:
        """(n_items, len(names)) membership in some of the categories, in that order."""
        places = {key: place for place, key in enumerate(self.keys)}
        return csr_matrix(self.members[:, [places[compared(name)] for name in names]])

    def only(self, keys: list[str]) -> Categories:
        """Some of the categories, in that order."""
        names = dict(zip(self.keys, self.names, strict=True))
        return Categories([names[key] for key in keys], keys, self.named(keys))


def item_categories(features: ItemFeatures | None) -> Categories | None:
    """What is in which category; None where no item has one."""
    if features is None:
        return None
    spelled: dict[str, str] = {}
    items, found = [], []
    for item, cell in enumerate(features.categories):
        for name in names_in(cell):
            spelled.setdefault(compared(name), name)
            items.append(item)
            found.append(compared(name))
    if not items:
        return None
    keys = sorted(spelled)
    number = {key: place for place, key in enumerate(keys)}
    places = [number[key] for key in found]
    shape = (len(features.categories), len(keys))
    members = csr_matrix((np.ones(len(items)), (items, places)), shape=shape)
    members.data[:] = 1.0  # a name said twice counts once
    return Categories([spelled[key] for key in keys], keys, members)
