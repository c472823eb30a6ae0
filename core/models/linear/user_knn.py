"""UserKNN: a target item scores by how many people of like histories, in both domains, took it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import Settings, setting
from core.basics.types import Contributions, FloatArray
from core.data.pair import DomainPair
from core.models.kernel.history import HistoryModel
from core.models.kernel.training_settings import source_weight
from core.models.protocol import ModelCard, PairSizes, State

CELLS = 2**22  # likenesses held at once
COPIES = 5  # tables of that size at the peak


@dataclass(frozen=True)
class UserKnnSettings(Settings):
    """How many neighbours count, and how much they must share to be believed."""

    neighbours: int = setting(
        100, low=1, high=5000, help="Most similar people with a target history who are asked."
    )
    shrinkage: float = setting(
        5.0,
        low=0.0,
        high=10_000.0,
        help="Added to the norms below the cosine, so that short histories are not alike by a few "
        "common items.",
    )
    source_weight: float = source_weight(0.5)


class UserKnn(HistoryModel):
    """Share of the neighbours' likeness that belongs to those who took the item.

    Likeness of u and v is x_u'x_v / (|x_u| |x_v| + shrinkage) with x = [w * source, target]. Its
    numerator is a sum over the items both took, so what either history adds is exact; who the
    neighbours are comes from both. Whoever is asked may be among them, as anybody: that adds
    something to items they have, and to no other.
    """

    settings: UserKnnSettings
    arrays: ClassVar[tuple[str, ...]] = ("norms",)
    stage = "counted"
    norms: FloatArray  # (n_voters,) |x_v|

    def solve(self, train: DomainPair, seed: int) -> None:
        """Find out how long the histories are; all else is asked for."""
        self._take_up(train)
        self.norms = self._norms(self._source, self._target)

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        super().restore(train, state)
        self._take_up(train)

    def parts(
        self, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> tuple[FloatArray, FloatArray]:
        """Both parts for any histories, block by block; zeros where nobody is alike."""
        shape = target_rows.shape[0], self._target.shape[1]
        parts = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        step = max(1, CELLS // max(1, len(self.norms)))
        for start in range(0, shape[0], step):
            some = slice(start, start + step)
            weights, *common = self._neighbours(source_rows[some], target_rows[some])
            for part, shared in zip(parts, common, strict=True):
                votes = csr_matrix(weights * shared)  # few people are asked by each
                part[some] = (votes @ self._target).toarray()
        return parts

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact: a history item adds the votes of the neighbours who took it and the item."""
        weights, *_ = self._neighbours(source_row, target_row)
        took = self._target[:, [item]].toarray().ravel()
        of_source, of_target = (
            factor * row.data * (rows[:, row.indices].T @ (weights[0] * took))
            for factor, row, rows in (
                (self.settings.source_weight**2, source_row, self._source),
                (1.0, target_row, self._target),
            )
        )
        return Contributions(source_row.indices, of_source, target_row.indices, of_target)

    def _take_up(self, train: DomainPair) -> None:
        """Only who has a target history can say anything of target items."""
        self.train, self.voters = train, np.flatnonzero(train.target_history > 0)
        self._source, self._target = train.source[self.voters], train.target[self.voters]

    def _norms(self, source: csr_matrix, target: csr_matrix) -> FloatArray:
        squares = [np.asarray(rows.multiply(rows).sum(axis=1)).ravel() for rows in (source, target)]
        whole = self.settings.source_weight**2 * squares[0] + squares[1]
        return np.sqrt(whole).astype(np.float32)

    def _neighbours(
        self, source: csr_matrix, target: csr_matrix
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """What to multiply common items by, 0 for all but neighbours, and the common items.

        (n_rows, n_voters) each: weights, w^2 s_u's_v, and t_u't_v. Voters that tie with the last
        neighbour are asked, too. Weighted likenesses of a row sum to 1.
        """
        weight = np.float32(self.settings.source_weight**2)
        common = (
            (source @ self._source.T).toarray().astype(np.float32) * weight,
            (target @ self._target.T).toarray().astype(np.float32),
        )
        norms = self._norms(source, target)
        below = norms[:, None] * self.norms + np.float32(self.settings.shrinkage)
        weights = 1 / np.maximum(below, np.float32(1e-12))
        likeness = weights * (common[0] + common[1])
        count = self.settings.neighbours
        if count < likeness.shape[1]:
            bounds = np.partition(likeness, -count, axis=1)[:, [-count]]
            weights[likeness < bounds] = 0.0
            likeness[likeness < bounds] = 0.0
        weights /= np.maximum(likeness.sum(axis=1, keepdims=True), np.float32(1e-12))
        return weights, *common


def _memory(sizes: PairSizes, settings: UserKnnSettings) -> int:
    block = COPIES * 4 * max(CELLS, sizes.users)
    return block + 2 * 12 * (sizes.source_rows + sizes.target_rows)


CARD = ModelCard(
    name="user_knn",
    title="UserKNN",
    family="Neighbours",
    line="What people took whose histories in both domains are most like this one.",
    paper="Resnick et al.: GroupLens, CSCW 1994; Herlocker et al.: An algorithmic framework for "
    "performing collaborative filtering, SIGIR 1999",
    differs="For ones instead of ratings: cosine over both histories in place of correlation, with "
    "shrinkage in place of significance weights; the score is a weighted share of neighbours.",
    when="For reasons that anybody understands, with few users, and to see whose tastes cross; it "
    "needs people who are in both domains.",
    words="Likeness is a sum over the items that two people share, so both parts are exact sums; "
    "who the neighbours are, and how long their histories, comes from both and stays as it is "
    "when a weight moves.",
    settings=UserKnnSettings,
    build=UserKnn,
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=True,
    fold_in="exact",
    presets={"fast": {"neighbours": 50}, "thorough": {"neighbours": 200}},
    grid={"neighbours": (50, 100, 200), "source_weight": (0.3, 0.5, 1.0)},
)
