"""Uploaded vectors of items, of images or anything, alone or beside those of their texts."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.basics.types import FloatArray
from core.data.pair import ItemFeatures

NOT_USED, BESIDE, ALONE = "not used", "beside the text", "alone"
VECTORS = (NOT_USED, BESIDE, ALONE)
_OTHERS = "Import item tables with vectors of one kind for both, or set vectors to not used."


def use_of(settings: Any) -> str:
    """One of VECTORS; NOT_USED for a model that knows of none."""
    return str(getattr(settings, "vectors", NOT_USED))


def why_not(
    widths: tuple[int, int], settings: Any, cross_domain: bool = True
) -> tuple[str, str] | None:
    """What stands against the setting, and what to do; None where nothing does.

    widths: numbers of the vectors of source and target items, 0 for none; cross_domain: whether
    the source is read at all.
    """
    use, target = use_of(settings), widths[1]
    source = widths[0] if cross_domain else 0
    if use == NOT_USED:
        return None
    if source and target and source != target:
        said = f"The source's vectors have {source:,} numbers and the target's {target:,}."
        return said, _OTHERS
    if use == BESIDE:
        return None if target or source else ("It reads vectors and no item has any.", _OTHERS)
    missing = "target" if not target else "source" if cross_domain and not source else None
    return None if missing is None else (f"It reads vectors and the {missing} has none.", _OTHERS)


def unit_vectors(features: ItemFeatures | None, width: int) -> FloatArray:
    """(n_items, width) float32 of length 1; zeros for items without one, or all without any."""
    if features is None:
        return np.zeros((0, width), dtype=np.float32)
    if features.vectors is None:
        return np.zeros((len(features.titles), width), dtype=np.float32)
    vectors = np.array(features.vectors, dtype=np.float32)
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    vectors /= np.where(largest > 0, largest, 1.0)  # so that no square overflows
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def side_by_side(texts: FloatArray, vectors: FloatArray) -> FloatArray:
    """(n_items, d + width) float32 of length 1: half of the length from each where both are there.

    An item with only one of the two keeps that one whole, beside zeros.
    """
    there = [np.abs(part).max(axis=1, initial=0.0) > 0 for part in (texts, vectors)]
    shares = np.sqrt(np.maximum(there[0].astype(np.float32) + there[1], 1.0))
    return (np.hstack([texts, vectors]) / shares[:, None]).astype(np.float32)


def beside_nothing(texts: FloatArray, width: int) -> FloatArray:
    """(n, width): vectors of texts that no item has, such as words a person typed, beside zeros."""
    missing = width - texts.shape[1]
    return np.hstack([texts, np.zeros((len(texts), missing), dtype=np.float32)])
