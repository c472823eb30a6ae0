"""Are ratings predicted as well for one group of users as for another? Yao and Huang 2017.

All but non-parity are means over the items that both groups rated: first the group's mean
prediction and mean rating of each item, then what lies between the two groups' errors.
"""

from __future__ import annotations

import numpy as np

from core.basics.types import BoolArray, FloatArray, IntArray

UNFAIRNESS = (
    "value_unfairness",
    "absolute_unfairness",
    "under_unfairness",
    "over_unfairness",
    "non_parity",
)


def unfairness(
    predicted: FloatArray, given: FloatArray, items: IntArray, inside: BoolArray
) -> FloatArray:
    """(5,) figures in the order of UNFAIRNESS, in points of the scale.

    predicted, given, items, inside: (n_ratings,), items from 0, inside whether a rating is of the
    group's users; the others are the other group. NaN where no item was rated by both.
    """
    ours, our_count = _errors(predicted, given, items, inside)
    theirs, their_count = _errors(predicted, given, items, ~inside)
    both = (our_count > 0) & (their_count > 0)
    ours, theirs = ours[both], theirs[both]
    apart = (
        ours - theirs,
        np.abs(ours) - np.abs(theirs),
        np.maximum(-ours, 0) - np.maximum(-theirs, 0),
        np.maximum(ours, 0) - np.maximum(theirs, 0),
    )
    means = [np.abs(gap).mean() if both.any() else np.nan for gap in apart]
    sides = (predicted[inside], predicted[~inside])
    parity = abs(sides[0].mean() - sides[1].mean()) if all(map(len, sides)) else np.nan
    return np.array([*means, parity])


def shared_items(items: IntArray, inside: BoolArray) -> int:
    """How many items were rated by both groups."""
    return len(np.intersect1d(items[inside], items[~inside]))


def _errors(
    predicted: FloatArray, given: FloatArray, items: IntArray, side: BoolArray
) -> tuple[FloatArray, IntArray]:
    """Mean prediction minus mean rating of each item by one side, and how many ratings it has."""
    n_items = int(items.max(initial=-1)) + 1
    count = np.bincount(items[side], minlength=n_items)
    total = np.bincount(items[side], (predicted - given)[side], minlength=n_items)
    return total / np.maximum(count, 1), count
