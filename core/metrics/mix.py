"""The mix of a list: categories as in the user's history (Steck), and domains by their parts."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags_array

from core.basics.types import FloatArray

SMOOTHING = 0.01  # share of the history's mix in the smoothed mix of the list
CELLS = 2_000_000  # cells of users times categories held at once


def even_rows(categories: csr_matrix) -> csr_matrix:
    """p(c | i): every item's categories at equal shares, rows sum to 1 or are empty."""
    counts = np.diff(categories.indptr)
    shares = np.divide(1.0, counts, out=np.zeros(len(counts)), where=counts > 0)
    return csr_matrix(diags_array(shares) @ categories)


def category_mix(items: csr_matrix, shares: csr_matrix) -> csr_matrix:
    """p(c | u): mean of p(c | i) over each row's items that have categories, (users, categories).

    items: (users, n_items) ones; shares: as even_rows gives them. A row without any is empty.
    """
    total = csr_matrix((items != 0).astype(np.float64) @ shares)
    weight = np.asarray(total.sum(axis=1)).ravel()
    scale = np.divide(1.0, weight, out=np.zeros(len(weight)), where=weight > 0)
    return csr_matrix(diags_array(scale) @ total)


def miscalibration(wanted: csr_matrix, got: csr_matrix, smoothing: float = SMOOTHING) -> FloatArray:
    """KL divergence of the wanted mix from the smoothed mix of the list in bits, (users,).

    NaN where either mix is empty. Steck 2018, C_KL.
    """
    step = max(1, CELLS // max(1, wanted.shape[1]))
    parts = [
        _divergence(
            wanted[start : start + step].toarray(), got[start : start + step].toarray(), smoothing
        )
        for start in range(0, wanted.shape[0], step)
    ]
    return np.concatenate([np.zeros(0), *parts])


def source_share(source: FloatArray, target: FloatArray) -> FloatArray:
    """Size of the source's parts over that of both domains', (users,); NaN where all are 0.

    source, target: (users, k) what each domain adds to every place, NaN where nothing is known.
    """
    here, there = (
        np.nan_to_num(np.abs(part)).sum(axis=1, dtype=np.float64) for part in (source, target)
    )
    both = np.asarray(here + there)
    return np.divide(here, both, out=np.full(len(both), np.nan), where=both > 0)


def _divergence(wanted: FloatArray, got: FloatArray, smoothing: float) -> FloatArray:
    smoothed = (1 - smoothing) * got + smoothing * wanted
    ratio = np.divide(wanted, smoothed, out=np.ones_like(wanted), where=wanted > 0)
    there = (wanted.sum(axis=1) > 0) & (got.sum(axis=1) > 0)
    return np.where(there, (wanted * np.log2(ratio)).sum(axis=1), np.nan)
