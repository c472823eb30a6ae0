"""What all models of item-to-item weights share: a score is a sum over the items of a history."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack

from core.basics.types import Contributions, DomainScores, FloatArray, IntArray
from core.data.pair import DomainPair
from core.models.closed_form import ease_dual, ease_primal, solves_dual
from core.models.protocol import State
from core.models.weight_forms import DenseWeights, UserMix, WeightForm, restored


class ItemWeights:
    """Scores, folds in and explains with weights from the items of both domains to the target's.

    A history is the row [w * source, target] of (n_source_items + n_target_items,) values.
    """

    train: DomainPair
    form: WeightForm

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def joint(self, source_rows: csr_matrix, target_rows: csr_matrix) -> csr_matrix:
        """[w * source, target], (n_rows, n_source_items + n_target_items) float32."""
        weighted = source_rows * np.float32(self.settings.source_weight)
        return hstack([weighted, target_rows], format="csr", dtype=np.float32)

    def training_rows(self, train: DomainPair) -> csr_matrix:
        """The histories the weights are learned on."""
        return self.joint(train.source, train.target)

    def solve_ease(self, train: DomainPair, ridge: FloatArray) -> None:
        """Learn all weights in closed form, for one ridge per item, (n_items,)."""
        self.train = train
        rows = self.training_rows(train)
        n_source = train.source.shape[1]
        users, items = rows.shape
        if solves_dual(self.settings.solver, users, items, items - n_source, rows.nnz):
            mix, self_weight = ease_dual(rows, ridge, n_source)
            self.form = UserMix(rows, mix, ridge, self_weight)
        else:
            self.form = DenseWeights(ease_primal(rows, ridge, n_source))

    def score(self, users: IntArray) -> DomainScores:
        """Both parts for training users."""
        return self.fold_in(self.train.source[users], self.train.target[users])

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Both parts for any histories; exact, because weights do not belong to users."""
        source = self.form.scores(self.joint(source_rows, csr_matrix(target_rows.shape)))
        target = self.form.scores(self.joint(csr_matrix(source_rows.shape), target_rows))
        has_source, has_target = np.diff(source_rows.indptr) > 0, np.diff(target_rows.indptr) > 0
        return DomainScores.ranking(source, target, has_source, has_target)

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact: each history item adds its own weight."""
        joint = self.joint(source_row, target_row)
        amounts = joint.data * self.form.towards(item, joint.indices)
        n_source, source = source_row.shape[1], joint.indices < source_row.shape[1]
        return Contributions(
            source_items=joint.indices[source],
            source_amounts=amounts[source],
            target_items=joint.indices[~source] - n_source,
            target_amounts=amounts[~source],
        )

    def vectors(self) -> None:
        """None: an item is a row of weights, too long for a map of vectors."""

    def state(self) -> State:
        """The weights, in the form they are kept in."""
        return self.form.state()

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state; a mix of users also needs the training matrices."""
        self.train = train
        self.form = restored(state, self.training_rows(train))
