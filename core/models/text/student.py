"""A small student of a text encoder: a vector per word and per piece of a word, added up.

The features of Bojanowski et al. 2017 (Enriching word vectors with subword information, sec. 3.2)
with hashing, taught by regression on the encoder's own vectors (Romero et al. 2015, FitNets, sec.
2.2: hints). It reads a text in microseconds and knows no order of words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray
from core.models.kernel.arrays import unit
from core.models.text.encoders import cut_up

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
