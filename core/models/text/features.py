"""Text vectors as models read them: each domain's own centre taken away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.scores import FloatArray
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


def centred_vectors(features: ItemFeatures | None, settings: TextSettings) -> FloatArray:
    """(n_items, width) float32 unit vectors from the domain's centre, zeros without a text.

    All titles of a shop share something; without it likeness tells items apart. Mu and Viswanath
    2018 (All-but-the-top), sec. 2, the mean alone.
    """
    vectors = item_vectors(features, settings.encoder, settings.reads)
    told = np.abs(vectors).sum(axis=1) > 0
    if told.sum() < 2:
        return vectors
    centred = np.where(told[:, None], vectors - vectors[told].mean(axis=0), 0.0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return (centred / np.maximum(lengths, 1e-9)).astype(np.float32)


def domain_vectors(train: DomainPair, settings: TextSettings) -> tuple[FloatArray, FloatArray]:
    """Of source and target items; a pair without source items has a source of no rows."""
    target = centred_vectors(train.target_features, settings)
    if train.source_features is None:
        return np.zeros((train.source.shape[1], target.shape[1]), dtype=np.float32), target
    return centred_vectors(train.source_features, settings), target
