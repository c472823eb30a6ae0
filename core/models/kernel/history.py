"""What models share that are solved in closed form and score any history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.progress import Progress
from core.basics.types import BoolArray, DomainScores, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.protocol import CrossDomainModel, State


class HistoryModel(CrossDomainModel):
    """A model that knows training users by their histories alone, as it knows anybody.

    A model says how it is solved, what each history says and what each item of one adds (`solve`,
    `parts`, `explain`), and which arrays it keeps; one that takes several rounds, has a base or
    keeps more than arrays says that itself.
    """

    train: DomainPair
    arrays: ClassVar[tuple[str, ...]] = ()  # attributes that are everything learned
    stage: ClassVar[str] = "solved"  # what a fit in one step says it did

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def solve(self, train: DomainPair, seed: int) -> None:
        """Learn everything at once."""
        raise NotImplementedError

    def parts(
        self, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> tuple[FloatArray, FloatArray]:
        """What either history says of the target items, (n_rows, n_target_items) float32 each."""
        raise NotImplementedError

    def evidence(
        self, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> tuple[BoolArray, BoolArray]:
        """Whose histories say anything, (n_rows,) each: those that hold an item."""
        return np.diff(source_rows.indptr) > 0, np.diff(target_rows.indptr) > 0

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """Solve in one step."""
        self.train = train
        self.solve(train, seed)
        yield Progress(done=1, total=1, stage=self.stage)

    def score(self, users: IntArray) -> DomainScores:
        """Both parts for training users, from their histories."""
        return self.fold_in(self.train.source[users], self.train.target[users])

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Both parts for any histories; exact, as nothing belongs to a training user."""
        parts = self.parts(source_rows, target_rows)
        return DomainScores.ranking(*parts, *self.evidence(source_rows, target_rows))

    def vectors(self) -> Vectors | None:
        """None, for a model without vectors."""
        return None

    def state(self) -> State:
        """Everything learned."""
        return {name: getattr(self, name) for name in self.arrays}

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        self.train = train
        for name in self.arrays:
            setattr(self, name, state[name])
