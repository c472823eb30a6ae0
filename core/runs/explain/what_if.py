"""What a list would be with other histories: edits, and words typed by a visitor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.columns import SOURCE, TARGET
from core.basics.types import BoolArray, DomainScores, FloatArray, IdMap, IntArray, Masked
from core.data.pair import DomainPair
from core.data.snapshot import Split
from core.fusion.combine import NO_ITEM, NO_USER, Fusion, fuse_scores, mask, top_k
from core.models.protocol import TIMESTAMPS, CrossDomainModel, ModelCard
from core.models.text.features import HearsWords
from core.runs.explain.one_user import NOTHING, UserList, list_of_scores
from core.store.run_folder import Run


@dataclass(frozen=True)
class WhatIf:
    """A list for histories nobody trained on, with those histories."""

    listed: UserList
    histories: Histories


@dataclass(frozen=True)
class Moves:
    """One list beside the list before it; a place of 0 stands in the history, not in the list."""

    places_before: IntArray  # (n_listed,) where each listed item stood before
    left: IntArray  # (n_left,) items that were listed before and are not any more
    left_places: IntArray  # (n_left,) where they stand now
    entered: int  # listed items that were not listed before
    moved: int  # listed items that stood elsewhere in the list before


def what_if(
    run: Run,
    model: CrossDomainModel,
    split: Split,
    part: str,
    user: int | None,
    edits: Sequence[Edit],
    fusion: Fusion,
    k: int,
    words: FloatArray | None = None,
) -> WhatIf:
    """The list of a training user, or of a visitor without any history, after all edits.

    words: (d,) what the person says they like, as a text from the target's centre, for models that
    hear words.

    By popularity where nothing is known. An item taken out of the target history may be listed
    again; what is held out for a training user is marked as in their own list.
    """
    histories = edited_histories(run.train_of(split), run.card, user, edits)
    scores = _scores(model, histories, words).filled(split.train.popularity)
    masked = masked_row(split, part, user, histories)
    held_out = NOTHING if user is None else split.held_out(part)[[user]].indices
    number = NO_USER if user is None else user
    return WhatIf(list_of_scores(scores, masked, fusion, k, number, held_out), histories)


def _scores(
    model: CrossDomainModel, histories: Histories, words: FloatArray | None
) -> DomainScores:
    if words is not None and isinstance(model, HearsWords):
        return model.fold_in_words(words[None], histories.source, histories.target)
    return model.fold_in(histories.source, histories.target)


def moves(before: UserList, after: UserList) -> Moves:
    """Where the items of the list after an edit stood before it, and which ones left."""
    left = before.items[~np.isin(before.items, after.items)]
    stood = np.isin(after.items, before.items)
    places = before.places[after.items]
    moved = stood & (places != np.arange(1, len(places) + 1))
    return Moves(places, left, after.places[left], int((~stood).sum()), int(moved.sum()))


# Edits of histories: what was added and removed, as short text for an address, and as matrices.

_SIGNS = {"+": True, "-": False}
_LETTERS = {"s": SOURCE, "t": TARGET}


@dataclass(frozen=True)
class Edit:
    """One item put into a history, or taken out of it; a later edit of the item wins."""

    domain: str  # SOURCE or TARGET
    item: str  # as the files name it
    adds: bool
    rating: float | None = None  # of an item that is added, for models of ratings


@dataclass(frozen=True)
class Histories:
    """One user's histories as a model is asked about them, (1, n_items of the domain) each."""

    source: csr_matrix
    target: csr_matrix
    removed: IntArray  # target items that were in the history and are not any more
    unknown: tuple[Edit, ...]  # edits of items that are not in these data

    def of(self, domain: str) -> csr_matrix:
        """The history in one of the domains."""
        return self.source if domain == SOURCE else self.target


def write_edits(edits: Sequence[Edit]) -> str:
    """The edits as text without blanks: `-s123,+t45@4.5`; ids are percent-encoded."""
    return ",".join(_token(edit) for edit in edits)


def read_edits(text: str) -> list[Edit]:
    """The edits of such a text; raises ValueError for anything else."""
    return [_edit(token) for token in text.split(",") if token]


def edited_histories(
    train: DomainPair, card: ModelCard, user: int | None, edits: Sequence[Edit]
) -> Histories:
    """Histories of a training user, or of a visitor who starts from nothing, after all edits.

    An added item counts 1, or its rating where the model predicts ratings (without one: the mean
    of the domain), or comes last where the model reads histories in time order.
    """
    rows = {SOURCE: _row(train.source, user), TARGET: _row(train.target, user)}
    before, unknown = set(rows[TARGET]), []
    for edit in edits:
        ids = _ids(train, edit.domain)
        if edit.item not in ids:
            unknown.append(edit)
            continue
        item, row = int(ids.numbers([edit.item])[0]), rows[edit.domain]
        if edit.adds:
            row[item] = _value(train, card, edit, rows)
        else:
            row.pop(item, None)
    source, target = (
        _matrix(rows[domain], len(_ids(train, domain))) for domain in (SOURCE, TARGET)
    )
    removed = np.array(sorted(before - set(rows[TARGET])), dtype=np.int32)
    return Histories(source, target, removed, tuple(dict.fromkeys(unknown)))


def _token(edit: Edit) -> str:
    rating = "" if edit.rating is None else f"@{edit.rating:g}"
    return f"{'+' if edit.adds else '-'}{edit.domain[0]}{quote(edit.item, safe='')}{rating}"


def _edit(token: str) -> Edit:
    sign, letter, rest = token[:1], token[1:2], token[2:]
    name, _, rating = rest.partition("@")
    if sign not in _SIGNS or letter not in _LETTERS or not name:
        raise ValueError(token)
    value = float(rating) if rating else None
    if value is not None and not np.isfinite(value):
        raise ValueError(token)
    return Edit(_LETTERS[letter], unquote(name), _SIGNS[sign], value)


def _ids(train: DomainPair, domain: str) -> IdMap:
    return train.source_items if domain == SOURCE else train.target_items


def _row(matrix: csr_matrix, user: int | None) -> dict[int, float]:
    """Item number → stored value of one user, none for a visitor."""
    if user is None:
        return {}
    part = slice(matrix.indptr[user], matrix.indptr[user + 1])
    return dict(zip(matrix.indices[part].tolist(), matrix.data[part].tolist(), strict=True))


def _value(
    train: DomainPair, card: ModelCard, edit: Edit, rows: dict[str, dict[int, float]]
) -> float:
    if TIMESTAMPS in card.needs:
        return 1.0 + max([value for row in rows.values() for value in row.values()], default=0.0)
    if not card.task.rates:
        return 1.0
    given = (train.source if edit.domain == SOURCE else train.target).data
    if not len(given):
        return 1.0
    rating = given.mean() if edit.rating is None else edit.rating
    return float(np.clip(rating, given.min(), given.max()))


def _matrix(row: dict[int, float], n_items: int) -> csr_matrix:
    items = np.array(sorted(row), dtype=np.int32)
    values = np.array([row[item] for item in items.tolist()], dtype=np.float32)
    return csr_matrix((values, items, np.array([0, len(items)])), shape=(1, n_items))


# Ask a model about histories nobody trained on: places and leads of an item, many rows at once.

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
        return items[items != NO_ITEM]

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
    """What may not be listed, one row: the target history as it stands now, what else is known of
    a training user, as in their own list, and what nobody may be listed.
    """
    items = histories.target.indices
    if user is not None:
        known = split.masked(part, [user]).rows.indices
        items = np.union1d(items, np.setdiff1d(known, histories.removed))
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
