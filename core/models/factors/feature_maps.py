"""Feature maps phi: what a history of one domain says about a user, as a vector of d features.

Every map keeps one promise, so that a model can take any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import partial
from itertools import pairwise
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix, diags

from core.basics.settings import setting
from core.basics.types import FloatArray, IdMap, IntArray
from core.data.pair import DomainPair
from core.models.factors.als import Penalty, mass, random_factors
from core.models.kernel.arrays import (
    Array,
    Weights,
    history_sum,
    normal_table,
    picked,
    relu,
    scaled_rows,
    unit,
)
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel
from core.models.kernel.losses import bpr, entries, full_softmax
from core.models.kernel.training_settings import TrainingSettings
from core.models.protocol import Network, State

PCA, LDA, NMF, ALS, AUTOENCODER = "pca", "lda", "nmf", "als", "autoencoder"
BPR, LIGHTGCN = "bpr", "lightgcn"
KINDS = (PCA, LDA, NMF, ALS, AUTOENCODER, BPR, LIGHTGCN)
LEARNED = (AUTOENCODER, BPR, LIGHTGCN)  # on torch
TORCH = 400 * 2**20  # bytes that loading torch takes
SPREAD = 0.5  # sums of history vectors are divided by (length of the history)^SPREAD
TINY = 1e-12


factors_from = partial(
    setting,
    ALS,
    choices=KINDS,
    help="What gives each domain its vectors: implicit ALS, BPR, LightGCN, or any feature map.",
)


@dataclass(frozen=True)
class MapOptions:
    """How a map is learned; the last three are those of iALS alone."""

    factors: int
    rounds: int = 10
    regularization: float = 0.03
    unobserved_weight: float = 5.0


class FeatureMap(Protocol):
    """What was learned on the rows of one domain; asked for any history with NumPy alone."""

    @property
    def items(self) -> FloatArray:
        """(n_items, d); users(rows) @ items.T ranks the items of the domain."""
        ...

    def users(self, rows: csr_matrix) -> FloatArray:
        """phi of each history, (n, n_items) -> (n, d) float32; zeros for an empty one."""
        ...

    def shares(self, row: csr_matrix) -> FloatArray:
        """What each item of a history, (1, n_items), adds to its phi; (n_history, d)."""
        ...

    def state(self) -> State:
        """Everything learned, as named arrays."""
        ...


@dataclass(frozen=True)
class Reading:
    """phi by reading one vector per history item: a sum, brought to size.

    size "sum" divides the sum by the root of the history's length, "unit" to length 1, "positive"
    also cuts it off below 0: a layer of an autoencoder, which is still a sum over the items.
    """

    read: FloatArray  # (n_items, d)
    items: FloatArray  # (n_items, d)
    size: str

    def users(self, rows: csr_matrix) -> FloatArray:
        """Sums of the vectors read, brought to size."""
        sums = np.asarray(rows @ self.read, dtype=np.float32)
        return sums * self._scale(sums, np.diff(rows.indptr))

    def shares(self, row: csr_matrix) -> FloatArray:
        """The vector read for each item at the size of the whole; exact."""
        entries = self.read[row.indices] * row.data[:, None]
        return entries * self._scale(entries.sum(axis=0, keepdims=True), np.diff(row.indptr))

    def state(self) -> State:
        """Both tables of vectors."""
        return {"read": self.read, "items": self.items}

    def _scale(self, sums: FloatArray, lengths: np.ndarray) -> FloatArray:
        """(n, d) or (n, 1)"""
        if self.size == "unit":
            return 1 / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), TINY)
        short = (np.maximum(lengths, 1.0)[:, None] ** -SPREAD).astype(np.float32)
        return short * (sums > 0) if self.size == "positive" else short


@dataclass(frozen=True)
class Factors:
    """phi by implicit ALS: the best vector of a history while the items stand still."""

    items: FloatArray  # (n_items, d)
    penalty: Penalty

    def users(self, rows: csr_matrix) -> FloatArray:
        """A_u^-1 times the sum of the history's vectors, A_u from the history too."""
        return self.penalty.solve(rows, self.items, len(self.items))

    def shares(self, row: csr_matrix) -> FloatArray:
        """v_i' A_u^-1 of each history item; exact."""
        history = self.items[row.indices]  # (n_history, d)
        if not len(history):
            return history
        ridge = self.penalty.ridge(mass(row), len(self.items))
        left = self.penalty.gram(self.items) + history.T @ (history * row.data[:, None])
        left += ridge * np.eye(self.items.shape[1])
        shares: FloatArray = np.linalg.solve(left, (history * row.data[:, None]).T).T
        return shares

    def state(self) -> State:
        """Item vectors, and what a cell without interaction and a vector's length cost."""
        return {"items": self.items, "penalty": np.array(astuple(self.penalty))}


def map_steps(
    kind: str, rows: csr_matrix, options: MapOptions, rng: np.random.Generator
) -> Iterator[tuple[int, FeatureMap]]:
    """(steps in all, map) after every step of learning; only iALS has more than one.

    rows: (n_users, n_items). A domain without interactions gets a map to zeros. There are never
    more features than users or items can carry.
    """
    if kind == ALS:
        yield from ((options.rounds, found) for found in _factors(rows, options, rng))
        return
    if not rows.nnz:
        nothing = np.zeros((rows.shape[1], 1), dtype=np.float32)
        yield 1, restored_map(kind, dict.fromkeys(("read", "items"), nothing))
    else:
        yield 1, _fit_at_once(kind, rows, options.factors, int(rng.integers(2**31)))


def restored_map(kind: str, state: State) -> FeatureMap:
    """A map from its state."""
    if kind == ALS:
        return Factors(state["items"], Penalty(*map(float, state["penalty"])))
    if kind in (LDA, NMF):
        return Topics(state["items"], state.get("table"))
    sizes = {AUTOENCODER: "positive", LIGHTGCN: "unit"}
    return Reading(state["read"], state["items"], sizes.get(kind, "sum"))


def _fit_at_once(kind: str, rows: csr_matrix, factors: int, seed: int) -> FeatureMap:
    if kind == PCA:
        # Truncated SVD of the rows at length 1 each: users are V' of their row (PureSVD)
        from sklearn.utils.extmath import randomized_svd

        lengths = np.maximum(np.diff(rows.indptr), 1.0)
        scaled = csr_matrix(diags(lengths**-SPREAD) @ rows)
        width = min(factors, *rows.shape)
        _, _, axes = randomized_svd(scaled, width, random_state=seed)  # (d, n_items)
        axes = np.ascontiguousarray(axes.T, dtype=np.float32)
        return Reading(axes, axes, "sum")
    if kind in (LDA, NMF):
        return fit_topics(kind, rows, factors, seed)

    return fit_learned(kind, rows, factors, seed)


def _factors(rows: csr_matrix, options: MapOptions, rng: np.random.Generator) -> Iterator[Factors]:
    penalty = Penalty.of(rows, options.unobserved_weight, options.regularization)
    items = random_factors(rows.shape[1], options.factors, rng)
    present = int((np.diff(rows.indptr) > 0).sum())
    for _ in range(options.rounds):
        users = penalty.solve(rows, items, len(items))
        items = penalty.solve(rows.T.tocsr(), users, present)
        yield Factors(items, penalty)


# Feature maps learned by gradients: an autoencoder, BPR and a graph, on the shared kernel.

EPOCHS = {AUTOENCODER: 20, BPR: 40, LIGHTGCN: 20}
LAYERS = 2  # from items to users and back, twice
TEMPERATURE = 0.2


@dataclass(frozen=True)
class ReaderSettings(TrainingSettings):
    """Which reader, and its size."""

    kind: str = setting(AUTOENCODER, choices=(AUTOENCODER, BPR, LIGHTGCN), help="The reader.")
    factors: int = setting(64, low=1, high=512, help="Length of every vector.")


class Reader(Network):
    """One domain, users without vectors of their own: each is the sum of what they took.

    autoencoder: a layer of positive parts, softmax over all items (Liang et al. 2018, Mult-DAE,
    sec. 2); bpr: plain sums, each liked item against a drawn one (Rendle et al. 2009, with the
    user of Kabbur et al. 2013, FISM, sec. 4); lightgcn: item vectors first flow along the graph of
    the domain (He et al. 2020, eq. 3-4), then cosines and softmax.
    """

    def __init__(self, settings: ReaderSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Vectors of items as they are read and as they are found; a graph needs one table."""
        # D_u^-1/2 R D_i^-1/2; He et al. 2020, eq. 8.
        left, right = (
            np.maximum(np.diff(part.indptr), 1.0) ** -0.5
            for part in (train.target, train.target.tocsc())
        )
        self.graph = csr_matrix(diags(left) @ train.target @ diags(right), dtype=np.float32)
        names = ("found",) if self.settings.kind == LIGHTGCN else ("read", "found")
        shape = train.target.shape[1], self.settings.factors
        return {name: normal_table(*shape, rng) for name in names}

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """BPR for pairs of items, else softmax over all of them."""
        users = self.users(weights, batch.source_shown, batch.target_shown, None)
        if self.settings.kind == BPR:
            return self._pairs(weights, users, batch)
        logits = self.scores(weights, users, None)
        scale = TEMPERATURE if self.settings.kind == LIGHTGCN else 1.0
        return full_softmax(logits / scale, batch.target_wanted)

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """phi, (n, d), as the Reading made from the weights gives it."""
        sums = history_sum(scaled_rows(target, SPREAD), self.read(weights))
        if self.settings.kind == LIGHTGCN:
            return unit(sums)
        return relu(sums) if self.settings.kind == AUTOENCODER else sums

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Products with item vectors; cosines on a graph."""
        found = self.found(weights)
        return users @ (found if items is None else found[items]).T

    def read(self, weights: Weights) -> Array:
        """What a history item adds to its user, (n_items, d)."""
        return self._flowed(weights) if self.settings.kind == LIGHTGCN else weights["read"]

    def found(self, weights: Weights) -> Array:
        """Item vectors as they are ranked, (n_items, d)."""
        if self.settings.kind == LIGHTGCN:
            return unit(self._flowed(weights))
        return weights["found"]

    def vectors(self, weights: Weights, train: DomainPair) -> None:
        """None: a map is part of a model."""

    def _flowed(self, weights: Weights) -> Array:
        """Mean over the layers, each from items to users and back."""
        layers = [weights["found"]]
        for _ in range(LAYERS):
            layers.append(history_sum(self.graph.T.tocsr(), history_sum(self.graph, layers[-1])))
        return sum(layers[1:], layers[0]) / (LAYERS + 1)

    def _pairs(self, weights: Weights, users: Array, batch: Batch) -> Array:
        rows, liked = entries(batch.target_wanted)
        others = batch.rng.integers(0, len(weights["found"]), len(rows))
        mine, found = picked(users, rows), weights["found"]
        wins, losses = (
            (mine * picked(found, items)).sum(-1) for items in (liked, others)
        )  # (pairs,)
        return bpr(wins, losses)


def fit_learned(kind: str, rows: csr_matrix, factors: int, seed: int) -> Reading:
    """A reader trained for its number of epochs on the rows of one domain, (n_users, n_items)."""
    network = Reader(ReaderSettings(kind=kind, factors=factors, epochs=EPOCHS[kind]))
    model = GradientModel(network)
    names = [IdMap(np.arange(size).astype(str).astype(object)) for size in rows.shape]
    nothing = csr_matrix((rows.shape[0], 0), dtype=np.float32)
    no_items = IdMap(np.array([], dtype=object))
    for _ in model.fit_epochs(DomainPair(names[0], no_items, names[1], nothing, rows), seed):
        pass
    size = {AUTOENCODER: "positive", LIGHTGCN: "unit"}.get(kind, "sum")
    return Reading(network.read(model.weights), network.found(model.weights), size)


# Feature maps by topics: a history is a mixture of groups of items (LDA) or of parts (NMF).

ROUNDS = 30  # of fitting a history's mixture
CELLS = 2**22  # numbers in the largest array of one block of users
PASSES = 20  # of scikit-learn over the data


@dataclass(frozen=True)
class Topics:
    """phi is the mixture of topics that explains a history best, found by fixed-point rounds.

    With a table, LDA: the mean responsibility of each topic for the history's items (Blei et al.
    2003, fig. 6; Hoffman et al. 2010, eq. 5). Without, NMF: multiplicative updates (Lee and Seung
    2001, eq. 4). The last round of either is a sum over the history's items.
    """

    items: FloatArray  # (n_items, d) how strongly a topic holds an item
    table: FloatArray | None  # (n_items, d) exp E log beta of LDA, None for NMF

    def users(self, rows: csr_matrix) -> FloatArray:
        """Mixtures, (n, d)."""
        blocks = [self._mixed(block) for block in self._blocks(rows)]
        return np.concatenate(blocks).astype(np.float32)

    def shares(self, row: csr_matrix) -> FloatArray:
        """Each item's part in the last round; exact."""
        before = self._mixed(row, ROUNDS - 1)  # (1, d)
        if self.table is None:
            return before * self.items[row.indices] / (before @ self._gram() + TINY)
        table, mixture = self.table[row.indices], self._lda_weights(before, len(row.indices))
        return table * mixture / (table @ mixture.T + TINY) / max(len(table), 1)

    def state(self) -> State:
        """How topics hold items."""
        table = {} if self.table is None else {"table": self.table}
        return {"items": self.items} | table

    def _blocks(self, rows: csr_matrix) -> Iterator[csr_matrix]:
        """Some rows at a time, so that no array of (entries, d) grows too large; at least one."""
        size = CELLS // self.items.shape[1]
        ends = np.flatnonzero(np.diff(rows.indptr // max(size, 1))) + 1
        bounds = [0, *ends[(ends > 0) & (ends < rows.shape[0])], rows.shape[0]]
        yield from (rows[start:end] for start, end in pairwise(bounds))

    def _mixed(self, rows: csr_matrix, rounds: int = ROUNDS) -> FloatArray:
        """Mixtures after some rounds; zeros for an empty history."""
        d = self.items.shape[1]
        known = (np.diff(rows.indptr) > 0).astype(np.float32)[:, None]
        mixture = known * np.full((rows.shape[0], d), 1 / d, dtype=np.float32)
        one_round = self._nmf_round if self.table is None else self._lda_round
        for _ in range(rounds):
            mixture = one_round(rows, mixture)
        return mixture

    def _nmf_round(self, rows: csr_matrix, mixture: FloatArray) -> FloatArray:
        return mixture * (rows @ self.items) / (mixture @ self._gram() + TINY)

    def _lda_round(self, rows: csr_matrix, mixture: FloatArray) -> FloatArray:
        assert self.table is not None
        lengths = np.diff(rows.indptr)
        weights = self._lda_weights(mixture, lengths[:, None])
        owner = np.repeat(np.arange(rows.shape[0]), lengths)
        held = np.einsum("ed,ed->e", weights[owner], self.table[rows.indices])  # (entries,)
        inverse = csr_matrix((1 / (held + TINY), rows.indices, rows.indptr), shape=rows.shape)
        mixed: FloatArray = weights * (inverse @ self.table) / np.maximum(lengths, 1)[:, None]
        return mixed

    def _lda_weights(self, mixture: FloatArray, lengths: np.ndarray | int) -> FloatArray:
        """exp E log theta up to a factor, from the prior 1/d and the counts; (n, d)."""
        from scipy.special import digamma

        counts = mixture * lengths + 1 / mixture.shape[1]
        weights: FloatArray = np.exp(digamma(counts)).astype(np.float32)
        return weights

    def _gram(self) -> FloatArray:
        return self.items.T @ self.items


def fit_topics(kind: str, rows: csr_matrix, factors: int, seed: int) -> Topics:
    """LDA or NMF of scikit-learn on the rows of users with any interaction."""
    rows = rows[np.diff(rows.indptr) > 0]
    if kind == LDA:
        return _lda(rows, factors, seed)
    from sklearn.decomposition import NMF

    width = min(factors, *rows.shape)
    found = NMF(
        width, init="nndsvda", solver="cd", max_iter=10 * PASSES, tol=1e-3, random_state=seed
    )
    found.fit(rows)
    return Topics(np.ascontiguousarray(found.components_.T, dtype=np.float32), None)


def _lda(rows: csr_matrix, factors: int, seed: int) -> Topics:
    from scipy.special import digamma
    from sklearn.decomposition import LatentDirichletAllocation

    found = LatentDirichletAllocation(
        factors, learning_method="online", max_iter=PASSES, batch_size=256, random_state=seed
    ).fit(rows)
    counts = found.components_  # (d, n_items)
    items = counts / counts.sum(axis=1, keepdims=True)
    table = np.exp(digamma(counts) - digamma(counts.sum(axis=1, keepdims=True)))
    items, table = (np.ascontiguousarray(part.T, dtype=np.float32) for part in (items, table))
    return Topics(items, table)
