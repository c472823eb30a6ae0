"""Factor models of ratings: of the target alone, or of both domains together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.sparse import csr_matrix, hstack

from core.basics.progress import Progress
from core.basics.settings import Settings, setting
from core.basics.types import Contributions, DomainScores, FloatArray, Vectors
from core.data.pair import DomainPair
from core.models.factors.als import als_memory, random_factors, ridge_over_rows, solve_rows
from core.models.kernel.history import HistoryModel
from core.models.kernel.training_settings import (
    bias_ridge,
    factors,
    rating_ridge,
    rounds,
    source_rating_weight,
)
from core.models.protocol import ModelCard, PairSizes, State
from core.models.task import Task

# One domain of a factorization of ratings: its mean, its items' biases and factors.

BIASES = 3  # columns of a user vector before the factors: bias in both, source only, target only
SOURCE_BIAS, TARGET_BIAS = 1, 2
NONE, MEAN, Z_SCORE = "none", "mean", "z-score"
NORMALIZATIONS = (NONE, MEAN, Z_SCORE)


@dataclass(frozen=True)
class RatingPenalty:
    """Ridges of the problem and how a user's ratings are normalised first.

    shared: correlation of a user's biases in the two domains, as the ridge supposes it.
    """

    factors: float
    bias: float
    shared: float
    normalization: str

    @property
    def constant(self) -> float:
        """c with ridge |x|^2 = bias b^2 for the bias b = c x."""
        return float(np.sqrt(self.factors / self.bias))

    def bias_features(self, own: int) -> FloatArray:
        """What turns the first columns of a user vector into their bias in a domain, (BIASES,).

        A bias is the sum of one shared by the domains and one of its own, with variances in the
        ratio shared : 1 - shared.
        """
        features = np.zeros(BIASES, dtype=np.float32)
        features[0] = self.constant * np.sqrt(self.shared)
        features[own] = self.constant * np.sqrt(1 - self.shared)
        return features


@dataclass(frozen=True)
class UserScale:
    """Where a user's ratings lie, (n_users,) each; the domain's own for a user without any."""

    mean: FloatArray
    deviation: FloatArray


@dataclass(frozen=True)
class RatingDomain:
    """r = m_u + s_u (b_i + b_u + q_i p_u), where m_u, s_u are the domain's or the user's own.

    biases: (n_items,); factors: (n_items, d); both in units of the deviation. own_bias: which
    column of a user vector is this domain's own bias. chosen: (n_items, BIASES + d), what having
    rated an item at all says of a user vector; zeros where nobody asks.
    """

    own_bias: int
    mean: float
    deviation: float
    biases: FloatArray
    factors: FloatArray
    chosen: FloatArray

    @classmethod
    def begin(
        cls,
        own_bias: int,
        ratings: csr_matrix,
        penalty: RatingPenalty,
        factors: int,
        rng: np.random.Generator,
    ) -> RatingDomain:
        """Mean, deviation (1 where all ratings are equal), damped item means, random factors."""
        values = ratings.data.astype(np.float64)
        mean = float(values.mean()) if len(values) else 0.0
        deviation = (float(values.std()) if len(values) else 0.0) or 1.0
        n_items = ratings.shape[1]
        offsets = np.bincount(ratings.indices, (values - mean) / deviation, minlength=n_items)
        counts = np.bincount(ratings.indices, minlength=n_items)
        biases = (offsets / (counts + penalty.bias)).astype(np.float32)
        chosen = np.zeros((n_items, BIASES + factors), dtype=np.float32)
        vectors = random_factors(n_items, factors, rng)
        return cls(own_bias, mean, deviation, biases, vectors, chosen)

    def scale_of(self, rows: csr_matrix, penalty: RatingPenalty) -> UserScale:
        """Each user's mean and deviation, drawn to the domain's as by `bias` more ratings."""
        n_users, damping = rows.shape[0], penalty.bias
        mean, deviation = np.full(n_users, self.mean), np.full(n_users, self.deviation)
        counts = np.diff(rows.indptr)
        users = np.repeat(np.arange(n_users), counts)
        if penalty.normalization in (MEAN, Z_SCORE):
            beside = np.bincount(users, rows.data - self.mean, minlength=n_users)
            mean += beside / (counts + damping)
        if penalty.normalization == Z_SCORE:
            squares = np.bincount(users, (rows.data - mean[users]) ** 2, minlength=n_users)
            deviation = np.sqrt((squares + damping * self.deviation**2) / (counts + damping))
        return UserScale(mean.astype(np.float32), deviation.astype(np.float32))

    def features(self, penalty: RatingPenalty) -> FloatArray:
        """What user vectors meet of every item, (n_items, BIASES + d)."""
        biases = np.tile(penalty.bias_features(self.own_bias), (len(self.factors), 1))
        return np.hstack([biases, self.factors]).astype(np.float32)

    def wanted(self, rows: csr_matrix, scale: UserScale) -> FloatArray:
        """What user vectors are to explain of each stored rating, in the order of rows.data."""
        users = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        scaled = (rows.data - scale.mean[users]) / scale.deviation[users]
        return (scaled - self.biases[rows.indices]).astype(np.float32)

    def solved_items(
        self, rows: csr_matrix, users: FloatArray, penalty: RatingPenalty
    ) -> RatingDomain:
        """The domain with the best biases and factors for user vectors (n_users, BIASES + d)."""
        biasless = replace(self, biases=np.zeros_like(self.biases))
        wanted = biasless.wanted(rows, self.scale_of(rows, penalty))
        user_biases = users[:, :BIASES] @ penalty.bias_features(self.own_bias)
        wanted = wanted - np.repeat(user_biases, np.diff(rows.indptr))
        places = csr_matrix((np.arange(rows.nnz), rows.indices, rows.indptr), rows.shape)
        columns = places.T.tocsr()  # (n_items, n_users): where each rating stands in rows.data
        ones = np.ones(rows.nnz, dtype=np.float32)
        constant = np.full((len(users), 1), penalty.constant, dtype=np.float32)
        features = np.hstack([constant, users[:, BIASES:]])  # (n_users, 1 + d)
        solved = solve_rows(
            csr_matrix((ones, columns.indices, columns.indptr), columns.shape),
            features,
            np.zeros((features.shape[1],) * 2),
            np.full(columns.shape[0], penalty.factors),
            wanted=wanted[columns.data],
        )[:, 0]
        factors = np.ascontiguousarray(solved[:, 1:])
        return replace(self, biases=penalty.constant * solved[:, 0], factors=factors)

    @property
    def base(self) -> FloatArray:
        """(n_items,) float32 ratings expected of somebody nobody knows anything about."""
        return (self.mean + self.deviation * self.biases).astype(np.float32)


def with_values(rows: csr_matrix, values: FloatArray) -> csr_matrix:
    """The same cells with other values, in the order of rows.data."""
    return csr_matrix((values.astype(np.float32), rows.indices, rows.indptr), shape=rows.shape)


def filled(rows: csr_matrix, value: float) -> csr_matrix:
    """The same cells, all of one value."""
    return with_values(rows, np.full(rows.nnz, value, dtype=np.float32))


def of_length_one(rows: csr_matrix) -> csr_matrix:
    """|N|^-.5 in the cells of a row with |N| entries: who rated which items, not how."""
    counts = np.diff(rows.indptr)
    return with_values(rows, np.repeat(np.maximum(counts, 1) ** -0.5, counts))


normalization = partial(
    setting,
    NONE,
    choices=NORMALIZATIONS,
    help="Before anything is learned, subtract each user's mean rating, or also divide by "
    "each user's deviation (z-score); none learns user biases with the vectors instead.",
)

chosen_ridge = partial(
    setting,
    0.0,
    low=0.0,
    high=1000.0,
    help="Above 0, which items a user rated counts beside how (the implicit part of SVD++): it "
    "says where to expect their vector. What an item says there is drawn to 0 as by so many users.",
)


@dataclass(frozen=True)
class CmfRatingSettings(Settings):
    """Sizes and weights of the factorization."""

    factors: int = factors(16, low=1, high=256)
    epochs: int = rounds(10)
    regularization: float = rating_ridge(15.0)
    bias_regularization: float = bias_ridge(3.0)
    source_loss_weight: float = source_rating_weight(0.3)
    shared_bias: float = setting(
        0.5,
        low=0.0,
        high=1.0,
        help="How alike a user's biases in the two domains are taken to be: 0 for strangers, 1 for "
        "one bias in both.",
    )
    normalization: str = normalization()
    chosen_regularization: float = chosen_ridge()


@dataclass(frozen=True)
class MfRatingSettings(Settings):
    """Sizes and weights of the factorization."""

    factors: int = factors(16, low=1, high=256)
    epochs: int = rounds(10)
    regularization: float = rating_ridge(15.0)
    bias_regularization: float = bias_ridge(3.0)
    normalization: str = normalization()
    chosen_regularization: float = chosen_ridge()


class CmfRating(HistoryModel):
    """Minimises the squared error of both domains' ratings, the source's times its weight.

    Only rated cells count. What is kept are item vectors and biases; users are solved from their
    ratings whenever asked, so a training user and a folded-in history are treated alike. A
    factorization that is `alone` sees a source without items: all is learned from the target.
    """

    source: RatingDomain
    target: RatingDomain

    def __init__(self, settings: CmfRatingSettings, alone: bool = False) -> None:
        super().__init__(settings)
        self.alone = alone
        self.penalty = RatingPenalty(
            settings.regularization,
            settings.bias_regularization,
            settings.shared_bias,
            settings.normalization,
        )

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """Solve users, then items, once per epoch; the loss is a mean per weighted rating."""
        self.train = train = train.target_only() if self.alone else train
        rng, settings, penalty = np.random.default_rng(seed), self.settings, self.penalty
        self.source = RatingDomain.begin(SOURCE_BIAS, train.source, penalty, settings.factors, rng)
        self.target = RatingDomain.begin(TARGET_BIAS, train.target, penalty, settings.factors, rng)
        for epoch in range(1, settings.epochs + 1):
            users = self._user_parts(train.source, train.target).sum(
                axis=1
            )  # (n_users, BIASES + d)
            self.source = self.source.solved_items(train.source, users, penalty)
            self.target = self.target.solved_items(train.target, users, penalty)
            if settings.chosen_regularization:
                self._solve_chosen(users)
            yield Progress(done=epoch, total=settings.epochs, loss=self._loss(users))

    def _solve_chosen(self, users: FloatArray) -> None:
        """Take up the y of least |p_u - |N|^-.5 sum y_j|^2, of both domains' items at once."""
        histories = [of_length_one(rows) for rows in (self.train.source, self.train.target)]
        rows = hstack(histories, format="csr")
        chosen = ridge_over_rows(rows, users, self.settings.chosen_regularization)
        n_source = self.train.source.shape[1]
        self.source = replace(self.source, chosen=chosen[:n_source])
        self.target = replace(self.target, chosen=chosen[n_source:])

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Mean and item biases as base; A_u^-1 b_source and A_u^-1 b_target make the parts.

        The user's own mean and deviation, where they are asked for, belong to the target part.
        """
        source_rows = self._heard(source_rows)
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
        """Exact: rating y of history item i adds c_i y v_i' A_u^-1 v_j to the score of item j.

        That it was rated at all adds ridge |N|^-.5 y_i' A_u^-1 v_j, where that is learned.
        """
        heard = self._heard(source_row)
        source, target = heard.indices, target_row.indices
        of_source, of_target = np.zeros(source_row.nnz), np.zeros(target_row.nnz)
        if not len(source) + len(target):
            return Contributions(source_row.indices, of_source, target, of_target)
        history = np.vstack(
            [self.source.features(self.penalty)[source], self.target.features(self.penalty)[target]]
        )
        weights = np.repeat([self.settings.source_loss_weight, 1.0], [len(source), len(target)])
        scale = self.target.scale_of(target_row, self.penalty)
        left = (history.T * weights) @ history + self.settings.regularization * np.eye(
            history.shape[1]
        )
        towards = float(scale.deviation[0]) * np.linalg.solve(left, self._towards()[:, item])
        amounts = weights * self._wanted(heard, target_row) * (history @ towards)
        chosen = np.vstack([self.source.chosen[source], self.target.chosen[target]])
        shares = np.concatenate([of_length_one(rows).data for rows in (heard, target_row)])
        amounts += self.settings.regularization * shares * (chosen @ towards)
        of_target = amounts[len(source) :] + self._of_scale(scale)[0, item] / max(1, len(target))
        of_source[: len(source)] = amounts[: len(source)]
        return Contributions(source_row.indices, of_source, target, of_target)

    def vectors(self) -> Vectors:
        """Items of both domains and users as either domain's ratings draw them, (n, d)."""
        parts = self._user_parts(self.train.source, self.train.target)[:, :, BIASES:]
        if self.alone:
            return Vectors(None, self.target.factors, None, parts[:, 1])
        return Vectors(self.source.factors, self.target.factors, parts[:, 0], parts[:, 1])

    def state(self) -> State:
        """Biases, factors, mean and deviation of the domains that are learned."""
        state = {}
        for name, domain in (("source", self.source), ("target", self.target))[self.alone :]:
            state[f"{name}_biases"], state[f"{name}_factors"] = domain.biases, domain.factors
            state[f"{name}_scale"] = np.array([domain.mean, domain.deviation])
            if self.settings.chosen_regularization:
                state[f"{name}_chosen"] = domain.chosen
        return state

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        self.train = train.target_only() if self.alone else train
        self.target = _restored(TARGET_BIAS, "target", state)
        if not self.alone:
            self.source = _restored(SOURCE_BIAS, "source", state)
            return
        width, rng = self.target.factors.shape[1], np.random.default_rng(0)
        self.source = RatingDomain.begin(SOURCE_BIAS, self.train.source, self.penalty, width, rng)

    def _heard(self, source_rows: csr_matrix) -> csr_matrix:
        """The source histories that count: none of its items where the target stands alone."""
        if not self.alone:
            return source_rows
        return csr_matrix((source_rows.shape[0], 0), dtype=np.float32)

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
        parts = solve_rows(rows, items, nothing, ridge, starts, wanted)
        if not self.settings.chosen_regularization:
            return parts
        # A ridge |p - z|^2 adds ridge A^-1 z = z - A^-1 V'CV z; z is a sum over histories, too
        owners = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        for place, (domain, history) in enumerate(
            ((self.source, source_rows), (self.target, target_rows))
        ):
            if history.nnz:
                expected = of_length_one(history) @ domain.chosen
                met = np.einsum("rd,rd->r", expected[owners], items[rows.indices])
                held = solve_rows(rows, items, nothing, ridge, wanted=met)[:, 0]
                parts[:, place] += expected - held
        return parts

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
    nothing = np.zeros((len(factors), BIASES + factors.shape[1]), dtype=np.float32)
    chosen = state.get(f"{name}_chosen", nothing)
    return RatingDomain(own_bias, mean, deviation, biases, factors, chosen)


def _memory(sizes: PairSizes, settings: CmfRatingSettings) -> int:
    return als_memory(sizes, settings.factors + BIASES)


CMF_RATING_CARD = ModelCard(
    name="cmf_rating",
    title="Collective MF of ratings",
    family="Ratings",
    line="Predicts ratings: one user vector and bias must explain the ratings of both domains.",
    paper="Singh, Gordon: Relational learning via collective matrix factorization, KDD 2008; "
    "Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems, 2009",
    differs="Solved by alternating ridge regressions; each domain is scaled by its own mean and "
    "deviation; the user's bias is part of the shared vector, so a lenient reader is taken for "
    "a lenient listener as far as the data bear it out. What was rated beside how (SVD++, Koren, "
    "KDD 2008) is a setting, solved by ridges.",
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
    task=Task.RATING,
    grid={"regularization": (10.0, 15.0, 25.0), "source_loss_weight": (0.1, 0.3, 1.0)},
)


def _mf_memory(sizes: PairSizes, settings: MfRatingSettings) -> int:
    alone = PairSizes(sizes.users, 0, sizes.target_items, 0, sizes.target_rows)
    return als_memory(alone, settings.factors + BIASES)


MF_RATING_CARD = replace(
    CMF_RATING_CARD,
    name="mf_rating",
    title="MF of ratings",
    line="Predicts ratings in the target from biases and factors, without any source.",
    paper="Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems, 2009",
    differs="Solved by alternating ridge regressions instead of gradient steps, so that it needs "
    "no learning rate. What was rated beside how (SVD++, Koren, KDD 2008) is a setting.",
    when="To see what factors add to biases, and what a source would have to beat.",
    words="The base is the mean rating and the item's bias; the target part is the user's bias and "
    "vector. It looks at no source history, so alpha changes nothing.",
    settings=MfRatingSettings,
    build=lambda settings: CmfRating(CmfRatingSettings.of(settings.to_dict()), alone=True),
    memory=_mf_memory,
    cross_domain=False,
    has_twin=False,
    grid={"regularization": (10.0, 15.0, 25.0), "bias_regularization": (1.0, 3.0)},
)
