"""Lists in the one order that holds everywhere: score, source part, target part, item number."""

from __future__ import annotations

import numpy as np

from core.basics.types import FloatArray, IntArray, Masked

NOBODY = -1  # item number where a list is shorter than k
STRIDE = 16  # one value in so many is looked at first


def mask(scores: FloatArray, masked: Masked) -> FloatArray:
    """The scores, (users, items), changed in place, with -inf where an item may not be listed."""
    rows = np.repeat(np.arange(len(scores)), np.diff(masked.rows.indptr))
    scores[rows, masked.rows.indices] = -np.inf
    if masked.columns is not None:
        scores[:, masked.columns] = -np.inf
    return scores


def top_k(fused: FloatArray, source: FloatArray, target: FloatArray, k: int) -> IntArray:
    """Item numbers of each row's best k, (rows, k) int32, -1 where fewer items are unmasked.

    All three are (rows, items); fused is -inf where an item is masked. Equal scores stand by
    source part, then target part (both falling), then item number.
    """
    n_items = fused.shape[1]
    short = min(k, n_items)
    lists = np.full((len(fused), k), NOBODY, dtype=np.int32)
    if short:
        lists[:, :short] = _best(fused, source, target, short)
    return lists


def kth_best(values: FloatArray, k: int) -> FloatArray:
    """The k-th largest value of each row, (..., n) -> (...)."""
    rows = values.reshape(-1, values.shape[-1])
    found = np.fromiter((_kth_of_row(row, k) for row in rows), values.dtype, len(rows))
    return found.reshape(values.shape[:-1])


def _kth_of_row(row: FloatArray, k: int) -> float:
    """By sorting the few values that a sample shows to be high enough, or all of them.

    NumPy's partition takes fifty times as long as a sort on the ties of sparse scores.
    """
    sample = np.sort(row[::STRIDE])
    place = 4 * k // STRIDE + 8  # so that about 4 k + 8 STRIDE values are as high
    if place < len(sample):
        high = row[row >= sample[-place]]
        if len(high) >= k:
            return np.sort(high)[-k]
    return np.sort(row)[-k]


def _best(fused: FloatArray, source: FloatArray, target: FloatArray, k: int) -> IntArray:
    cut = kth_best(fused, k)
    reach = fused >= cut[:, None]
    crowded = reach.sum(axis=1) > k  # more items share the k-th score than there is room for
    for row in np.flatnonzero(crowded):
        keys = fused[row], source[row], target[row]
        reach[row] = False
        reach[row, _first(np.arange(fused.shape[1]), keys, k)] = True
    rows, items = np.nonzero(reach)  # k entries a row, in the order of item numbers
    shape = (len(fused), k)
    order = np.lexsort((-target[rows, items], -source[rows, items], -fused[rows, items], rows))
    items = items[order].reshape(shape)
    masked = np.isneginf(np.take_along_axis(fused, items, axis=1))
    return np.where(masked, NOBODY, items)


def _first(items: IntArray, keys: tuple[FloatArray, ...], k: int) -> IntArray:
    """The k items that stand first by the keys in turn, then by their number; in any order."""
    if not keys or len(items) <= k:
        return items[:k]
    values = keys[0][items]
    cut = kth_best(values, k)
    above = items[values > cut]
    return np.concatenate([above, _first(items[values == cut], keys[1:], k - len(above))])
