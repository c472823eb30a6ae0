"""Ask a model about histories nobody trained on: places and leads of an item, many rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.columns import TEST
from core.basics.types import BoolArray, DomainScores, FloatArray, IntArray, Masked
from core.data.snapshot import Split
from core.fusion.combine import NOBODY, Fusion, fuse_scores, mask, top_k
from core.models.protocol import CrossDomainModel
from core.runs.edits import Histories, edited_histories
from core.store.run_folder import Run

CELLS = 2_000_000  # rows times items held at once


@dataclass(frozen=True)
class Question:
    """One user whose histories are varied; what may not be listed stays what it was.

    An item taken out of a history is not listed in its stead: it would only push the others down.
    """

    model: CrossDomainModel
    histories: Histories
    masked: Masked  # one row
    popularity: FloatArray  # (n_target_items,)
    fusion: Fusion | None = None  # None: the model's own score

    @classmethod
    def of(
        cls,
        run: Run,
        model: CrossDomainModel,
        split: Split,
        part: str,
        user: int,
        fusion: Fusion | None = None,
    ) -> Question:
        """About a training user as the run's lists see them, before anything is varied."""
        histories = edited_histories(run.train_of(split), run.card, user, ())
        masked = masked_row(split, part, user, histories)
        return cls(model, histories, masked, split.train.popularity, fusion)

    @property
    def entries(self) -> int:
        """Number of history items, source items first."""
        return self.histories.source.nnz + self.histories.target.nnz

    def listed(self, k: int) -> IntArray:
        """The first k items with the whole histories, best first."""
        scores = self._scores(np.ones((1, self.entries), dtype=bool)).filled(self.popularity)
        items = top_k(self._ranked(scores), scores.source, scores.target, k)[0]
        return items[items != NOBODY]

    def asked(self, item: int, kept: BoolArray) -> tuple[IntArray, FloatArray]:
        """Place and lead of a target item for each choice of history items, (rows,) each.

        kept: (rows, entries). The place is the item's rank among all that may be listed, where
        nothing is left of the histories by popularity; its lead is its score above their mean.
        """
        if not len(kept):
            return np.empty(0, dtype=np.int64), np.empty(0)
        parts = [self._asked(item, rows) for rows in self._chunks(kept)]
        return np.concatenate([p for p, _ in parts]), np.concatenate([lead for _, lead in parts])

    def gap(self, item: int, kept: BoolArray, k: int) -> FloatArray:
        """How far the item's score stands above that of the k-th best other item, (rows,)."""
        parts = [self._gap(item, rows, k) for rows in self._chunks(kept)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _chunks(self, kept: BoolArray) -> Iterator[BoolArray]:
        step = max(1, CELLS // max(1, self.histories.target.shape[1]))
        for start in range(0, len(kept), step):
            yield kept[start : start + step]

    def _scores(self, kept: BoolArray) -> DomainScores:
        n_source = self.histories.source.nnz
        source = kept_rows(self.histories.source, kept[:, :n_source])
        target = kept_rows(self.histories.target, kept[:, n_source:])
        return self.model.fold_in(source, target)

    def _asked(self, item: int, kept: BoolArray) -> tuple[IntArray, FloatArray]:
        scores = self._scores(kept)
        ranked = self._ranked(scores.filled(self.popularity))
        source, target = scores.source, scores.target
        here, items = ranked[:, [item]], np.arange(ranked.shape[1])
        earlier = (source > source[:, [item]]) | (
            (source == source[:, [item]])
            & (
                (target > target[:, [item]])
                | ((target == target[:, [item]]) & (items < item)[None, :])
            )
        )
        before = (ranked > here) | ((ranked == here) & earlier)
        said = self._ranked(scores)
        free = np.isfinite(said)
        means = np.where(free, said, 0.0).sum(axis=1, dtype=np.float64) / free.sum(axis=1)
        return 1 + before.sum(axis=1), said[:, item] - means

    def _gap(self, item: int, kept: BoolArray, k: int) -> FloatArray:
        ranked = self._ranked(self._scores(kept).filled(self.popularity))
        here = ranked[:, item].copy()
        ranked[:, item] = -np.inf
        k = min(k, ranked.shape[1])
        return here - np.partition(ranked, -k, axis=1)[:, -k]

    def _ranked(self, scores: DomainScores) -> FloatArray:
        """The scores lists are made by, (rows, n_target_items), -inf where masked."""
        rows = len(scores.source)
        masked = self.masked[np.zeros(rows, dtype=np.intp)]
        if self.fusion is not None:
            return fuse_scores(scores, masked, self.fusion)
        own = np.array(np.broadcast_to(scores.own_scores(), scores.source.shape), dtype=np.float32)
        return mask(own, masked)


def masked_row(split: Split, part: str, user: int | None, histories: Histories) -> Masked:
    """What may not be listed, one row: the target history as it stands now, of a training user at
    test time the validation items, and what nobody may be listed.
    """
    items = histories.target.indices
    if user is not None:
        was = np.setdiff1d(split.train.target[[user]].indices, histories.removed)
        items = np.union1d(items, was)
        if part == TEST:
            items = np.union1d(items, split.valid[[user]].indices)
    ones = np.ones(len(items), dtype=np.float32)
    row = csr_matrix((ones, items, np.array([0, len(items)])), shape=histories.target.shape)
    return Masked(row, split.hidden_items(part))


def kept_rows(row: csr_matrix, kept: BoolArray) -> csr_matrix:
    """The row, (1, n_items), once for each choice of its entries: (choices, n_items)."""
    shape = kept.shape
    columns = np.broadcast_to(row.indices, shape)[kept]
    values = np.broadcast_to(row.data, shape)[kept]
    ends = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return csr_matrix((values, columns, ends), shape=(len(kept), row.shape[1]), dtype=np.float32)
