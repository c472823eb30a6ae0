"""What a list becomes when histories are edited, and how far each item moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.basics.types import DomainScores, FloatArray, IntArray
from core.data.snapshot import Split
from core.fusion.combine import NOBODY, Fusion
from core.models.protocol import CrossDomainModel
from core.models.text.features import HearsWords
from core.runs.asking import masked_row
from core.runs.edits import Edit, Histories, edited_histories
from core.runs.one_user import NOTHING, UserList, list_of_scores
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
    number = NOBODY if user is None else user
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
