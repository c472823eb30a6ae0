"""EASE over the items of both domains: each target item is predicted from all other items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.basics.progress import Progress
from core.basics.settings import Settings, setting
from core.basics.types import FloatArray
from core.data.pair import DomainPair
from core.models.closed_form import solve_memory
from core.models.counts import counts_setting
from core.models.item_weights import ItemWeights
from core.models.protocol import ModelCard, PairSizes


@dataclass(frozen=True)
class EaseSettings(Settings):
    """Strength of the ridge and weight of the source in the regression."""

    regularization: float = setting(
        100.0, low=1.0, high=100_000.0, help="Ridge on every item weight; more smooths more."
    )
    source_weight: float = setting(
        0.5,
        low=0.01,
        high=5.0,
        help="What a source interaction counts beside a target one while training.",
    )
    counts: str = counts_setting()
    solver: str = setting(
        "auto",
        choices=("auto", "primal", "dual"),
        help="Invert items x items (primal) or users x users (dual); auto takes the smaller one.",
    )


class Ease(ItemWeights):
    """Steck 2019, eq. 8, on [w * source, target]: weights of all items for the target items."""

    settings: EaseSettings

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """Solve once, in closed form."""
        self.solve_ease(train, self._ridge(train))
        yield Progress(done=1, total=1, stage="solved")

    def _ridge(self, train: DomainPair) -> FloatArray:
        n_items = train.source.shape[1] + train.target.shape[1]
        return np.full(n_items, self.settings.regularization, dtype=np.float32)


def _memory(sizes: PairSizes, settings: EaseSettings) -> int:
    return solve_memory(sizes, settings.solver)


CARD = ModelCard(
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
