"""ItemKNN: a target item scores by its likeness to the items of a history, in both domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, vstack

from core.basics.settings import Settings, setting
from core.basics.types import IntArray
from core.data.pair import DomainPair
from core.models.kernel.training_settings import counts, denoise, fill, source_weight
from core.models.linear.item_weights import ItemWeights, SparseWeights
from core.models.protocol import CrossDomainModel, ModelCard, PairSizes

BLOCK = 512  # target items compared at once


@dataclass(frozen=True)
class ItemKnnSettings(Settings):
    """How many neighbours count, and how much co-occurrence makes a likeness believable."""

    neighbours: int = setting(
        100,
        low=1,
        high=5000,
        help="Most similar items kept for each target item, in each domain.",
    )
    shrinkage: float = setting(
        50.0,
        low=0.0,
        high=10_000.0,
        help="Added to the norms below the cosine, so that few common users make little likeness.",
    )
    source_weight: float = source_weight(0.2)
    counts: str = counts()
    denoise: float = denoise()
    fill: int = fill()


class ItemKnn(ItemWeights):
    """Weight of item i for j: x_i'x_j / (|x_i| |x_j| + shrinkage), for the neighbours of j.

    Source and target neighbours are chosen apart, so the target part is what the twin says.
    """

    settings: ItemKnnSettings
    stage = "counted"

    def solve(self, train: DomainPair, seed: int) -> None:
        """Count common users once."""
        from_source = self._neighbours(train.source, train.target, same=False)
        from_target = self._neighbours(train.target, train.target, same=True)
        self.form = SparseWeights(vstack([from_source, from_target], format="csr"))

    def fit_dealt(
        self, train: DomainPair, deals: Sequence[IntArray], seed: int
    ) -> Iterator[CrossDomainModel]:
        """Neighbours in the target are those of every deal."""
        from_target = self._neighbours(train.target, train.target, same=True)
        for givers in deals:
            model = ItemKnn(self.settings)
            model.train = train.with_source_of(givers)
            from_source = self._neighbours(model.train.source, train.target, same=False)
            model.form = SparseWeights(vstack([from_source, from_target], format="csr"))
            yield model

    def _neighbours(self, items: csr_matrix, targets: csr_matrix, same: bool) -> csr_matrix:
        """Likeness of the nearest items to each target item, (n_items, n_target_items)."""
        nearest = [csr_matrix((0, items.shape[1]), dtype=np.float32)]
        by_target = targets.T.tocsr()  # (n_target_items, n_users)
        for start in range(0, targets.shape[1], BLOCK):
            chosen = slice(start, start + BLOCK)
            likeness = self._likeness(by_target[chosen], items)
            if same:
                likeness.data[likeness.indices == _row_of_each(likeness) + start] = 0.0
            # The `count` largest values of each row; values that tie with the last of them stay too
            bounds = np.zeros(likeness.shape[0], dtype=np.float32)
            for row in np.flatnonzero(np.diff(likeness.indptr) > self.settings.neighbours):
                values = likeness.data[likeness.indptr[row] : likeness.indptr[row + 1]]
                bounds[row] = np.partition(values, -self.settings.neighbours)[
                    -self.settings.neighbours
                ]
            likeness.data[likeness.data < bounds[_row_of_each(likeness)]] = 0.0
            likeness.eliminate_zeros()
            largest = likeness
            nearest.append(largest)
        return vstack(nearest, format="csr").T

    def _likeness(self, targets: csr_matrix, items: csr_matrix) -> csr_matrix:
        """Shrunk cosine of target items, (n_chosen, n_users), with all items; 0 left out."""
        common = (targets @ items).tocsr()  # (n_chosen, n_items) what users who took both weigh
        squares = targets.data**2, items.data**2  # ones stay ones
        norms = np.sqrt(np.bincount(_row_of_each(targets), squares[0], targets.shape[0]))
        lengths = np.sqrt(np.bincount(items.indices, squares[1], items.shape[1]))
        norms, lengths = norms.astype(np.float32), lengths.astype(np.float32)
        below = norms[_row_of_each(common)] * lengths[common.indices]
        common.data /= below + np.float32(self.settings.shrinkage)
        return common


def _row_of_each(table: csr_matrix) -> IntArray:
    """Row number of each stored value."""
    return np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))


def _memory(sizes: PairSizes, settings: ItemKnnSettings) -> int:
    n_items = sizes.source_items + sizes.target_items
    kept = min(settings.neighbours, sizes.source_items) + min(
        settings.neighbours, sizes.target_items
    )
    return 8 * 5 * BLOCK * n_items + 2 * 12 * kept * sizes.target_items


CARD = ModelCard(
    name="item_knn",
    title="ItemKNN",
    family="Neighbours",
    line="Target items that the same people take as the items of a history, in either domain.",
    paper="Sarwar et al.: Item-based collaborative filtering recommendation algorithms, WWW 2001",
    differs="Cosine with shrinkage; neighbours from both domains, chosen apart, only towards "
    "target items.",
    when="For reasons that anybody understands, and for catalogues too long for EASE.",
    words="Each score is a sum of likenesses over history items, so both parts are exact: the "
    "target part is what the target-only twin says, the source part is what likeness across "
    "the domains adds.",
    settings=ItemKnnSettings,
    build=ItemKnn,
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=True,
    fold_in="exact",
    presets={"fast": {"neighbours": 50}, "thorough": {"neighbours": 200}},
    grid={"shrinkage": (20.0, 50.0, 100.0), "source_weight": (0.1, 0.2, 0.5)},
)
