"""An encoder that is trained on: its weights stay, and what training adds to them is kept apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray, IntArray
from core.data.pair import DomainPair
from core.models.kernel.arrays import Array, Weights, as_array, as_like, history_sum, picked
from core.models.kernel.batches import Batch
from core.models.kernel.losses import entries
from core.models.protocol import State
from core.models.text.encoders import DEFAULT, encoder_of
from core.models.text.forward import (
    LAST_LAYERS,
    WIDTH,
    SummedWords,
    UniversalEncoder,
    meaning,
    sentence_vectors,
    tokens_of,
)
from core.models.text.vectors import encoded_vectors, text_vectors

ALL, LAST, LOW_RANK = "all", "last layers", "low rank"
TUNED = (ALL, LAST, LOW_RANK)
BASE = "fixed.encoder."  # the encoder's own weights among a network's
DOWN, UP = ".down", ".up"  # the two factors of a low-rank delta
BELOW = "universal, summed words"  # what sums below the last layers are kept under
TEXTS = 256  # encoded at once where all of it is trained


def first_deltas(stage: str, tuned: str, rank: int, rng: np.random.Generator) -> State:
    """What training adds to the encoder in one stage, all of it 0 at first.

    A whole table for each weight, or for matrices of the last layers a product of two thin ones,
    Hu et al. 2022 (LoRA), sec. 4.1: the first drawn at random, the second 0.
    """
    weights = UniversalEncoder().weights()
    names = list(weights) if tuned == ALL else list(LAST_LAYERS)
    deltas: State = {}
    for name in names:
        table, key = weights[name], f"{stage}.delta.{name}"
        if tuned != LOW_RANK:
            deltas[key] = np.zeros_like(table)
        elif table.ndim == 2:
            wide, narrow = table.shape
            spread = 1 / np.sqrt(wide)
            deltas[key + DOWN] = rng.normal(0, spread, (wide, rank)).astype(np.float32)
            deltas[key + UP] = np.zeros((rank, narrow), dtype=np.float32)
    return deltas


def base_weights() -> State:
    """The encoder as it comes; SettingsError where it is not installed."""
    encoder_of(DEFAULT)
    return {BASE + name: table for name, table in UniversalEncoder().weights().items()}


def tuned_weights(weights: Weights, stages: tuple[str, ...], pace: float) -> Weights:
    """theta + pace * (the deltas of these stages); all but the last stage's are constants."""
    theta = {name[len(BASE) :]: table for name, table in weights.items() if name.startswith(BASE)}
    for stage in stages:
        for name in list(theta):
            key = f"{stage}.delta.{name}"
            if key in weights:
                parts = [weights[key]]
            elif key + UP in weights:
                parts = [weights[key + DOWN], weights[key + UP]]
            else:
                continue
            if stage != stages[-1]:
                parts = [part if isinstance(part, np.ndarray) else part.detach() for part in parts]
            delta = parts[0] if len(parts) == 1 else parts[0] @ parts[1]
            theta[name] = theta[name] + pace * delta
    return theta


class Readable:
    """The texts of one domain, ready to be encoded again and again with other weights."""

    def __init__(self, texts: list[str], tuned: str | None, kept_in: Path | None) -> None:
        """tuned: which weights will change; None is none of them."""
        self.told = np.array([[text != ""] for text in texts], dtype=np.float32).reshape(-1, 1)
        self.frozen = text_vectors(texts, DEFAULT, kept_in)  # (n_items, 512)
        self._tuned, self._encoder = tuned, UniversalEncoder()
        if tuned == ALL:
            self._pieces = self._encoder.pieces(texts)
        elif tuned is not None:
            self._summed = encoded_vectors(texts, SummedWords(), BELOW, kept_in)

    def encoded(self, theta: Weights, items: IntArray) -> Array:
        """(n, 512) vectors of these items under weights theta, zeros where there is no text."""
        like = theta["deep0"]
        if self._tuned is None:
            return as_like(self.frozen[items], like)
        if self._tuned == ALL:
            return self._whole(theta, items) * as_like(self.told[items], like)
        return meaning(theta, as_like(self._summed[items], like))

    def all_encoded(self, theta: Weights) -> FloatArray:
        """Every item's vector, (n_items, 512), under arrays theta."""
        found = np.zeros((len(self.told), WIDTH), dtype=np.float32)
        for start in range(0, len(found), TEXTS):
            some = np.arange(start, min(start + TEXTS, len(found)))
            found[some] = self.encoded(theta, some)
        return found

    def _whole(self, theta: Weights, items: IntArray) -> Array:
        if not len(items):
            return as_like(np.zeros((0, WIDTH), dtype=np.float32), theta["deep0"])
        tokens = tokens_of([self._pieces[item] for item in items])
        words = as_like(self._encoder.word_vectors(tokens.pieces), theta["deep0"])
        return sentence_vectors(theta, words, tokens)


# Pairs of a history and one item of it left out, for contrastive training of texts.


@dataclass(frozen=True)
class Narrow:
    """Histories over the items that occur in them alone."""

    items: IntArray  # (n_items,) their numbers in the domain
    rows: csr_matrix  # (n_users, n_items)

    @classmethod
    def of(cls, rows: csr_matrix) -> Narrow:
        """The same histories, items that nobody here has left out."""
        items, places = np.unique(rows.indices, return_inverse=True)
        shape = rows.shape[0], len(items)
        return cls(items, csr_matrix((rows.data, places, rows.indptr), shape=shape))


def few_of(rows: csr_matrix, most: int, rng: np.random.Generator) -> csr_matrix:
    """At most so many entries of each row, drawn at random."""
    users, _ = entries(rows)
    order = np.lexsort((rng.random(rows.nnz), users))
    places = np.empty(rows.nnz, dtype=np.int64)
    places[order] = np.arange(rows.nnz) - np.repeat(rows.indptr[:-1], np.diff(rows.indptr))
    kept = places < most
    ends = np.concatenate([[0], np.cumsum(kept)])[rows.indptr]
    return csr_matrix((rows.data[kept], rows.indices[kept], ends), shape=rows.shape)


def pair_batches(
    train: DomainPair,
    rng: np.random.Generator,
    epoch: int,
    *,
    from_source: bool,
    size: int,
    most: int,
    n_pairs: int,
) -> Iterator[Batch]:
    """Users in a new order, `size` at a time, until about n_pairs items were left out once.

    most: items of a history that are read. from_source: source items alone are read and left out;
    otherwise both domains are read and target items are left out.
    """
    history = train.source if from_source else train.target
    order, drawn = rng.permutation(np.flatnonzero(np.diff(history.indptr))), 0
    for start in range(0, len(order), size):
        if drawn >= n_pairs:
            return
        users = order[start : start + size]
        source, target = (few_of(rows[users], most, rng) for rows in (train.source, train.target))
        if from_source:
            target = csr_matrix(target.shape, dtype=np.float32)
        drawn += (source if from_source else target).nnz
        yield Batch(users, source, target, source, target, rng, epoch)


def left_out(left: Narrow, alike: Array, beside: Array) -> tuple[Array, IntArray, IntArray]:
    """Scores of each history without each of its items in turn: (n_pairs, n_items), rows and items.

    alike: (n_items, n_items) what each item of a history says for each item; beside: (n_users,
    n_items) what the other domain says. Pairs with nothing left in either are dropped.
    """
    users, places = entries(left.rows)
    rest = np.diff(left.rows.indptr)[users] - 1  # items left beside each
    there = np.abs(as_array(beside)).sum(axis=1)[users] > 0
    kept = np.flatnonzero((rest > 0) | there)
    scores = history_sum(left.rows, alike) + beside
    return (
        picked(scores, users[kept]) - picked(alike, places[kept]),
        users[kept],
        places[kept],
    )


def info_nce(logits: Array, rows: csr_matrix, users: IntArray, places: IntArray) -> Array:
    """-log of the left-out item's share among the batch's items; (n_pairs, n_items) logits.

    van den Oord et al. 2018, eq. 4. What else the same user took is no wrong answer and stays out.
    """
    others = np.asarray(rows[users].todense()) > 0
    others[np.arange(len(users)), places] = False
    against = logits - as_like(1e9 * others.astype(np.float32), logits)
    return (against.logsumexp(1) - logits[np.arange(len(users)), places]).mean()


def share_in_batch(popularity: np.ndarray, n_pairs: int) -> np.ndarray:
    """Chance that an item is among those of a batch of n_pairs pairs, (n_items,) float32.

    What in-batch negatives must be corrected by: Yi et al. 2019, eq. 3.
    """
    expected = n_pairs * popularity / max(popularity.sum(), 1)
    return np.maximum(-np.expm1(-expected), 1e-9).astype(np.float32)
