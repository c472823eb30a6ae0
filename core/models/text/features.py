"""Text vectors as models read them: each domain's own centre taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.scores import BoolArray, DomainScores, FloatArray
from core.basics.settings import Settings, setting
from core.data.pair import DomainPair, ItemFeatures
from core.models.text.clean import READS, TITLES
from core.models.text.encoders import DEFAULT, ENCODERS
from core.models.text.vectors import item_vectors


@dataclass(frozen=True)
class TextSettings(Settings):
    """Which encoder reads which columns of the item tables."""

    encoder: str = setting(
        DEFAULT, choices=tuple(ENCODERS),
        help="What turns a text into a vector; universal goes by meaning in 16 languages, tf-idf "
        "by the same words, minilm by meaning in English; own is what CROSSWALK_ENCODER names.",
    )  # fmt: skip
    reads: str = setting(
        TITLES, choices=READS, help="Columns of the item tables that the encoder reads."
    )


@runtime_checkable
class HearsWords(Protocol):
    """A model that takes what a person says in words for one more text of their target history."""

    def fold_in_words(
        self, words: FloatArray, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> DomainScores:
        """words: (n_asked, d), from the target's centre; the rest as `fold_in` has it."""
        ...


def centred_vectors(features: ItemFeatures | None, settings: TextSettings) -> FloatArray:
    """(n_items, width) float32 unit vectors from the domain's centre, zeros without a text."""
    vectors = item_vectors(features, settings.encoder, settings.reads)
    return centred(vectors, centre_of(vectors))


def centre_of(vectors: FloatArray) -> FloatArray:
    """(width,) mean of the vectors of items that have a text; zeros below two of them."""
    told = np.abs(vectors).sum(axis=1) > 0
    if told.sum() < 2:
        return np.zeros(vectors.shape[1], dtype=np.float32)
    centre: FloatArray = vectors[told].mean(axis=0)
    return centre


def centred(vectors: FloatArray, centre: FloatArray) -> FloatArray:
    """(n, width) float32 directions from the centre, of length 1, zeros stay zeros.

    All titles of a shop share something; without it likeness tells items apart. Mu and Viswanath
    2018 (All-but-the-top), sec. 2, the mean alone.
    """
    if not centre.any():
        return vectors
    told = np.abs(vectors).sum(axis=1) > 0
    moved = np.where(told[:, None], vectors - centre, 0.0)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return (moved / np.maximum(lengths, 1e-9)).astype(np.float32)


def told(rows: csr_matrix, vectors: FloatArray) -> BoolArray:
    """(n_rows,) whether any item of a history has a text: others tell nothing of their user."""
    return np.asarray(rows @ (vectors != 0).any(axis=1).astype(np.float32) > 0)


def domain_vectors(train: DomainPair, settings: TextSettings) -> tuple[FloatArray, FloatArray]:
    """Of source and target items; a pair without source items has a source of no rows."""
    target = centred_vectors(train.target_features, settings)
    if train.source_features is None:
        return np.zeros((train.source.shape[1], target.shape[1]), dtype=np.float32), target
    return centred_vectors(train.source_features, settings), target
