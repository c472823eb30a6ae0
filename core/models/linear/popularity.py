"""Popularity: the most interacted target items first, the same list for everybody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import Settings
from core.basics.types import Contributions, DomainScores, FloatArray
from core.data.pair import DomainPair
from core.models.kernel.history import HistoryModel
from core.models.kernel.training_settings import counts
from core.models.protocol import ModelCard, PairSizes


@dataclass(frozen=True)
class PopularitySettings(Settings):
    """What an interaction counts; nothing else can be set."""

    counts: str = counts()


class Popularity(HistoryModel):
    """Counts the interactions of each target item in the training data, or what they weigh."""

    counts: FloatArray  # (n_target_items,)
    arrays = ("counts",)
    stage = ""

    def solve(self, train: DomainPair, seed: int) -> None:
        """Add up once."""
        target = train.target
        self.counts = np.bincount(target.indices, target.data, target.shape[1]).astype(np.float32)

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """The counts, for everybody, as what is said without either history."""
        n_asked = source_rows.shape[0]
        nothing = np.zeros((n_asked, len(self.counts)), dtype=np.float32)
        nobody = np.zeros(n_asked, dtype=bool)
        return DomainScores(nothing, nothing, self.counts[None, :], None, nobody, nobody)

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Nothing in a history explains popularity: every amount is 0."""
        source, target = source_row.indices, target_row.indices
        return Contributions(source, np.zeros(len(source)), target, np.zeros(len(target)))


def _memory(sizes: PairSizes, settings: PopularitySettings) -> int:
    return 8 * sizes.target_items


CARD = ModelCard(
    name="popularity",
    title="Popularity",
    family="Baselines",
    line="The most popular target items first, the same list for everybody.",
    paper="Cremonesi, Koren, Turrin: Performance of recommender algorithms on top-n tasks, 2010",
    differs="",
    when="Always, as the floor that any model must beat.",
    words="Popularity looks at no history, so alpha and beta change nothing.",
    settings=PopularitySettings,
    build=Popularity,
    memory=_memory,
    cross_domain=False,
    has_twin=False,
    additive=True,
    fold_in="exact",
)
