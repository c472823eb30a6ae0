"""Points of a map: users and items of both domains with their vectors, and PCA at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.columns import SOURCE, TARGET
from core.basics.errors import DataError
from core.basics.types import BoolArray, FloatArray, IntArray, Vectors
from core.models.kernel.coordinates import normalised

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


# A map at once: principal components.


def pca_map(vectors: FloatArray) -> FloatArray:
    """The two directions of largest variance, (n, 2) float32, centred.

    Singular vectors leave the sign open: in each direction the largest loading is made positive,
    so that the same vectors always give the same map. A missing second direction is zeros.
    """
    centred = np.asarray(vectors, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # (d, d), variance rising
    axes = axes[:, ::-1][:, :2]
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.where(axes[largest, np.arange(axes.shape[1])] < 0, -1, 1)
    places = np.zeros((len(vectors), 2), dtype=np.float32)
    places[:, : axes.shape[1]] = centred @ axes
    return places


# Which points a map shows where there are too many.

LIMIT = 20_000  # points: what a browser can still select from with a lasso


def sample_points(
    strata: IntArray, limit: int = LIMIT, *, seed: int = 0, keep: IntArray | None = None
) -> IntArray:
    """Numbers of at most `limit` points, rising; each stratum keeps its share of the places.

    strata: (n,) group of each point. keep: numbers of points that are shown in any case.
    """
    n = len(strata)
    if n <= limit:
        return np.arange(n)
    kept = np.unique(keep) if keep is not None else np.array([], dtype=np.intp)
    order = np.random.default_rng(seed).permutation(n)
    order = order[~np.isin(order, kept)]
    order = order[np.argsort(strata[order], kind="stable")]  # strata side by side, shuffled inside
    free = max(0, limit - len(kept))
    places = np.linspace(0, len(order), free, endpoint=False).astype(np.intp)  # evenly spread
    return np.sort(np.concatenate([kept, order[places]]))
