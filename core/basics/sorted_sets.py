"""Sets of whole numbers by sorting: NumPy's own hash them, at twenty times the cost of a sort."""

from __future__ import annotations

import numpy as np

from core.basics.types import BoolArray, IntArray

NARROW = (
    6  # a table of the whole range is fastest where it is at most so many times as long as both
)


def distinct(numbers: IntArray) -> IntArray:
    """The different numbers, rising, as `np.unique` gives them."""
    ordered = np.sort(numbers, axis=None)
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def among(numbers: IntArray, known: IntArray) -> BoolArray:
    """Whether each number is one of the known ones, in the shape of numbers, as `np.isin` says.

    Both may repeat and stand in any order; those that rise already are answered fastest.
    """
    if not numbers.size or not known.size:
        return np.zeros(numbers.shape, dtype=bool)
    if int(known.max()) - int(known.min()) <= NARROW * (numbers.size + known.size):
        return np.isin(numbers, known, kind="table")
    flat = numbers.ravel()
    if (flat[1:] < flat[:-1]).any():  # a search jumps about in memory for these
        order = np.argsort(flat)
        found = np.empty(flat.shape, dtype=bool)
        found[order] = _among_rising(flat[order], known)
    else:
        found = _among_rising(flat, known)
    return found.reshape(numbers.shape)


def common(some: IntArray, others: IntArray) -> IntArray:
    """The different numbers that are in both, rising, as `np.intersect1d` gives them."""
    mine = distinct(some)
    return mine[among(mine, others)]


def _among_rising(numbers: IntArray, known: IntArray) -> BoolArray:
    ordered = np.sort(known, axis=None)
    places = np.searchsorted(ordered, numbers)
    return ordered[np.minimum(places, len(ordered) - 1)] == numbers
