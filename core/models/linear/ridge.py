"""Source-to-target ridge: target items from the source history alone, for cold-start users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import Settings
from core.basics.types import BoolArray, Contributions, FloatArray, IntArray
from core.data.pair import DomainPair
from core.models.kernel.history import HistoryModel
from core.models.kernel.training_settings import item_ridge, solver
from core.models.linear.item_weights import (
    GRAM_ROWS,
    DenseWeights,
    UserMix,
    WeightForm,
    restored,
    ridge_dual,
    ridge_inverse,
    ridge_primal,
    solve_memory,
    solves_dual,
)
from core.models.protocol import CrossDomainModel, ModelCard, PairSizes, State
from core.models.readiness import check_shared


@dataclass(frozen=True)
class RidgeSettings(Settings):
    """Strength of the ridge."""

    regularization: float = item_ridge(300.0)
    solver: str = solver()


class Ridge(HistoryModel):
    """(X'X + lambda)^-1 X'Y over shared users: X their source rows, Y their target rows."""

    form: WeightForm

    def solve(self, train: DomainPair, seed: int) -> None:
        """Solve once, in closed form; raises RunError where no users are shared."""
        check_shared(CARD, train)
        rows, wanted = train.source[train.shared], train.target[train.shared]
        users, items = rows.shape
        if solves_dual(self.settings.solver, users, items, wanted.shape[1], rows.nnz):
            mix = ridge_dual(rows, wanted, self.settings.regularization)
            self.form = UserMix(rows, mix)
        else:
            self.form = DenseWeights(ridge_primal(rows, wanted, self.settings.regularization))

    def fit_dealt(
        self, train: DomainPair, deals: Sequence[IntArray], seed: int
    ) -> Iterator[CrossDomainModel] | None:
        """Shared users have the same source rows in another order: one inverse serves every deal.

        None where a deal gives them a row of somebody who has no target history.
        """
        check_shared(CARD, train)
        shared = np.flatnonzero(train.shared)
        if not all(train.shared[givers[shared]].all() for givers in deals):
            return None
        return self._fit_dealt(train, deals, shared)

    def _fit_dealt(
        self, train: DomainPair, deals: Sequence[IntArray], shared: IntArray
    ) -> Iterator[CrossDomainModel]:
        rows, wanted = train.source[shared], train.target[shared]
        users, items = rows.shape
        dual = solves_dual(self.settings.solver, users, items, wanted.shape[1], rows.nnz)
        inverse = ridge_inverse(rows if dual else rows.T, self.settings.regularization)
        for givers in deals:
            model = Ridge(self.settings)
            model.train = train.with_source_of(givers)
            order = np.searchsorted(shared, givers[shared])  # place of each one's giver
            if dual:
                mix = (wanted.T @ inverse[np.ix_(order, order)]).T
                model.form = UserMix(rows[order], np.ascontiguousarray(mix, dtype=np.float32))
            else:
                model.form = DenseWeights(_weights_of(inverse, rows[order], wanted))
            yield model

    def parts(
        self, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> tuple[FloatArray, FloatArray]:
        """The source part for any histories; target histories say nothing here."""
        source = self.form.scores(source_rows)
        return source, np.zeros_like(source)

    def evidence(
        self, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> tuple[BoolArray, BoolArray]:
        """Those with a source history; a target history is not read."""
        has_source = np.diff(source_rows.indptr) > 0
        return has_source, np.zeros_like(has_source)

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact: each source item adds its own weight, target items add nothing."""
        amounts = source_row.data * self.form.towards(item, source_row.indices)
        target = target_row.indices
        return Contributions(source_row.indices, amounts, target, np.zeros(len(target)))

    def state(self) -> State:
        """The weights, in the form they are kept in."""
        return self.form.state()

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state; a mix of users also needs the rows of the shared users."""
        self.train = train
        self.form = restored(state, train.source[train.shared])


def _weights_of(inverse: FloatArray, rows: csr_matrix, wanted: csr_matrix) -> FloatArray:
    """inverse X'Y, (n_items, n_wanted) float32, user by user: X and Y are sparse, X'Y is not."""
    weights = np.zeros((wanted.shape[1], len(inverse)), dtype=np.float32)
    for start in range(0, rows.shape[0], GRAM_ROWS):
        some = slice(start, start + GRAM_ROWS)
        weights += wanted[some].T @ (rows[some] @ inverse)
    return np.ascontiguousarray(weights.T)


def _memory(sizes: PairSizes, settings: RidgeSettings) -> int:
    return solve_memory(sizes, settings.solver)


CARD = ModelCard(
    name="ridge",
    title="Source→target ridge",
    family="Linear",
    line="A ridge regression of every target item on the source history alone.",
    paper="Hoerl, Kennard: Ridge regression, Technometrics 1970; as a cross-domain linear bridge "
    "learned on shared users",
    differs="No target item explains another, so a user needs no target history at all.",
    when="For cold-start users, and to see what the source says by itself.",
    words="The source part is the only part and the model's own score, for warm users too: it "
    "reads no target history, so alpha and beta change no list. Users without source history "
    "are ranked by popularity, which is also what it is compared with, as it has no twin.",
    settings=RidgeSettings,
    build=Ridge,
    memory=_memory,
    cross_domain=True,
    has_twin=False,
    additive=True,
    fold_in="exact",
    needs=("shared users",),
    grid={"regularization": (30.0, 100.0, 300.0, 1000.0)},
)
