"""A map at once: principal components."""

from __future__ import annotations

import numpy as np

from core.basics.types import FloatArray


def normalised(vectors: FloatArray) -> FloatArray:
    """Rows at length 1, float32, so that dot products are cosines; rows of zeros stay zeros."""
    vectors = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def pca_map(vectors: FloatArray) -> FloatArray:
    """The two directions of largest variance, (n, 2) float32, centred.

    Singular vectors leave the sign open: in each direction the largest loading is made positive,
    so that the same vectors always give the same map. A missing second direction is zeros.
    """
    centred = np.asarray(vectors, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # (d, d), variance rising
    axes = axes[:, ::-1][:, :2]
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.where(axes[largest, np.arange(axes.shape[1])] < 0, -1, 1)
    places = np.zeros((len(vectors), 2), dtype=np.float32)
    places[:, : axes.shape[1]] = centred @ axes
    return places
