"""Multi-task learning: a shared layer, a tower per domain, both directions judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.metrics.ranking import ndcg
from core.models.kernel.arrays import Array, Weights, dense, dense_weights, normal_table, relu, unit
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel
from core.models.kernel.losses import (
    contest_memory,
    cosine_softmax,
    cosines,
    drawn_vectors,
    entries,
    read,
)
from core.models.kernel.training_settings import SoftmaxSettings, factors, weight_decay
from core.models.protocol import Finding, ModelCard, Network, PairSizes, State

# Interactions that a model keeps from its own training, to see how well it finds them.

ROWS_AT_ONCE = 256
SEED = 0  # the same interactions whatever the run's seed, so that runs can be compared


def held_out(rows: csr_matrix, share: float) -> csr_matrix:
    """About `share` of each row's entries, rounded and drawn at random; rows of few keep theirs."""
    users, _ = entries(rows)
    order = np.lexsort((np.random.default_rng(SEED).random(rows.nnz), users))
    places = np.empty(rows.nnz, dtype=np.int64)  # of each entry in its row's random order
    places[order] = np.arange(rows.nnz) - np.repeat(rows.indptr[:-1], np.diff(rows.indptr))
    chosen = places < np.round(share * np.diff(rows.indptr))[users]
    found = (rows.data[chosen], (users[chosen], rows.indices[chosen]))
    return csr_matrix(found, shape=rows.shape, dtype=np.float32)


def without(rows: csr_matrix, hidden: csr_matrix) -> csr_matrix:
    """The entries of rows that are not hidden."""
    left = csr_matrix(rows - rows.multiply(hidden), dtype=np.float32)
    left.eliminate_zeros()
    return left


def held_out_ndcg(
    score: Callable[[IntArray], FloatArray], known: csr_matrix, hidden: csr_matrix
) -> float:
    """Mean nDCG@10 of finding hidden items among all that are not known, over rows with any.

    score: row numbers -> (n, n_items). Equal scores share the last of their ranks, so that a
    model with nothing to say finds nothing.
    """
    users = np.flatnonzero(np.diff(hidden.indptr))
    found = []
    for start in range(0, len(users), ROWS_AT_ONCE):
        some = users[start : start + ROWS_AT_ONCE]
        scores = score(some).astype(np.float32)
        scores[entries(known[some])] = -np.inf
        rows, items = entries(hidden[some])
        at_least = scores[rows] >= scores[rows, items][:, None]  # (entries, n_items)
        n_hidden = np.diff(hidden[some].indptr)
        found.append(ndcg(at_least.sum(axis=1), rows, n_hidden, 10))
    return float(np.mean(np.concatenate(found)))


SOURCE, TARGET = "source", "target"
FIXED, LEARNED = "fixed", "learned"
NOISE = "log_variance"  # of the tasks, where weights are learned


@dataclass(frozen=True)
class MultiTaskSettings(SoftmaxSettings):
    """Sizes, how the tasks are weighed, and speed of the training."""

    weight_decay: float = weight_decay(5e-4)
    factors: int = factors(64)
    weighting: str = setting(
        FIXED,
        choices=(FIXED, LEARNED),
        help="Fixed: source_loss_weight beside 1; learned: by how uncertain each task proves.",
    )
    source_loss_weight: float = setting(
        0.2,
        low=0.0,
        high=10.0,
        help="What finding source items counts beside target items, where weights are fixed.",
    )
    source_held_out: float = setting(
        0.1,
        low=0.0,
        high=0.5,
        help="Share of each source history kept out of the training, to measure how well source "
        "items are found; 0 learns from all and measures nothing.",
    )


class MultiTask(Network):
    """A shared layer over both histories and a tower per domain (shared bottom: Caruana 1997).

    Loss: w_source L_source + w_target L_target, with fixed weights or with those of Kendall, Gal
    and Cipolla 2018, eq. 10: exp(-s) L + s / 2 for each task, s a learned log variance.
    """

    hidden: csr_matrix | None = None  # (n_users, n_source_items) source interactions kept out

    def __init__(self, settings: MultiTaskSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Items as they are read and found, the shared layer, and a tower per domain."""
        self.hidden = held_out(train.source, self.settings.source_held_out)
        d = self.settings.factors
        weights: State = dense_weights("shared", d, d, rng)
        for domain, rows in ((SOURCE, train.source), (TARGET, train.target)):
            weights[f"{domain}.read"] = normal_table(rows.shape[1], d, rng)
            weights[f"{domain}.found"] = normal_table(rows.shape[1], d, rng)
            weights |= dense_weights(f"{domain}.tower", d, d, rng)
        if self.settings.weighting == LEARNED:
            weights[NOISE] = np.zeros(2, dtype=np.float32)
        return weights

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Softmax over all items of either domain; held-out source items are neither seen."""
        shown, wanted = batch.source_shown, batch.source_wanted
        if self.hidden is not None and self.hidden.nnz:
            kept_out = self.hidden[batch.users]
            shown, wanted = without(shown, kept_out), without(wanted, kept_out)
        shared = self._shared(weights, shown, batch.target_shown)
        source = self._task(weights, SOURCE, shared, wanted, batch) if wanted.nnz else None
        target = self._task(weights, TARGET, shared, batch.target_wanted, batch)
        if self.settings.weighting == FIXED:
            weight = self.settings.source_loss_weight
            return target if source is None else target + weight * source
        return uncertain(weights[NOISE], source, target)

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Unit vectors of the target's tower, (n, d)."""
        return self._tower(weights, TARGET, self._shared(weights, source, target))

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Cosines with target items."""
        return cosines(users, weights["target.found"], items)

    def source_scores(self, weights: Weights, source: csr_matrix, target: csr_matrix) -> FloatArray:
        """The other direction: score of every source item, (n, n_source_items)."""
        users = self._tower(weights, SOURCE, self._shared(weights, source, target))
        scores: FloatArray = cosines(users, weights["source.found"])
        return scores

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Target items, and users as either history draws them; source items live elsewhere."""
        found = unit(weights["target.found"])
        return drawn_vectors(self, weights, train, None, found)

    def findings(self, weights: Weights, train: DomainPair) -> list[Finding]:
        """How well source items that were kept out are found, and how well popularity does it."""
        hidden = held_out(train.source, self.settings.source_held_out)
        if not hidden.nnz:
            return []
        source = without(train.source, hidden)
        popularity = np.bincount(source.indices, minlength=source.shape[1]).astype(np.float32)

        def ours(users: IntArray) -> FloatArray:
            return self.source_scores(weights, source[users], train.target[users])

        about = f"over all source items, {hidden.nnz:,} interactions kept out; 1 is best."
        return [
            Finding(
                "Source direction: nDCG@10",
                held_out_ndcg(ours, source, hidden),
                f"How high the source items stand that training did not see, {about}",
            ),
            Finding(
                "Source direction: nDCG@10 of popularity",
                held_out_ndcg(lambda users: np.tile(popularity, (len(users), 1)), source, hidden),
                f"The same for the most popular source items, {about}",
            ),
        ]

    def _shared(self, weights: Weights, source: csr_matrix, target: csr_matrix) -> Array:
        both = read(source, weights["source.read"]) + read(target, weights["target.read"])
        return relu(dense(weights, "shared", both))

    def _tower(self, weights: Weights, domain: str, shared: Array) -> Array:
        return unit(dense(weights, f"{domain}.tower", shared))

    def _task(
        self, weights: Weights, domain: str, shared: Array, wanted: csr_matrix, batch: Batch
    ) -> Array:
        users = self._tower(weights, domain, shared)
        found = weights[f"{domain}.found"]
        return cosine_softmax(users, found, wanted, batch.rng, self.settings)


class MultiTaskModel(GradientModel):
    """The model can also be asked the other way round."""

    network: MultiTask

    def score_source(self, users: IntArray) -> FloatArray:
        """Score of every source item for training users, (n, n_source_items)."""
        train = self.train
        return self.network.source_scores(self.weights, train.source[users], train.target[users])


def uncertain(log_variance: Array, *losses: Array | None) -> Array:
    """Sum of exp(-s) L + s / 2 over tasks, s their log variances; a task may be missing."""
    return sum(
        (-spread).exp() * loss + spread / 2
        for spread, loss in zip(log_variance, losses, strict=True)
        if loss is not None
    )


def _memory(sizes: PairSizes, settings: MultiTaskSettings) -> int:
    items = sizes.source_items + sizes.target_items
    parameters = 2 * items * settings.factors + 3 * settings.factors**2
    return contest_memory(sizes, settings, parameters)


CARD = ModelCard(
    name="multi_task",
    title="Multi-task",
    family="Deep networks",
    line="One shared layer and a tower per domain learn both domains' tasks together.",
    paper="Kendall, Gal, Cipolla: Multi-task learning using uncertainty to weigh losses, CVPR "
    "2018; Caruana: Multitask learning, Machine Learning 1997",
    differs="The tasks are finding source items and finding target items, both classifications by "
    "softmax; fixed weights are the default.",
    when="When recommendations are wanted in both directions from one model.",
    words="The score is a cosine behind a network and not a sum. Each part is the score with the "
    "other domain's history silenced; parts are standardised per user before they are weighed.",
    settings=MultiTaskSettings,
    build=lambda settings: MultiTaskModel(MultiTask(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    gradient=True,
)
