"""Edits of histories: what was added and removed, as short text for an address, and as matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.columns import SOURCE, TARGET
from core.basics.types import IdMap, IntArray
from core.data.pair import DomainPair
from core.models.protocol import TIMESTAMPS, ModelCard

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
    if card.task != "rating":
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
