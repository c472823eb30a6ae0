"""Clusters of users and items with a table of patterns between them, fitted to ratings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray, IntArray
from core.models.bias import Bias, BiasSettings
from core.models.nonnegative import nonnegative_rows

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
