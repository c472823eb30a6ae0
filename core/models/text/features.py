"""Text and uploaded vectors as models read them: each domain's own centre taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.errors import SettingsError
from core.basics.settings import Settings, setting
from core.basics.types import BoolArray, DomainScores, FloatArray
from core.data.pair import DomainPair, ItemFeatures
from core.models.kernel.arrays import unit
from core.models.protocol import State
from core.models.text.encoders import DEFAULT, ENCODERS, cut_up
from core.models.text.vectors import (
    ALONE,
    NOT_USED,
    VECTORS,
    item_vectors,
    side_by_side,
    unit_vectors,
    why_not,
)
from core.models.text.words import item_texts, reads


@dataclass(frozen=True)
class TextSettings(Settings):
    """Which encoder reads which columns of the item tables, and whether vectors are read too."""

    encoder: str = setting(
        DEFAULT,
        choices=tuple(ENCODERS),
        help="What turns a text into a vector; universal goes by meaning in 16 languages, tf-idf "
        "by the same words, minilm by meaning in English; own is what CROSSWALK_ENCODER names.",
    )
    reads: str = reads()
    vectors: str = setting(
        NOT_USED,
        choices=VECTORS,
        help="What uploaded vectors of items, of images or sounds say, count: not at all, as much "
        "as the text, or alone, where no text is read.",
    )


@runtime_checkable
class HearsWords(Protocol):
    """A model that takes what a person says in words for one more text of their target history."""

    def fold_in_words(
        self, words: FloatArray, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> DomainScores:
        """words: (n_asked, d), from the target's centre; the rest as `fold_in` has it."""
        ...


def texts_read(features: ItemFeatures | None, settings: TextSettings) -> list[str]:
    """The text of every item as far as the model reads it: "" for all where vectors stand alone."""
    if settings.vectors == ALONE:
        return [] if features is None else [""] * len(features.titles)
    return item_texts(features, settings.reads)


def centred_vectors(
    features: ItemFeatures | None, settings: TextSettings, width: int | None = None
) -> FloatArray:
    """(n_items, d) float32 unit vectors from the domain's centre, zeros for items without any.

    width: of the uploaded ones; that of the domain's own where it is not given. Raises
    SettingsError where vectors are to be read and there are none.
    """
    if width is None:
        own = 0 if features is None or features.vectors is None else features.vectors.shape[1]
        width = _width((0, own), settings, cross_domain=False)
    vectors = with_uploaded(_of_texts(features, settings), features, settings, width)
    return centred(vectors, centre_of(vectors))


def with_uploaded(
    texts: FloatArray, features: ItemFeatures | None, settings: TextSettings, width: int
) -> FloatArray:
    """(n_items, d) what the settings make of the vectors of texts and of the uploaded ones."""
    if settings.vectors == NOT_USED:
        return texts
    uploaded = unit_vectors(features, width)
    return uploaded if settings.vectors == ALONE else side_by_side(texts, uploaded)


def _of_texts(features: ItemFeatures | None, settings: TextSettings) -> FloatArray:
    if settings.vectors == ALONE:  # no encoder is loaded
        return np.zeros((0, 0), dtype=np.float32)
    return item_vectors(features, settings.encoder, settings.reads)


def uploaded_width(train: DomainPair, settings: TextSettings) -> int:
    """Numbers of an uploaded vector as both domains have it, 0 where none is read.

    Raises SettingsError where they cannot be read as the settings ask.
    """
    return _width(train.vector_widths, settings, cross_domain=train.source.shape[1] > 0)


def _width(widths: tuple[int, int], settings: TextSettings, cross_domain: bool) -> int:
    """A domain without vectors beside its texts is all zeros there, and so may both be (a twin)."""
    if (any(widths) or settings.vectors == ALONE) and (
        refused := why_not(widths, settings, cross_domain)
    ):
        raise SettingsError(*refused)
    return 0 if settings.vectors == NOT_USED else max(widths)


@runtime_checkable
class ReadsUntaken(Protocol):
    """A model, or its network, that places items nobody took by what is written about them."""

    def widened(self, state: State, wider: DomainPair) -> State:
        """The state with more target items: those of the pair it was trained on come first in
        `wider`, nothing of them changes, and nobody took the others."""
        ...


def untaken_vectors(wider: DomainPair, known: int, settings: TextSettings) -> FloatArray:
    """(n_untaken, d) vectors of target items from number `known` on, less the known ones' mean."""
    width = uploaded_width(wider, settings)
    texts = _of_texts(wider.target_features, settings)
    vectors = with_uploaded(texts, wider.target_features, settings, width)
    return centred(vectors[known:], centre_of(vectors[:known]))


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
    width = uploaded_width(train, settings)
    target = centred_vectors(train.target_features, settings, width)
    if train.source_features is None:
        return np.zeros((train.source.shape[1], target.shape[1]), dtype=np.float32), target
    return centred_vectors(train.source_features, settings, width), target


# A small student of a text encoder: a vector per word and per piece of a word, added up.
# The features of Bojanowski et al. 2017 (Enriching word vectors with subword information, sec.
# 3.2) with hashing, taught by regression on the encoder's own vectors (Romero et al. 2015,
# FitNets, sec. 2.2: hints). It reads a text in microseconds and knows no order of words.

BUCKETS = 2**14  # words and pieces that fall together share a vector
PIECE = 4  # letters of a piece, with signs for the ends of the word
RIDGE, STEPS = 0.3, 40


class Student:
    """Encodes texts with a table of (BUCKETS, d) vectors."""

    def __init__(self, table: FloatArray) -> None:
        self.table, self.width = table, table.shape[1]

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n_texts, d) float32 unit vectors, zeros where there is nothing to read."""
        return np.asarray(unit(pieces_of(texts) @ self.table), dtype=np.float32)


def taught(texts: Sequence[str], vectors: FloatArray) -> FloatArray:
    """The table, (BUCKETS, d) float32, whose sums come nearest to the vectors of the texts.

    Ridge regression by conjugate gradients, all columns at once.
    """
    from scipy.sparse.linalg import LinearOperator, cg

    read = pieces_of(texts)
    back = csr_matrix(read.T)
    shape = read.shape[1], vectors.shape[1]

    def normal(flat: FloatArray) -> FloatArray:
        table = flat.reshape(shape).astype(np.float32)
        moved: FloatArray = (back @ (read @ table) + np.float32(RIDGE) * table).ravel()
        return moved

    size = shape[0] * shape[1]
    operator = LinearOperator((size, size), matvec=normal, dtype=np.float32)
    found, _ = cg(operator, (back @ vectors).ravel(), rtol=1e-3, maxiter=STEPS)
    return np.asarray(found, dtype=np.float32).reshape(shape)


def pieces_of(texts: Sequence[str]) -> csr_matrix:
    """Words and their pieces hashed with signs, (n_texts, BUCKETS), each row at length 1."""
    from sklearn.feature_extraction.text import HashingVectorizer

    if not len(texts):
        return csr_matrix((0, BUCKETS), dtype=np.float32)
    hashed = HashingVectorizer(
        n_features=BUCKETS, tokenizer=_pieces, token_pattern=None, dtype=np.float32
    )
    return csr_matrix(hashed.transform(texts))


def _pieces(text: str) -> list[str]:
    words = cut_up(text)
    framed = [f"<{word}>" for word in words if len(word) >= PIECE - 1]
    cut = [word[at : at + PIECE] for word in framed for at in range(len(word) - PIECE + 1)]
    return words + cut
