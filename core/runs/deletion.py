"""Do the reasons hold? The strongest history items are taken away, and as many random ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.basics.columns import SOURCE
from core.basics.types import BoolArray, Contributions, FloatArray, IntArray
from core.runs.asking import Question
from core.runs.edits import Histories
from core.runs.one_user import Reasons

BOTH = "both"
SCOPES = (SOURCE, BOTH)  # whose items are taken away
STEPS = (1, 2, 3, 5, 10)
DRAWS = 5  # random choices averaged over


@dataclass(frozen=True)
class Removal:
    """What becomes of one recommendation, (steps,) each; NaN where a step leaves no choice.

    Leads are scores above the mean of all items that may be listed, as shares of the lead with the
    whole history: `lost` without so many items, `kept` with them alone. Random columns are means
    over the draws, of places the median.
    """

    place: int  # with the whole history
    counts: IntArray  # how many items are taken away, or kept
    top_place: FloatArray
    random_place: FloatArray
    top_stays: FloatArray  # 1 while the place is in the list, else 0
    random_stays: FloatArray
    top_lost: FloatArray
    random_lost: FloatArray
    top_kept: FloatArray
    random_kept: FloatArray


def check_reasons(
    question: Question,
    item: int,
    amounts: FloatArray,
    scope: str,
    k: int,
    *,
    steps: Sequence[int] = STEPS,
    draws: int = DRAWS,
    seed: int = 0,
) -> Removal:
    """Deletion and sufficiency of the amounts behind an item, measured by asking the model again:
    Yao, Wang, Li: Counterfactually evaluating explanations in recommender systems, 2022 (arXiv
    2203.01310).

    amounts: (entries,) of the question's history items, source items first.
    """
    reach = question.histories.source.nnz if scope == SOURCE else question.entries
    possible = [count for count in steps if count < reach]
    orders = _orders(amounts[:reach], draws, seed)
    rows = _variants(orders, possible, question.entries)
    whole = np.ones((1, question.entries), dtype=bool)
    flat = rows.reshape(-1, question.entries)
    places, leads = question.asked(item, np.concatenate([whole, flat]))
    shape = (len(possible), 2, 1 + draws)
    share = leads[1:].reshape(shape) / leads[0] if leads[0] > 0 else np.full(shape, np.nan)
    return _removal(int(places[0]), places[1:].reshape(shape), share, steps, k)


def amounts_in_order(histories: Histories, said: Contributions | Reasons) -> FloatArray:
    """(entries,) what each item of the histories adds, source items first, as they stand there."""
    amounts = []
    for row, items, values in (
        (histories.source, said.source_items, said.source_amounts),
        (histories.target, said.target_items, said.target_amounts),
    ):
        by_item = np.zeros(row.shape[1])
        by_item[items] = values
        amounts.append(by_item[row.indices])
    return np.concatenate(amounts)


def _orders(amounts: FloatArray, draws: int, seed: int) -> IntArray:
    """(1 + draws, n): the entries by falling amount, then in random orders."""
    rng = np.random.default_rng(seed)
    random = [rng.permutation(len(amounts)) for _ in range(draws)]
    return np.stack([np.argsort(-amounts, kind="stable"), *random])


def _variants(orders: IntArray, counts: Sequence[int], entries: int) -> BoolArray:
    """(counts, 2, orders, entries): without the first so many of each order, and with them alone.

    Entries beyond the orders, of the other domain, always stay.
    """
    kept = np.ones((len(counts), 2, len(orders), entries), dtype=bool)
    for step, count in enumerate(counts):
        for row, order in enumerate(orders):
            kept[step, 0, row, order[:count]] = False
            kept[step, 1, row, order[count:]] = False
    return kept


def _removal(
    place: int, places: IntArray, share: FloatArray, steps: Sequence[int], k: int
) -> Removal:
    """places, share: (possible steps, 2, 1 + draws); steps beyond them become NaN."""
    stays = (places[:, 0] <= k).astype(np.float64)

    def column(values: FloatArray) -> FloatArray:
        return np.concatenate([values, np.full(len(steps) - len(values), np.nan)])

    return Removal(
        place=place,
        counts=np.array(steps),
        top_place=column(places[:, 0, 0].astype(np.float64)),
        random_place=column(np.median(places[:, 0, 1:], axis=1)),
        top_stays=column(stays[:, 0]),
        random_stays=column(stays[:, 1:].mean(axis=1)),
        top_lost=column(1 - share[:, 0, 0]),
        random_lost=column(1 - share[:, 0, 1:].mean(axis=1)),
        top_kept=column(share[:, 1, 0]),
        random_kept=column(share[:, 1, 1:].mean(axis=1)),
    )
