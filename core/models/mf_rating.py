"""Matrix factorization of the target's ratings: biases and factors of users and items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.progress import Progress
from core.basics.settings import Settings, setting
from core.basics.types import Contributions, DomainScores, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.als import als_memory
from core.models.cmf_rating import CmfRating, CmfRatingSettings
from core.models.protocol import ModelCard, PairSizes, State
from core.models.rating_domain import BIASES, NONE, NORMALIZATIONS


@dataclass(frozen=True)
class MfRatingSettings(Settings):
    """Sizes and weights of the factorization."""

    factors: int = setting(16, low=1, high=256, help="Length of every user and item vector.")
    epochs: int = setting(10, low=1, high=200, help="Rounds of solving users, then items.")
    regularization: float = setting(
        15.0,
        low=0.01,
        high=1000.0,
        help="Ridge on vectors: they are drawn to 0 as by so many ratings that are average.",
    )
    bias_regularization: float = setting(
        3.0,
        low=0.01,
        high=1000.0,
        help="Ridge on biases: they are drawn to 0 as by so many ratings that are average.",
    )
    normalization: str = setting(
        NONE,
        choices=NORMALIZATIONS,
        help="Before anything is learned, subtract each user's mean rating, or also divide by "
        "each user's deviation (z-score); none learns user biases with the vectors instead.",
    )


class MfRating:
    """The collective factorization without a source: everything is learned from the target."""

    def __init__(self, settings: MfRatingSettings) -> None:
        self.settings = settings
        self.model = CmfRating(CmfRatingSettings.of(settings.to_dict()))

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """Solve users, then items, once per epoch."""
        yield from self.model.fit_epochs(train.target_only(), seed)

    def score(self, users: IntArray) -> DomainScores:
        """The target part for training users, solved from their ratings."""
        return self.model.score(users)

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """The target part for ratings nobody trained on; exact."""
        return self.model.fold_in(_nothing(source_rows), target_rows)

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact for target ratings; source ratings add nothing."""
        found = self.model.explain(_nothing(source_row), target_row, item)
        source = source_row.indices
        return Contributions(
            source, np.zeros(len(source)), found.target_items, found.target_amounts
        )

    def vectors(self) -> Vectors:
        """Users and items of the target, (n, d)."""
        found = self.model.vectors()
        return Vectors(None, found.target_items, None, found.target_users)

    def state(self) -> State:
        """Biases, factors, mean and deviation of the target."""
        kept = self.model.state()
        return {name: kept[name] for name in kept if name.startswith("target")}

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        factors = state["target_factors"].shape[1]
        no_source = {
            "source_biases": np.zeros(0, dtype=np.float32),
            "source_factors": np.zeros((0, factors), dtype=np.float32),
            "source_scale": np.array([0.0, 1.0]),
        }
        self.model.restore(train.target_only(), {**no_source, **state})


def _nothing(rows: csr_matrix) -> csr_matrix:
    """Histories of as many users in a source without items."""
    return csr_matrix((rows.shape[0], 0), dtype=np.float32)


def _memory(sizes: PairSizes, settings: MfRatingSettings) -> int:
    alone = PairSizes(sizes.users, 0, sizes.target_items, 0, sizes.target_rows)
    return als_memory(alone, settings.factors + BIASES)


CARD = ModelCard(
    name="mf_rating",
    title="MF of ratings",
    family="Ratings",
    line="Predicts ratings in the target from biases and factors, without any source.",
    paper="Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems, 2009",
    differs="Solved by alternating ridge regressions instead of gradient steps, so that it needs "
    "no learning rate.",
    when="To see what factors add to biases, and what a source would have to beat.",
    words="The base is the mean rating and the item's bias; the target part is the user's bias and "
    "vector. It looks at no source history, so alpha changes nothing.",
    settings=MfRatingSettings,
    build=MfRating,
    memory=_memory,
    cross_domain=False,
    has_twin=False,
    additive=True,
    fold_in="exact",
    needs=("ratings",),
    task="rating",
    grid={"regularization": (10.0, 15.0, 25.0), "bias_regularization": (1.0, 3.0)},
)
