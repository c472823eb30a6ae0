"""A linear map between the factors of two domains: the source vector of a user becomes a target
one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.progress import Progress
from core.basics.settings import Settings, setting
from core.basics.types import BoolArray, Contributions, DomainScores, FloatArray, Vectors
from core.data.pair import DomainPair
from core.models.factors.als import Penalty, als_memory
from core.models.factors.domain_maps import (
    SIDES,
    DomainMaps,
    domain_map_steps,
    held_out,
    mapping_findings,
    restored_maps,
    ridge_map,
)
from core.models.factors.feature_maps import LEARNED, TORCH, MapOptions, factors_from
from core.models.kernel.history import HistoryModel
from core.models.kernel.training_settings import factors
from core.models.protocol import Finding, ModelCard, PairSizes, State
from core.models.readiness import check_shared


@dataclass(frozen=True)
class LinearMapSettings(Settings):
    """Sizes of both factorizations and strength of the map's ridge."""

    factors: int = factors(64)
    epochs: int = setting(
        10, low=1, high=100, help="Implicit ALS only: rounds of solving users, then items."
    )
    regularization: float = setting(
        0.03,
        low=1e-6,
        high=10.0,
        help="Implicit ALS only: ridge on vectors, times how much data a user or item has; more "
        "smooths more.",
    )
    unobserved_weight: float = setting(
        5.0,
        low=0.01,
        high=10_000.0,
        help="Implicit ALS only: what all cells together count beside all interactions; less "
        "trusts silence less.",
    )
    map_regularization: float = setting(
        3.0, low=0.01, high=100_000.0, help="Ridge of the map, learned on shared users."
    )
    factors_from: str = factors_from()


class LinearMap(HistoryModel):
    """Each domain's own vectors, then min |S M - T|^2 + ridge |M|^2 over shared users.

    S and T are the vectors of shared users in either domain. Kept are item vectors and the map;
    users are drawn from their histories whenever asked.
    """

    maps: DomainMaps
    bridge: FloatArray  # (d_source, d_target), M

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """One round of both factorizations and the map; RunError where no users are shared."""
        check_shared(CARD, train)
        self.train, rng = train, np.random.default_rng(seed)
        steps = domain_map_steps(self.settings.factors_from, train, self._options(), rng)
        for done, (total, self.maps) in enumerate(steps, 1):
            self.bridge = self._learned(*self._vectors_of(train.shared))
            yield Progress(done=done, total=total)

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Mapped source vector and own target vector, each times the target items; exact.

        The model's own score is the target part where there is one, else the source part.
        """
        towards = self.maps.target.items.T
        from_source, from_target = self.maps.users(source_rows, target_rows)
        source, target = from_source @ self.bridge @ towards, from_target @ towards
        has_source, has_target = self.evidence(source_rows, target_rows)
        own = np.where(has_target[:, None], target, source)
        nothing = np.zeros((len(own), 1), dtype=np.float32)
        return DomainScores(source, target, nothing, own, has_source, has_target)

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact for each part: a history item's share of the vector, mapped or not."""
        wanted = self.maps.target.items[item]
        return Contributions(
            source_row.indices,
            self.maps.source.shares(source_row) @ (self.bridge @ wanted),
            target_row.indices,
            self.maps.target.shares(target_row) @ wanted,
        )

    def vectors(self) -> Vectors:
        """All in the target's space: the map is applied to items and users of the source."""
        source_users, target_users = self.maps.users(self.train.source, self.train.target)
        return Vectors(
            source_items=self.maps.source.items @ self.bridge,
            target_items=self.maps.target.items,
            source_users=source_users @ self.bridge,
            target_users=target_users,
        )

    def findings(self) -> list[Finding]:
        """How good a map of the same kind is for shared users it was not learned on."""
        judged = held_out(self.train.shared)
        source, target = self._vectors_of(self.train.shared & ~judged)
        from_source, true = self._vectors_of(judged)
        mapped = from_source @ self._learned(source, target)
        return mapping_findings(mapped, true, target.mean(axis=0))

    def state(self) -> State:
        """The maps of both domains and the bridge between them."""
        return self.maps.state() | {"bridge": self.bridge}

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        self.train, self.bridge = train, state["bridge"]
        # What runs kept before maps knew their penalties: it follows from the training data
        asked = self.settings.unobserved_weight, self.settings.regularization
        older_penalties = {
            f"{side}_penalty": np.array(astuple(Penalty.of(rows, *asked)))
            for side, rows in zip(SIDES, (self.train.source, self.train.target), strict=True)
        }
        state = older_penalties | state
        self.maps = restored_maps(self.settings.factors_from, state)

    def _options(self) -> MapOptions:
        asked = self.settings
        return MapOptions(
            asked.factors, asked.epochs, asked.regularization, asked.unobserved_weight
        )

    def _vectors_of(self, users: BoolArray) -> tuple[FloatArray, FloatArray]:
        return self.maps.users(self.train.source[users], self.train.target[users])

    def _learned(self, source: FloatArray, target: FloatArray) -> FloatArray:
        return ridge_map(source, target, self.settings.map_regularization)


def _memory(sizes: PairSizes, settings: LinearMapSettings) -> int:
    torch = TORCH if settings.factors_from in LEARNED else 0
    return als_memory(sizes, settings.factors) + torch


CARD = ModelCard(
    name="linear_map",
    title="Linear map of factors",
    family="Factors",
    line="Each domain gets factors of its own; a linear map turns source taste into target taste.",
    paper="Man et al.: Cross-domain recommendation: an embedding and mapping approach, IJCAI 2017",
    differs="Factors by implicit ALS, BPR, a graph or a feature map, users drawn from their "
    "histories, and a ridge map; a warm user keeps the vector of the target domain instead of the "
    "mapped one.",
    when="For cold-start users when many users are shared.",
    words="The source part is the mapped source vector, the target part the user's own target "
    "vector. The model's own score is one of them, not their sum: the target part for warm "
    "users, the source part for cold ones. The two live on different scales, so they are "
    "standardised per user before they are weighed. It has no twin; cold users are compared "
    "with popularity.",
    settings=LinearMapSettings,
    build=LinearMap,
    memory=_memory,
    cross_domain=True,
    has_twin=False,
    additive=False,
    fold_in="exact",
    needs=("shared users",),
    presets={"fast": {"factors": 32, "epochs": 5}, "thorough": {"factors": 128, "epochs": 15}},
    grid={"factors": (32, 64), "map_regularization": (1.0, 3.0, 10.0)},
)
