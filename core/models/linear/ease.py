"""EASE and EDLAE: item weights solved at once over both catalogues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import Settings, setting
from core.basics.types import FloatArray, IntArray
from core.data.pair import DomainPair
from core.models.kernel.training_settings import (
    counts,
    denoise,
    fill,
    item_ridge,
    solver,
    source_interaction_weight,
)
from core.models.linear.item_weights import (
    DenseWeights,
    ItemWeights,
    UserMix,
    ease_dealt_dual,
    ease_dealt_primal,
    ease_dual,
    ease_primal,
    solve_memory,
    solves_dual,
)
from core.models.protocol import CrossDomainModel, ModelCard, PairSizes


@dataclass(frozen=True)
class EaseSettings(Settings):
    """Strength of the ridge and weight of the source in the regression."""

    regularization: float = item_ridge(100.0)
    source_weight: float = source_interaction_weight(0.5)
    counts: str = counts()
    denoise: float = denoise()
    fill: int = fill()
    solver: str = solver()


@dataclass(frozen=True)
class EdlaeSettings(Settings):
    """Strength of the ridge, dropout and weight of the source in the regression."""

    regularization: float = item_ridge(100.0)
    dropout: float = setting(
        0.2,
        low=0.0,
        high=0.95,
        help="Share of a history hidden while training; popular items are damped by it.",
    )
    source_weight: float = source_interaction_weight(0.5)
    counts: str = counts()
    denoise: float = denoise()
    fill: int = fill()
    solver: str = solver()


class Ease(ItemWeights):
    """Steck 2019, eq. 8, on [w * source, target]: weights of all items for the target items.

    With dropout p it is EDLAE, Steck 2020, sec. 3: the ridge of item i grows from lambda to
    lambda + p / (1 - p) * (its sum of squares), as if shares of each history were hidden.
    """

    settings: EaseSettings | EdlaeSettings

    def __init__(self, settings: EaseSettings | EdlaeSettings, dropout: float = 0.0) -> None:
        super().__init__(settings)
        self.dropout = dropout

    def solve(self, train: DomainPair, seed: int) -> None:
        """Invert a matrix of items, or one of users."""
        rows, n_source = self.training_rows(train), train.source.shape[1]
        ridge = self._ridge(rows)
        users, items = rows.shape
        if solves_dual(self.settings.solver, users, items, items - n_source, rows.nnz):
            mix, self_weight = ease_dual(rows, ridge, n_source)
            self.form = UserMix(rows, mix, ridge, self_weight)
        else:
            self.form = DenseWeights(ease_primal(rows, ridge, n_source))

    def fit_dealt(
        self, train: DomainPair, deals: Sequence[IntArray], seed: int
    ) -> Iterator[CrossDomainModel]:
        """A deal changes what source and target items share, and no other block of the matrix."""
        rows, n_source = self.training_rows(train), train.source.shape[1]
        ridge, (users, items) = self._ridge(rows), rows.shape
        n_targets, solver = items - n_source, self.settings.solver
        source, target = rows[:, :n_source], rows[:, n_source:]
        # A deal costs one inverse of users, or one of target items and what brings it to the source
        people = int((np.diff(source.indptr) > 0).sum())
        cheaper = users**3 <= n_targets**3 + 2 * min(people, n_source) * n_targets**2
        dual = solver == "dual" or (
            cheaper and solves_dual(solver, users, items, n_targets, rows.nnz)
        )
        solve = (ease_dealt_dual if dual else ease_dealt_primal)(source, target, ridge)
        for givers in deals:
            model = Ease(self.settings, self.dropout)
            model.train = train.with_source_of(givers)
            solved = solve(givers)
            if isinstance(solved, tuple):
                mix, self_weight = solved
                dealt = self.training_rows(model.train)
                model.form = UserMix(dealt, mix, ridge, self_weight)
            else:
                model.form = DenseWeights(solved)
            yield model

    def _ridge(self, rows: csr_matrix) -> FloatArray:
        """(n_items,) what is added to the diagonal of the Gram matrix."""
        squares = np.asarray(rows.multiply(rows).sum(axis=0)).ravel()  # that diagonal
        odds = self.dropout / (1 - self.dropout)
        return (self.settings.regularization + odds * squares).astype(np.float32)


def _memory(sizes: PairSizes, settings: EaseSettings | EdlaeSettings) -> int:
    return solve_memory(sizes, settings.solver)


EASE_CARD = ModelCard(
    name="ease",
    title="EASE",
    family="Linear",
    line="A ridge regression of every target item on all other items of both domains.",
    paper="Steck: Embarrassingly shallow autoencoders for sparse data, WWW 2019",
    differs="Joint: source columns are weighted and stand beside the target columns; "
    "only the weights towards target items are kept.",
    when="First. Strong, exact and fast up to about 30,000 items.",
    words="Each score is a sum over history items, so its source part and its target part are "
    "exact: with alpha = beta = 1 the list is the model's own.",
    settings=EaseSettings,
    build=Ease,
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=True,
    fold_in="exact",
    grid={"regularization": (30.0, 100.0, 300.0), "source_weight": (0.2, 0.5, 1.0)},
)

EDLAE_CARD = replace(
    EASE_CARD,
    name="edlae",
    title="EDLAE",
    line="EASE that also learns as if parts of each history were hidden.",
    paper="Steck: Autoencoders that don't overfit towards the identity, NeurIPS 2020",
    differs="Joint, as EASE here; the full-rank, full-emphasis form of the paper.",
    when="Beside EASE: often a little better where a few items are very popular.",
    settings=EdlaeSettings,
    build=lambda settings: Ease(settings, settings.dropout),
    grid={"regularization": (30.0, 100.0, 300.0), "dropout": (0.1, 0.2, 0.4)},
)
