"""Collective factorization of ratings: one user vector explains the ratings of both domains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, hstack

from core.basics.progress import Progress
from core.basics.settings import Settings, setting
from core.basics.types import Contributions, DomainScores, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.als import als_memory, solve_rows
from core.models.protocol import ModelCard, PairSizes, State
from core.models.rating_domain import (
    BIASES,
    NONE,
    NORMALIZATIONS,
    SOURCE_BIAS,
    TARGET_BIAS,
    RatingDomain,
    RatingPenalty,
    UserScale,
    filled,
    with_values,
)


@dataclass(frozen=True)
class CmfRatingSettings(Settings):
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
    source_loss_weight: float = setting(
        0.3,
        low=0.001,
        high=10.0,
        help="What a source rating counts beside a target rating.",
    )
    shared_bias: float = setting(
        0.5,
        low=0.0,
        high=1.0,
        help="How alike a user's biases in the two domains are taken to be: 0 for strangers, 1 for "
        "one bias in both.",
    )
    normalization: str = setting(
        NONE,
        choices=NORMALIZATIONS,
        help="Before anything is learned, subtract each user's mean rating, or also divide by "
        "each user's deviation (z-score); none learns user biases with the vectors instead.",
    )


class CmfRating:
    """Minimises the squared error of both domains' ratings, the source's times its weight.

    Only rated cells count. What is kept are item vectors and biases; users are solved from their
    ratings whenever asked, so a training user and a folded-in history are treated alike.
    """

    train: DomainPair
    source: RatingDomain
    target: RatingDomain

    def __init__(self, settings: CmfRatingSettings) -> None:
        self.settings = settings
        self.penalty = RatingPenalty(
            settings.regularization,
            settings.bias_regularization,
            settings.shared_bias,
            settings.normalization,
        )

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """Solve users, then items, once per epoch; the loss is a mean per weighted rating."""
        self.train = train
        rng, settings, penalty = np.random.default_rng(seed), self.settings, self.penalty
        self.source = RatingDomain.begin(SOURCE_BIAS, train.source, penalty, settings.factors, rng)
        self.target = RatingDomain.begin(TARGET_BIAS, train.target, penalty, settings.factors, rng)
        for epoch in range(1, settings.epochs + 1):
            users = self._user_parts(train.source, train.target).sum(
                axis=1
            )  # (n_users, BIASES + d)
            self.source = self.source.solved_items(train.source, users, penalty)
            self.target = self.target.solved_items(train.target, users, penalty)
            yield Progress(done=epoch, total=settings.epochs, loss=self._loss(users))

    def score(self, users: IntArray) -> DomainScores:
        """Both parts for training users, solved from their ratings."""
        return self.fold_in(self.train.source[users], self.train.target[users])

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Mean and item biases as base; A_u^-1 b_source and A_u^-1 b_target make the parts.

        The user's own mean and deviation, where they are asked for, belong to the target part.
        """
        parts = self._user_parts(source_rows, target_rows)  # (n_rows, 2, BIASES + d)
        scale, towards = self.target.scale_of(target_rows, self.penalty), self._towards()
        spread = scale.deviation[:, None]
        source = spread * (parts[:, 0] @ towards)
        target = spread * (parts[:, 1] @ towards) + self._of_scale(scale)
        return DomainScores(
            source,
            target,
            self.target.base[None],
            None,
            np.diff(source_rows.indptr) > 0,
            np.diff(target_rows.indptr) > 0,
        )

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact: rating y of history item i adds c_i y v_i' A_u^-1 v_j to the score of item j."""
        source, target = source_row.indices, target_row.indices
        if not len(source) + len(target):
            return Contributions(source, np.zeros(0), target, np.zeros(0))
        history = np.vstack(
            [self.source.features(self.penalty)[source], self.target.features(self.penalty)[target]]
        )
        weights = np.repeat([self.settings.source_loss_weight, 1.0], [len(source), len(target)])
        scale = self.target.scale_of(target_row, self.penalty)
        left = (history.T * weights) @ history + self.settings.regularization * np.eye(
            history.shape[1]
        )
        towards = float(scale.deviation[0]) * np.linalg.solve(left, self._towards()[:, item])
        amounts = weights * self._wanted(source_row, target_row) * (history @ towards)
        of_target = amounts[len(source) :] + self._of_scale(scale)[0, item] / max(1, len(target))
        return Contributions(source, amounts[: len(source)], target, of_target)

    def vectors(self) -> Vectors:
        """Items of both domains and users as either domain's ratings draw them, (n, d)."""
        parts = self._user_parts(self.train.source, self.train.target)[:, :, BIASES:]
        return Vectors(self.source.factors, self.target.factors, parts[:, 0], parts[:, 1])

    def state(self) -> State:
        """Biases, factors, mean and deviation of both domains."""
        state = {}
        for name, domain in (("source", self.source), ("target", self.target)):
            state[f"{name}_biases"], state[f"{name}_factors"] = domain.biases, domain.factors
            state[f"{name}_scale"] = np.array([domain.mean, domain.deviation])
        return state

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        self.train = train
        self.source = _restored(SOURCE_BIAS, "source", state)
        self.target = _restored(TARGET_BIAS, "target", state)

    def _towards(self) -> FloatArray:
        return self.target.features(self.penalty).T  # (BIASES + d, n_target_items)

    def _of_scale(self, scale: UserScale) -> FloatArray:
        """What a user's own mean and deviation add to the domain's, (n, n_target_items)."""
        mean = scale.mean[:, None] - np.float32(self.target.mean)
        wider = scale.deviation[:, None] - np.float32(self.target.deviation)
        return mean + wider * self.target.biases

    def _user_parts(self, source_rows: csr_matrix, target_rows: csr_matrix) -> FloatArray:
        """User vectors drawn by either history, (n_rows, 2, BIASES + d); they sum to the user's."""
        weight = self.settings.source_loss_weight
        ones = [filled(source_rows, weight), filled(target_rows, 1.0)]
        rows, wanted = hstack(ones, format="csr"), self._wanted(source_rows, target_rows)
        items = np.vstack([domain.features(self.penalty) for domain in (self.source, self.target)])
        ridge = np.full(rows.shape[0], self.settings.regularization)
        nothing = np.zeros((items.shape[1],) * 2)
        starts = (0, source_rows.shape[1])
        return solve_rows(rows, items, nothing, ridge, starts, wanted)

    def _wanted(self, source_rows: csr_matrix, target_rows: csr_matrix) -> FloatArray:
        """What user vectors are to explain, (n_ratings,): row by row, source before target."""
        found = [
            with_values(rows, domain.wanted(rows, domain.scale_of(rows, self.penalty)))
            for domain, rows in ((self.source, source_rows), (self.target, target_rows))
        ]
        return hstack(found, format="csr").data

    def _loss(self, users: FloatArray) -> float:
        """Weighted mean of squared errors, in units of either domain's deviation."""
        total = weights = 0.0
        for domain, rows, weight in (
            (self.source, self.train.source, self.settings.source_loss_weight),
            (self.target, self.train.target, 1.0),
        ):
            owners = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
            wanted = domain.wanted(rows, domain.scale_of(rows, self.penalty))
            features = domain.features(self.penalty)
            guess = np.einsum("rd,rd->r", users[owners], features[rows.indices])
            total += weight * float(((wanted - guess) ** 2).sum())
            weights += weight * rows.nnz
        return total / max(weights, 1.0)


def _restored(own_bias: int, name: str, state: State) -> RatingDomain:
    mean, deviation = (float(value) for value in state[f"{name}_scale"])
    biases, factors = state[f"{name}_biases"], state[f"{name}_factors"]
    return RatingDomain(own_bias, mean, deviation, biases, factors)


def _memory(sizes: PairSizes, settings: CmfRatingSettings) -> int:
    return als_memory(sizes, settings.factors + BIASES)


CARD = ModelCard(
    name="cmf_rating",
    title="Collective MF of ratings",
    family="Ratings",
    line="Predicts ratings: one user vector and bias must explain the ratings of both domains.",
    paper="Singh, Gordon: Relational learning via collective matrix factorization, KDD 2008; "
    "Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems, 2009",
    differs="Solved by alternating ridge regressions; each domain is scaled by its own mean and "
    "deviation; the user's bias is part of the shared vector, so a lenient reader is taken for "
    "a lenient listener as far as the data bear it out.",
    when="For explicit ratings of both domains, where the error of a predicted rating counts.",
    words="The base is the mean rating and the item's bias. The user's bias and vector solve one "
    "system whose right-hand side adds up the ratings of both domains, so both parts are exact "
    "sums; the matrix in front comes from both histories and stays as it is when a weight moves.",
    settings=CmfRatingSettings,
    build=CmfRating,
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=True,
    fold_in="exact",
    needs=("ratings",),
    task="rating",
    grid={"regularization": (10.0, 15.0, 25.0), "source_loss_weight": (0.1, 0.3, 1.0)},
)
