"""Texts as bags of words: hashed TF-IDF as an encoder, and exact TF-IDF as a sparse table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray
from core.models.text.words import UNSPACED, in_words

BUCKETS = 1024  # of the hashed form
_PIECES = re.compile(rf"[{UNSPACED}]+|[^\W{UNSPACED}]+")


def cut_up(text: str) -> list[str]:
    """Words in their order; where a script sets no spaces, pairs of neighbouring signs."""
    return [word for piece in _PIECES.findall(text) for word in in_words(piece)]


class HashedTfIdf:
    """Words hashed into buckets with signs, the logarithm of their counts, each text at length 1.

    Weinberger et al. 2009: Feature hashing for large scale multitask learning. A text is read by
    itself, so rarity is not known; common English words are left out instead.
    """

    width = BUCKETS

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n_texts, 1024) float32."""
        from sklearn.feature_extraction.text import HashingVectorizer

        if not len(texts):
            return np.zeros((0, BUCKETS), dtype=np.float32)
        hashed = HashingVectorizer(
            n_features=BUCKETS,
            tokenizer=cut_up,
            token_pattern=None,
            stop_words="english",
            dtype=np.float32,
        )
        return np.asarray(hashed.transform(texts).toarray(), dtype=np.float32)


def tf_idf(*domains: Sequence[str]) -> list[csr_matrix]:
    """TF-IDF tables of several lists of texts over one vocabulary, (n_texts, n_words) each.

    Sublinear counts, smooth rarity over all the texts, rows of length 1, rows of 0 without a word;
    Salton and Buckley 1988 (the `ltc` form).
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [text for domain in domains for text in domain]
    if not any(any(letter.isalnum() for letter in text) for text in texts):
        return [csr_matrix((len(domain), 1), dtype=np.float32) for domain in domains]
    found = TfidfVectorizer(
        sublinear_tf=True, tokenizer=cut_up, token_pattern=None, dtype=np.float32
    )
    table = csr_matrix(found.fit_transform(texts))
    ends = np.cumsum([0, *map(len, domains)])
    return [table[start:end] for start, end in pairwise(ends)]
