"""One domain of a factorization of ratings: its mean, its items' biases and factors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray
from core.models.als import random_factors, solve_rows

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
    column of a user vector is this domain's own bias.
    """

    own_bias: int
    mean: float
    deviation: float
    biases: FloatArray
    factors: FloatArray

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
        return cls(own_bias, mean, deviation, biases, random_factors(n_items, factors, rng))

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
