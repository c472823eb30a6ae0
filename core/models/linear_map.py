"""A linear map between the domains' factors: the source vector of a user becomes a target one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.progress import Progress
from core.basics.scores import Contributions, DomainScores, FloatArray, IntArray, Vectors
from core.basics.settings import Settings, setting
from core.data.pair import DomainPair
from core.models.als import Penalty, als_memory, random_factors
from core.models.protocol import ModelCard, PairSizes, State
from core.models.readiness import check_readiness


@dataclass(frozen=True)
class LinearMapSettings(Settings):
    """Sizes of both factorizations and strength of the map's ridge."""

    factors: int = setting(64, low=2, high=512, help="Length of every user and item vector.")
    epochs: int = setting(10, low=1, high=100, help="Rounds of solving users, then items.")
    regularization: float = setting(
        0.03, low=1e-6, high=10.0,
        help="Ridge on vectors, times how much data a user or item has; more smooths more.",
    )  # fmt: skip
    unobserved_weight: float = setting(
        5.0, low=0.01, high=10_000.0,
        help="What all cells together count beside all interactions; less trusts silence less.",
    )  # fmt: skip
    map_regularization: float = setting(
        3.0, low=0.01, high=100_000.0, help="Ridge of the map, learned on shared users."
    )


class LinearMap:
    """Each domain by its own iALS, then min |S M - T|^2 + ridge |M|^2 over shared users.

    S and T are the vectors of shared users in either domain. Man et al. 2017 (EMCDR), sec. 3.2,
    linear form. Kept are item vectors and the map; users are solved whenever asked.
    """

    train: DomainPair
    source_items: FloatArray  # (n_source_items, d)
    target_items: FloatArray  # (n_target_items, d)
    bridge: FloatArray  # (d, d), M
    in_source: Penalty
    in_target: Penalty

    def __init__(self, settings: LinearMapSettings) -> None:
        self.settings = settings

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """One round of both factorizations and the map; RunError where no users are shared."""
        check_readiness(CARD, train, self.settings)
        self._take_up(train)
        rng, settings = np.random.default_rng(seed), self.settings
        self.source_items = random_factors(train.source.shape[1], settings.factors, rng)
        self.target_items = random_factors(train.target.shape[1], settings.factors, rng)
        for epoch in range(1, settings.epochs + 1):
            self.source_items = _next_items(train.source, self.source_items, self.in_source)
            self.target_items = _next_items(train.target, self.target_items, self.in_target)
            self.bridge = self._learned_map()
            yield Progress(done=epoch, total=settings.epochs)

    def score(self, users: IntArray) -> DomainScores:
        """Both parts for training users, solved from their histories."""
        return self.fold_in(self.train.source[users], self.train.target[users])

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Mapped source vector and own target vector, each times the target items; exact.

        The model's own score is the target part where there is one, else the source part.
        """
        towards = self.target_items.T
        source = self._source_users(source_rows) @ self.bridge @ towards
        target = self._target_users(target_rows) @ towards
        has_source, has_target = np.diff(source_rows.indptr) > 0, np.diff(target_rows.indptr) > 0
        own = np.where(has_target[:, None], target, source)
        nothing = np.zeros((len(own), 1), dtype=np.float32)
        return DomainScores(source, target, nothing, own, has_source, has_target)

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact for each part: history item i adds v_i' A_u^-1 v_j, through the map or not."""
        wanted = self.target_items[item]
        return Contributions(
            source_row.indices,
            _amounts(source_row, self.source_items, self.in_source, self.bridge @ wanted),
            target_row.indices,
            _amounts(target_row, self.target_items, self.in_target, wanted),
        )

    def vectors(self) -> Vectors:
        """All in the target's space: the map is applied to items and users of the source."""
        source_users = self._source_users(self.train.source)
        return Vectors(
            source_items=self.source_items @ self.bridge,
            target_items=self.target_items,
            source_users=source_users @ self.bridge,
            target_users=self._target_users(self.train.target),
        )

    def state(self) -> State:
        """The item vectors of both domains and the map."""
        return {
            "source_items": self.source_items,
            "target_items": self.target_items,
            "bridge": self.bridge,
        }

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        self._take_up(train)
        self.source_items, self.target_items = state["source_items"], state["target_items"]
        self.bridge = state["bridge"]

    def _take_up(self, train: DomainPair) -> None:
        self.train, settings = train, self.settings
        self.in_source, self.in_target = (
            Penalty.of(domain, settings.unobserved_weight, settings.regularization)
            for domain in (train.source, train.target)
        )

    def _source_users(self, rows: csr_matrix) -> FloatArray:
        return self.in_source.solve(rows, self.source_items, len(self.source_items))

    def _target_users(self, rows: csr_matrix) -> FloatArray:
        return self.in_target.solve(rows, self.target_items, len(self.target_items))

    def _learned_map(self) -> FloatArray:
        shared = self.train.shared
        source = self._source_users(self.train.source[shared])  # (n_shared, d)
        target = self._target_users(self.train.target[shared])
        left = source.T @ source + self.settings.map_regularization * np.eye(source.shape[1])
        return np.linalg.solve(left, source.T @ target).astype(np.float32)


def _next_items(rows: csr_matrix, items: FloatArray, penalty: Penalty) -> FloatArray:
    """One round of ALS in one domain, over the users who are in it."""
    users = penalty.solve(rows, items, len(items))
    present = int((np.diff(rows.indptr) > 0).sum())
    return penalty.solve(rows.T.tocsr(), users, present)


def _amounts(
    row: csr_matrix, items: FloatArray, penalty: Penalty, wanted: FloatArray
) -> FloatArray:
    """What each history item adds to the product of the user's vector with `wanted`."""
    history = items[row.indices]  # (n_history, d)
    ridge = penalty.ridge(np.array([len(history)]), len(items))
    left = penalty.gram(items) + history.T @ history + ridge * np.eye(items.shape[1])
    return history @ np.linalg.solve(left, wanted)


def _memory(sizes: PairSizes, settings: LinearMapSettings) -> int:
    return als_memory(sizes, settings.factors)


CARD = ModelCard(
    name="linear_map",
    title="Linear map of factors",
    family="Factors",
    line="Each domain gets factors of its own; a linear map turns source taste into target taste.",
    paper="Man et al.: Cross-domain recommendation: an embedding and mapping approach, IJCAI 2017",
    differs="Implicit ALS and a ridge map; a warm user keeps the vector of the target domain "
    "instead of the mapped one.",
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
