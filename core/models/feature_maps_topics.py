"""Feature maps by topics: a history is a mixture of groups of items (LDA) or of parts (NMF)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray
from core.models.feature_maps import LDA, TINY
from core.models.protocol import State

ROUNDS = 30  # of fitting a history's mixture
CELLS = 2**22  # numbers in the largest array of one block of users
PASSES = 20  # of scikit-learn over the data


@dataclass(frozen=True)
class Topics:
    """phi is the mixture of topics that explains a history best, found by fixed-point rounds.

    With a table, LDA: the mean responsibility of each topic for the history's items (Blei et al.
    2003, fig. 6; Hoffman et al. 2010, eq. 5). Without, NMF: multiplicative updates (Lee and Seung
    2001, eq. 4). The last round of either is a sum over the history's items.
    """

    items: FloatArray  # (n_items, d) how strongly a topic holds an item
    table: FloatArray | None  # (n_items, d) exp E log beta of LDA, None for NMF

    def users(self, rows: csr_matrix) -> FloatArray:
        """Mixtures, (n, d)."""
        blocks = [self._mixed(block) for block in self._blocks(rows)]
        return np.concatenate(blocks).astype(np.float32)

    def shares(self, row: csr_matrix) -> FloatArray:
        """Each item's part in the last round; exact."""
        before = self._mixed(row, ROUNDS - 1)  # (1, d)
        if self.table is None:
            return before * self.items[row.indices] / (before @ self._gram() + TINY)
        table, mixture = self.table[row.indices], self._lda_weights(before, len(row.indices))
        return table * mixture / (table @ mixture.T + TINY) / max(len(table), 1)

    def state(self) -> State:
        """How topics hold items."""
        table = {} if self.table is None else {"table": self.table}
        return {"items": self.items} | table

    def _blocks(self, rows: csr_matrix) -> Iterator[csr_matrix]:
        """Some rows at a time, so that no array of (entries, d) grows too large; at least one."""
        size = CELLS // self.items.shape[1]
        ends = np.flatnonzero(np.diff(rows.indptr // max(size, 1))) + 1
        bounds = [0, *ends[(ends > 0) & (ends < rows.shape[0])], rows.shape[0]]
        yield from (rows[start:end] for start, end in pairwise(bounds))

    def _mixed(self, rows: csr_matrix, rounds: int = ROUNDS) -> FloatArray:
        """Mixtures after some rounds; zeros for an empty history."""
        d = self.items.shape[1]
        known = (np.diff(rows.indptr) > 0).astype(np.float32)[:, None]
        mixture = known * np.full((rows.shape[0], d), 1 / d, dtype=np.float32)
        one_round = self._nmf_round if self.table is None else self._lda_round
        for _ in range(rounds):
            mixture = one_round(rows, mixture)
        return mixture

    def _nmf_round(self, rows: csr_matrix, mixture: FloatArray) -> FloatArray:
        return mixture * (rows @ self.items) / (mixture @ self._gram() + TINY)

    def _lda_round(self, rows: csr_matrix, mixture: FloatArray) -> FloatArray:
        assert self.table is not None
        lengths = np.diff(rows.indptr)
        weights = self._lda_weights(mixture, lengths[:, None])
        owner = np.repeat(np.arange(rows.shape[0]), lengths)
        held = np.einsum("ed,ed->e", weights[owner], self.table[rows.indices])  # (entries,)
        inverse = csr_matrix((1 / (held + TINY), rows.indices, rows.indptr), shape=rows.shape)
        mixed: FloatArray = weights * (inverse @ self.table) / np.maximum(lengths, 1)[:, None]
        return mixed

    def _lda_weights(self, mixture: FloatArray, lengths: np.ndarray | int) -> FloatArray:
        """exp E log theta up to a factor, from the prior 1/d and the counts; (n, d)."""
        from scipy.special import digamma

        counts = mixture * lengths + 1 / mixture.shape[1]
        weights: FloatArray = np.exp(digamma(counts)).astype(np.float32)
        return weights

    def _gram(self) -> FloatArray:
        return self.items.T @ self.items


def fit_topics(kind: str, rows: csr_matrix, factors: int, seed: int) -> Topics:
    """LDA or NMF of scikit-learn on the rows of users with any interaction."""
    rows = rows[np.diff(rows.indptr) > 0]
    if kind == LDA:
        return _lda(rows, factors, seed)
    from sklearn.decomposition import NMF

    width = min(factors, *rows.shape)
    found = NMF(
        width, init="nndsvda", solver="cd", max_iter=10 * PASSES, tol=1e-3, random_state=seed
    )
    found.fit(rows)
    return Topics(np.ascontiguousarray(found.components_.T, dtype=np.float32), None)


def _lda(rows: csr_matrix, factors: int, seed: int) -> Topics:
    from scipy.special import digamma
    from sklearn.decomposition import LatentDirichletAllocation

    found = LatentDirichletAllocation(
        factors, learning_method="online", max_iter=PASSES, batch_size=256, random_state=seed
    ).fit(rows)
    counts = found.components_  # (d, n_items)
    items = counts / counts.sum(axis=1, keepdims=True)
    table = np.exp(digamma(counts) - digamma(counts.sum(axis=1, keepdims=True)))
    items, table = (np.ascontiguousarray(part.T, dtype=np.float32) for part in (items, table))
    return Topics(items, table)
