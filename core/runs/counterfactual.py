"""The fewest source items whose removal drops a recommendation out of the list, found by asking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.types import BoolArray, FloatArray, IntArray
from core.runs.asking import Question

TRIED = 40  # source items tried at every step, those with the largest amounts
MOST = 25  # items a set may have
FEW = 5  # where even the whole source does not drop the item; fewer may, as rivals gain by them


@dataclass(frozen=True)
class Counterfactual:
    """What it takes to drop one recommendation out of the top k.

    entries: places of the items in the source history, None where no set was found. place_without:
    its place without them. place_without_all: its place without any source item at all.
    """

    k: int
    entries: IntArray | None
    place: int
    place_without: int | None
    place_without_all: int | None  # None where there is no source history


def smallest_set(question: Question, item: int, amounts: FloatArray, k: int) -> Counterfactual:
    """A set of source items without which the item's place is beyond k, none of them to spare.

    Greedy: at each step the item goes whose absence brings the score nearest to that of the k-th
    best other item (PRINCE: Ghazimatin et al., WSDM 2020; ACCENT: Tran et al., SIGIR 2021),
    asked of the model, not estimated; then every item that need not be gone is put back. The set
    is small, and no smaller part of it does; another one could be smaller still.
    """
    n_source = question.histories.source.nnz
    whole = np.ones(question.entries, dtype=bool)
    without_all = whole.copy()
    without_all[:n_source] = False
    place, beyond = _places(question, item, np.stack([whole, without_all]))
    if n_source == 0 or place > k:
        return Counterfactual(k, None, place, None, beyond if n_source else None)
    strongest = np.argsort(-amounts[:n_source], kind="stable")
    kept = _greedy(question, item, strongest, k, MOST if beyond > k else FEW)
    if kept is None:
        return Counterfactual(k, None, place, None, beyond)
    kept = _put_back(question, item, kept, k)
    last = _places(question, item, kept[None, :])[0]
    return Counterfactual(k, np.flatnonzero(~kept), place, last, beyond)


def _greedy(
    question: Question, item: int, strongest: IntArray, k: int, most: int
) -> BoolArray | None:
    """Which entries are left when the item has dropped out, None where `most` are not enough."""
    kept = np.ones(question.entries, dtype=bool)
    for _ in range(min(most, len(strongest))):
        candidates = strongest[kept[strongest]][:TRIED]
        rows = np.repeat(kept[None, :], len(candidates), axis=0)
        rows[np.arange(len(candidates)), candidates] = False
        kept = rows[int(np.argmin(question.gap(item, rows, k)))]
        if _places(question, item, kept[None, :])[0] > k:
            return kept
    return None


def _put_back(question: Question, item: int, kept: BoolArray, k: int) -> BoolArray:
    """The same without items that need not be gone, so that none of the set is to spare."""
    for entry in np.flatnonzero(~kept):
        back = kept.copy()
        back[entry] = True
        if _places(question, item, back[None, :])[0] > k:
            kept = back
    return kept


def _places(question: Question, item: int, kept: BoolArray) -> list[int]:
    return [int(place) for place in question.asked(item, kept)[0]]
