"""Biases: the mean rating, how lenient the user is and how well the item is liked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import Settings
from core.basics.types import Contributions, DomainScores, FloatArray
from core.data.pair import DomainPair
from core.models.kernel.history import HistoryModel
from core.models.kernel.training_settings import bias_ridge
from core.models.protocol import ModelCard, PairSizes, State
from core.models.task import Task

ROUNDS = 10  # of solving users, then items; far more than it takes to converge


@dataclass(frozen=True)
class BiasSettings(Settings):
    """How far biases are drawn to 0."""

    bias_regularization: float = bias_ridge(3.0)


class Bias(HistoryModel):
    """r = mean + b_i + b_u by ridge regression (Koren, Bell, Volinsky 2009, eq. 3 and 5).

    Kept are the mean and the item biases; a user's bias is solved from their ratings when asked.
    """

    stage = ""
    mean: float
    items: FloatArray  # (n_target_items,)

    def solve(self, train: DomainPair, seed: int) -> None:
        """Alternate both sides' biases; there is nothing to draw by chance."""
        self.fit_rows(train.target)

    def fit_rows(self, rows: csr_matrix) -> None:
        """Mean and item biases of some users' ratings, (n_users, n_items)."""
        values = rows.data.astype(np.float64)
        self.mean = float(values.mean()) if len(values) else 0.0
        self.items = np.zeros(rows.shape[1], dtype=np.float32)
        owners = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        counts = np.bincount(rows.indices, minlength=rows.shape[1])
        for _ in range(ROUNDS):
            left = values - self.mean - self.users(rows)[owners]
            sums = np.bincount(rows.indices, left, minlength=rows.shape[1])
            self.items = (sums / (counts + self.settings.bias_regularization)).astype(np.float32)

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Mean and item biases as base, the user's bias as target part; exact."""
        shape = target_rows.shape[0], len(self.items)
        target = np.broadcast_to(self.users(target_rows)[:, None], shape).astype(np.float32)
        return DomainScores(
            np.zeros(shape, dtype=np.float32),
            target,
            self.base[None],
            None,
            np.zeros(shape[0], dtype=bool),
            np.diff(target_rows.indptr) > 0,
        )

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """How far each rating lies from what was to be expected, over ratings and ridge."""
        amounts = self.without_items(target_row) / (
            target_row.nnz + self.settings.bias_regularization
        )
        nothing = np.zeros(source_row.nnz)
        return Contributions(source_row.indices, nothing, target_row.indices, amounts)

    def state(self) -> State:
        """Item biases and the mean."""
        return {"items": self.items, "mean": np.array([self.mean])}

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        self.train, self.items, self.mean = train, state["items"], float(state["mean"][0])

    def users(self, rows: csr_matrix) -> FloatArray:
        """The user biases, (n_users,) float64; 0 without ratings."""
        counts = np.diff(rows.indptr)
        owners = np.repeat(np.arange(rows.shape[0]), counts)
        sums = np.bincount(owners, self.without_items(rows), minlength=rows.shape[0])
        return sums / (counts + self.settings.bias_regularization)

    def without_items(self, rows: csr_matrix) -> FloatArray:
        """What mean and item biases leave of each rating, in the order of rows.data."""
        return rows.data - self.mean - self.items[rows.indices].astype(np.float64)

    @property
    def base(self) -> FloatArray:
        """(n_target_items,) float32 ratings expected of somebody nobody knows anything about."""
        return self.items + np.float32(self.mean)


def _memory(sizes: PairSizes, settings: BiasSettings) -> int:
    return 8 * 4 * sizes.target_rows + 8 * (sizes.users + sizes.target_items)


CARD = ModelCard(
    name="bias",
    title="Biases of ratings",
    family="Ratings",
    line="Predicts the mean rating, plus how well the item is liked and how lenient the user is.",
    paper="Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems, 2009",
    differs="",
    when="Always beside a model of ratings, as the floor it must beat.",
    words="The base is the mean rating and the item's bias, the target part the user's own bias. "
    "It looks at no source history, so alpha changes nothing.",
    settings=BiasSettings,
    build=Bias,
    memory=_memory,
    cross_domain=False,
    has_twin=False,
    additive=True,
    fold_in="exact",
    needs=("ratings",),
    task=Task.RATING,
    grid={"bias_regularization": (1.0, 3.0, 10.0)},
)
