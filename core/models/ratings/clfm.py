"""Cluster-level transfer: rating patterns of user and item clusters, some common to domains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.progress import Progress
from core.basics.settings import Settings, setting
from core.basics.types import Contributions, DomainScores, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.factors.als import nonnegative_rows
from core.models.kernel.history import HistoryModel
from core.models.protocol import ModelCard, PairSizes, State
from core.models.ratings.bias import Bias, BiasSettings
from core.models.task import Task

# Clusters of users and items with a table of patterns between them, fitted to ratings.

BLOCK = 50_000  # ratings whose products of memberships are held at once


@dataclass
class Side:
    """One domain while it is fitted: its ratings as they are to be explained, and its items."""

    biases: Bias
    rows: csr_matrix
    wanted: FloatArray  # in the order of rows.data
    weight: float
    clusters: IntArray  # columns of the codebook that are this domain's
    items: FloatArray  # (n_items, clusters) memberships

    @classmethod
    def begin(
        cls,
        place: int,
        rows: csr_matrix,
        weight: float,
        common: int,
        own: int,
        bias_regularization: float,
        rng: np.random.Generator,
    ) -> Side:
        """Mean and biases taken off; items in clusters by chance: common ones, and own ones."""
        biases = Bias(BiasSettings(bias_regularization))
        biases.fit_rows(rows)
        first = common + place * own
        apart = np.arange(first, first + own)
        clusters = np.concatenate([np.arange(common), apart])
        items = rng.random((rows.shape[1], len(clusters)))
        return cls(biases, rows, left_of(biases, rows), weight, clusters, items)

    def factors(self, codebook: FloatArray) -> FloatArray:
        """S v of every item, (n_items, user_clusters) float32."""
        return (self.items @ codebook[:, self.clusters].T).astype(np.float32)

    def users(self, codebook: FloatArray, ridge: float) -> FloatArray:
        """Best memberships of the users, (n_users, user_clusters)."""
        return nonnegative_rows(self.rows, self.wanted, self.factors(codebook), ridge)

    def solve_items(self, codebook: FloatArray, users: FloatArray, ridge: float) -> None:
        """Take up the best memberships of the items for these users and this codebook."""
        places = csr_matrix(
            (np.arange(self.rows.nnz), self.rows.indices, self.rows.indptr), self.rows.shape
        ).T.tocsr()
        met = users @ codebook[:, self.clusters]  # (n_users, clusters)
        self.items = nonnegative_rows(places, self.wanted[places.data], met, ridge)

    def loss(self, users: FloatArray, codebook: FloatArray) -> float:
        """Mean squared error over the ratings."""
        owners = np.repeat(np.arange(len(users)), np.diff(self.rows.indptr))
        guess = np.einsum("rk,rk->r", users[owners], self.factors(codebook)[self.rows.indices])
        return float(((self.wanted - guess) ** 2).mean()) if len(guess) else 0.0


def left_of(biases: Bias, rows: csr_matrix) -> FloatArray:
    """What mean and biases leave of each rating, in the order of rows.data."""
    return biases.without_items(rows) - np.repeat(biases.users(rows), np.diff(rows.indptr))


def next_codebook(
    sides: list[Side], users: list[FloatArray], columns: int, ridge: float
) -> FloatArray:
    """The patterns that explain both domains best, (user_clusters, all clusters), by one ridge.

    Of unit length: else patterns would grow, memberships shrink, and no ridge would hold them.
    """
    size = users[0].shape[1] * columns
    left, right = ridge * np.eye(size), np.zeros(size)
    for side, memberships in zip(sides, users, strict=True):
        owners = np.repeat(np.arange(len(memberships)), np.diff(side.rows.indptr))
        cells = np.arange(size).reshape(-1, columns)[:, side.clusters].ravel()
        for start in range(0, side.rows.nnz, BLOCK):
            some = slice(start, start + BLOCK)
            of_user, of_item = memberships[owners[some]], side.items[side.rows.indices[some]]
            products = np.einsum("rk,rl->rkl", of_user, of_item).reshape(len(of_user), -1)
            left[np.ix_(cells, cells)] += side.weight * (products.T @ products)
            right[cells] += side.weight * (products.T @ side.wanted[some])
    return of_unit_length(np.linalg.solve(left, right).reshape(-1, columns))


def of_unit_length(codebook: FloatArray) -> FloatArray:
    """Every column, the pattern of an item cluster, at length 1; one of zeros stays."""
    lengths = np.linalg.norm(codebook, axis=0)
    return codebook / np.where(lengths > 0, lengths, 1.0)


@dataclass(frozen=True)
class ClfmSettings(Settings):
    """Sizes of the codebook and strength of the ridges."""

    user_clusters: int = setting(6, low=1, high=64, help="Groups of users, alike in both domains.")
    common_clusters: int = setting(
        6, low=1, high=64, help="Groups of items whose rating patterns both domains share."
    )
    own_clusters: int = setting(
        4, low=0, high=64, help="Groups of items each domain has beside the common ones."
    )
    epochs: int = setting(10, low=1, high=200, help="Rounds of users, codebook and items.")
    regularization: float = setting(
        15.0,
        low=0.01,
        high=1000.0,
        help="Ridge on memberships and patterns: they are drawn to 0 as by so many ratings.",
    )
    bias_regularization: float = setting(
        3.0,
        low=0.01,
        high=1000.0,
        help="Users' and items' mean ratings are drawn to the domain's as by so many ratings.",
    )
    source_loss_weight: float = setting(
        1.0, low=0.001, high=10.0, help="What a source rating counts in the common patterns."
    )


class Clfm(HistoryModel):
    """min sum_d w_d |W_d * (X_d - U_d [S_0, S_d] V_d')|^2 with U, V >= 0 (Gao et al. 2013).

    X are ratings without mean and biases; W is 1 where there is a rating, else 0, so that no cell
    is filled. Users of the two domains are different rows even
    where they are the same people: only the patterns S_0 are shared.
    """

    biases: Bias  # of the target
    target_factors: FloatArray  # (n_target_items, user_clusters): S v_i, met by memberships
    source_factors: FloatArray  # (n_source_items, user_clusters)

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """Solve users, the codebook, then items, once per epoch; the loss is the target's."""
        self.train, settings = train, self.settings
        rng = np.random.default_rng(seed)
        sides = [
            Side.begin(
                place,
                rows,
                weight,
                settings.common_clusters,
                settings.own_clusters,
                settings.bias_regularization,
                rng,
            )
            for place, (rows, weight) in enumerate(
                ((train.source, settings.source_loss_weight), (train.target, 1.0))
            )
        ]
        self.biases = sides[1].biases
        shape = settings.user_clusters, settings.common_clusters + 2 * settings.own_clusters
        codebook = of_unit_length(rng.normal(0.0, 1.0, shape))
        for epoch in range(1, settings.epochs + 1):
            users = [side.users(codebook, settings.regularization) for side in sides]
            codebook = next_codebook(sides, users, shape[1], settings.regularization)
            for side, memberships in zip(sides, users, strict=True):
                side.solve_items(codebook, memberships, settings.regularization)
            self.source_factors = sides[0].factors(codebook)
            self.target_factors = sides[1].factors(codebook)
            yield Progress(epoch, settings.epochs, loss=sides[1].loss(users[1], codebook))

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Mean and item bias as base; the user's mean and memberships as target part; exact."""
        patterns = self._memberships(target_rows) @ self.target_factors.T  # (n, n_target_items)
        target = (self.biases.users(target_rows)[:, None] + patterns).astype(np.float32)
        nobody = np.zeros(target_rows.shape[0], dtype=bool)
        nothing = np.zeros(target.shape, dtype=np.float32)
        has_target = np.diff(target_rows.indptr) > 0
        return DomainScores(nothing, target, self.biases.base[None], None, nobody, has_target)

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact: memberships above 0 are a ridge regression on what biases leave of ratings."""
        history = self.target_factors[target_row.indices]
        active = np.flatnonzero(self._memberships(target_row)[0] > 0)
        left = history[:, active].T @ history[:, active]
        left = left + self.settings.regularization * np.eye(len(active))
        towards = history[:, active] @ np.linalg.solve(left, self.target_factors[item, active])
        amounts = left_of(self.biases, target_row) * towards
        damped = target_row.nnz + self.settings.bias_regularization
        amounts = amounts + self.biases.without_items(target_row) / damped
        silent = np.zeros(source_row.nnz)
        return Contributions(source_row.indices, silent, target_row.indices, amounts)

    def vectors(self) -> Vectors:
        """Patterns of items and memberships of target users, over the same user clusters."""
        users = self._memberships(self.train.target)
        return Vectors(self.source_factors, self.target_factors, None, users)

    def state(self) -> State:
        """Patterns of items of both domains, the target's biases, mean and deviation."""
        return {
            "source_factors": self.source_factors,
            "target_factors": self.target_factors,
            **self.biases.state(),
        }

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        self.train, self.source_factors = train, state["source_factors"]
        self.target_factors = state["target_factors"]
        self.biases = Bias(BiasSettings(self.settings.bias_regularization))
        self.biases.restore(train, {name: state[name] for name in ("items", "mean")})

    def _memberships(self, rows: csr_matrix) -> FloatArray:
        """(n, user_clusters), none below 0; zeros without ratings."""
        left, ridge = left_of(self.biases, rows), self.settings.regularization
        return nonnegative_rows(rows, left, self.target_factors, ridge)


def _memory(sizes: PairSizes, settings: ClfmSettings) -> int:
    clusters = settings.common_clusters + settings.own_clusters
    grams = 8 * (sizes.users + sizes.source_items + sizes.target_items) * (clusters + 6) ** 2
    rows = 8 * 8 * (sizes.source_rows + sizes.target_rows)
    return grams + rows + 3 * 8 * BLOCK * clusters * settings.user_clusters


CARD = ModelCard(
    name="clfm",
    title="Cluster-level transfer (CLFM)",
    family="Ratings",
    line="Predicts ratings from patterns of user and item clusters that both domains share.",
    paper="Gao et al.: Cross-domain recommendation via cluster-level latent factor model, "
    "ECML PKDD 2013; Li, Yang, Xue: Can movies and books collaborate?, IJCAI 2009",
    differs="Ratings have mean and biases taken off first, so patterns may be below "
    "0; memberships are solved by non-negative least squares with a ridge instead of "
    "multiplicative steps towards orthogonal ones.",
    when="Where no users are shared: it needs none.",
    words="The base is the mean rating and the item's bias; the target part is the user's own bias "
    "and memberships, both from target ratings. The source has shaped the common patterns, but a "
    "user's own source history says nothing here: there is no source part, alpha changes nothing, "
    "and what the source adds is seen in the difference to the twin.",
    settings=ClfmSettings,
    build=Clfm,
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=True,
    fold_in="exact",
    needs=("ratings",),
    task=Task.RATING,
    source_speaks=False,
    grid={"regularization": (10.0, 15.0, 20.0), "source_loss_weight": (0.3, 1.0)},
)
