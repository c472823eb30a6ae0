"""The points of a map: items and users of both domains with their vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.columns import SOURCE, TARGET
from core.basics.errors import DataError
from core.basics.types import BoolArray, FloatArray, IntArray, Vectors
from core.embedding.pca import normalised
from core.embedding.sample import LIMIT, sample_points

MAP_ITEMS, MAP_USERS, MAP_BOTH = "items", "users", "both"  # what a map of a run shows
WHATS = (MAP_ITEMS, MAP_USERS, MAP_BOTH)
MAP_TEXTS = "texts"  # items of a split by what is written about them
_KINDS = {
    MAP_ITEMS: ("items",),
    MAP_USERS: ("users",),
    MAP_BOTH: ("items", "users"),
    MAP_TEXTS: ("items",),
}


@dataclass(frozen=True)
class Points:
    """Points in the order source items, target items, users by source, users by target.

    A user with history in both domains is two points: as each domain sees them.
    """

    vectors: FloatArray  # (n, d) float32 of length 1
    is_item: BoolArray  # (n,) else a user
    is_source: BoolArray  # (n,) else of the target
    numbers: IntArray  # (n,) item or user number in its domain
    left_out: int  # items and users without a vector: without interactions, or without a text

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def groups(self) -> IntArray:
        """(n,) 0 to 3: which domain and kind each point is of."""
        return np.where(self.is_item, 0, 2) + np.where(self.is_source, 0, 1)

    def shown(self, seed: int) -> IntArray:
        """Rows of the points a map draws: all, or 20,000 with every group at its share."""
        return sample_points(self.groups, LIMIT, seed=seed)


def points_of(vectors: Vectors, what: str) -> Points:
    """The points a map of `what` is made of; raises DataError where there are none."""
    parts, left_out = [], 0
    for kind in _KINDS[what]:
        for domain in (SOURCE, TARGET):
            table = getattr(vectors, f"{domain}_{kind}")
            if table is None:
                continue
            numbers = np.flatnonzero(np.isfinite(table).all(axis=1) & (table != 0).any(axis=1))
            left_out += len(table) - len(numbers)
            parts.append((normalised(table[numbers]), kind == "items", domain == SOURCE, numbers))
    if not any(len(numbers) for *_, numbers in parts):
        raise DataError(
            what=f"There are no vectors of {what}.", hint="Choose another map or another run."
        )
    return Points(
        vectors=np.concatenate([part[0] for part in parts]),
        is_item=np.concatenate([np.full(len(part[3]), part[1]) for part in parts]),
        is_source=np.concatenate([np.full(len(part[3]), part[2]) for part in parts]),
        numbers=np.concatenate([part[3] for part in parts]),
        left_out=left_out,
    )
