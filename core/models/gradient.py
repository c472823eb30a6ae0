"""Models that are networks over both histories: trained by epochs on torch, asked as plain arrays.

A network says what is particular to one model; everything else is here once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from scipy.sparse import csr_matrix, vstack

from core.basics.progress import Progress
from core.basics.types import BoolArray, Contributions, DomainScores, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.arrays import Array, Weights
from core.models.batches import Batch, leave_one_out, user_batches
from core.models.protocol import Finding, PairSizes, State
from core.models.pseudo_labels import pseudo_labels

AVERAGE = "average."  # prefix of averaged weights in a checkpoint
TORCH = 400 * 2**20  # bytes that loading torch takes


class Network(Protocol):
    """What is particular to one model; weights are tensors while it trains, arrays afterwards."""

    settings: Any

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """First weights by name; may raise RunError where the pair cannot carry the model."""
        ...

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Mean loss of a batch, a number that gradients flow from; weights are tensors."""
        ...

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """What the histories say about each user, (n, …); who: numbers of training users.

        who is None for strangers and wherever a part is asked for: nothing that was trained for
        one user alone may then be used.
        """
        ...

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Score of the target items, (n, n_target_items), or of some of them."""
        ...

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors | None:
        """Vectors for the map, where items and users have any."""
        ...


class GradientModel:
    """A network that keeps the promise of a model.

    Parts are the network's scores with the other domain's history silenced; a part without
    evidence is 0. Of a network with `has_base = True`, such as one of ratings, the answer to nobody
    is the base, and parts are what a history adds to it. Of one with `adds_up = True` the own score
    is the sum of the parts, and is not asked for again.
    """

    train: DomainPair
    weights: State
    device: str = "auto"
    _steps: Any = None
    _resumed: State | None = None

    def __init__(self, network: Network) -> None:
        self.network, self.settings = network, network.settings

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """One pass over all users per epoch; RunError where the loss diverges.

        Chance depends on seed and epoch alone, so an epoch after a resume is the one that would
        have been.
        """
        from core.models.gradient_training import Steps, one_epoch

        start = self.network.start(train, np.random.default_rng(seed))
        self.train = train
        self._steps = steps = Steps(start, self.settings, self.device, self._resumed)
        self._resumed = None
        while steps.epoch < self.settings.epochs:
            loss = one_epoch(steps, self.network, self._batches(seed, steps.epoch + 1))
            self.weights = self._finished(steps.averaged(), steps.epoch)
            yield Progress(done=steps.epoch, total=self.settings.epochs, loss=loss)

    def score(self, users: IntArray) -> DomainScores:
        """Both parts by silencing the other history, and the network's own score."""
        return self._scores(self.train.source[users], self.train.target[users], users)

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """The same for histories nobody trained on."""
        return self._scores(source_rows, target_rows, None)

    def score_own(self, users: IntArray) -> DomainScores:
        """The own score alone, for whoever watches a training: a third of the work."""
        source, target = self.train.source[users], self.train.target[users]
        own = self._own(source, target, users)
        return DomainScores(own, own, self._base(), own, *self._evidence(source, target))

    def score_weighted(
        self, source: csr_matrix, target: csr_matrix, alpha: float, beta: float
    ) -> FloatArray:
        """Own scores, (n, n_target_items), with what is read of each history weighed first.

        Feature-level fusion: alpha phi_source(h_s) and beta phi_target(h_t) enter the head. A
        history that stands alone counts in full. Only networks with `weighted_users` have it.
        """
        has_source, has_target = np.diff(source.indptr) > 0, np.diff(target.indptr) > 0
        of_source = np.where(has_target, alpha, 1.0).astype(np.float32)[:, None]
        of_target = np.where(has_source, beta, 1.0).astype(np.float32)[:, None]
        asked = self.network.weighted_users  # type: ignore[attr-defined]
        users = asked(self.weights, source, target, of_source, of_target)
        return np.asarray(self.network.scores(self.weights, users, None), dtype=np.float32)

    @property
    def weighs_features(self) -> bool:
        """Whether `score_weighted` can be asked."""
        return hasattr(self.network, "weighted_users")

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """What the item's score loses when one history item is taken away, for each of them.

        A network that knows better has `explain(weights, source_row, target_row, item)`.
        """
        if (asked := getattr(self.network, "explain", None)) is not None:
            exact: Contributions = asked(self.weights, source_row, target_row, item)
            return exact
        amounts = []
        for row, is_source in ((source_row, True), (target_row, False)):
            without = leave_one_out(row)
            other = vstack([target_row if is_source else source_row] * (len(row.indices) + 1))
            histories = (without, other.tocsr()) if is_source else (other.tocsr(), without)
            scores = self._own(*histories, None, np.array([item]))[:, 0]
            amounts.append(scores[-1] - scores[:-1])
        return Contributions(source_row.indices, amounts[0], target_row.indices, amounts[1])

    def vectors(self) -> Vectors | None:
        """Vectors for the map, where the network has any."""
        return self.network.vectors(self.weights, self.train)

    def findings(self) -> list[Finding]:
        """What the network says of itself by `findings(weights, train)`, where it has that."""
        asked = getattr(self.network, "findings", None)
        found: list[Finding] = [] if asked is None else asked(self.weights, self.train)
        return found

    def state(self) -> State:
        """The network's weights."""
        return dict(self.weights)

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        self.train, self.weights = train, dict(state)

    def checkpoint(self) -> State:
        """Weights, optimiser and epoch after the last yield."""
        assert self._steps is not None, "a checkpoint is taken while training"
        kept: State = self._steps.checkpoint()
        return kept

    def resume(self, train: DomainPair, checkpoint: State) -> None:
        """Take up a checkpoint; the next fit_epochs goes on with the epoch after it."""
        start = self.network.start(train, np.random.default_rng(0))
        weights = {name: checkpoint.get(AVERAGE + name, checkpoint[name]) for name in start}
        self.restore(train, self._finished(weights, int(checkpoint["epoch"][0])))
        self._resumed = checkpoint

    @property
    def preparation(self) -> int:
        """Epochs before the model that is kept exists: the network's own, where it has any."""
        return int(getattr(self.network, "preparation", 0))

    def _finished(self, weights: State, epoch: int) -> State:
        """What is kept for asking: the network's `finished(weights, epoch)`, or all weights."""
        finished = getattr(self.network, "finished", None)
        return weights if finished is None else finished(weights, epoch)

    def _batches(self, seed: int, epoch: int) -> Iterator[Batch]:
        """The network's own `batches(train, rng, epoch)`, or every user once."""
        settings, pseudo = self.settings, None
        if (drawn := getattr(self.network, "batches", None)) is not None:
            own: Iterator[Batch] = drawn(self.train, np.random.default_rng([seed, epoch]), epoch)
            return own
        if (added := getattr(settings, "pseudo_labels", 0)) and epoch > 1:
            pseudo = pseudo_labels(self.train, self, added)
        return user_batches(
            self.train,
            pseudo,
            np.random.default_rng([seed, epoch]),
            epoch,
            size=settings.batch_size,
            interaction_dropout=settings.interaction_dropout,
            history_dropout=settings.history_dropout,
        )

    def _evidence(self, source: csr_matrix, target: csr_matrix) -> tuple[BoolArray, BoolArray]:
        """Whose histories say anything: the network's own `evidence`, or all that hold an item."""
        if (asked := getattr(self.network, "evidence", None)) is not None:
            own: tuple[BoolArray, BoolArray] = asked(self.weights, source, target)
            return own
        return np.diff(source.indptr) > 0, np.diff(target.indptr) > 0

    def _scores(self, source: csr_matrix, target: csr_matrix, who: IntArray | None) -> DomainScores:
        has_source, has_target = self._evidence(source, target)
        base = self._base()
        from_source = (self._own(source, _emptied(target), None) - base) * has_source[:, None]
        from_target = (self._own(_emptied(source), target, None) - base) * has_target[:, None]
        if getattr(self.network, "adds_up", False):
            return DomainScores.ranking(from_source, from_target, has_source, has_target)
        own = self._own(source, target, who)
        return DomainScores(from_source, from_target, base, own, has_source, has_target)

    def _base(self) -> FloatArray:
        """(1, n_target_items) answer to nobody; (1, 1) of 0 where that means nothing."""
        if not getattr(self.network, "has_base", False):
            return np.zeros((1, 1), dtype=np.float32)
        return self._own(_emptied(self.train.source[:1]), _emptied(self.train.target[:1]), None)

    def _own(
        self,
        source: csr_matrix,
        target: csr_matrix,
        who: IntArray | None,
        items: IntArray | None = None,
    ) -> FloatArray:
        users = self.network.users(self.weights, source, target, who)
        return np.asarray(self.network.scores(self.weights, users, items), dtype=np.float32)


def gradient_memory(sizes: PairSizes, parameters: int, cells_per_user: int, batch: int) -> int:
    """Bytes at the peak of a fit: torch, weights with Adam's moments, one batch both ways."""
    rows = 8 * 4 * (sizes.source_rows + sizes.target_rows)
    return TORCH + 6 * 4 * parameters + 3 * 4 * batch * cells_per_user + rows


def _emptied(rows: csr_matrix) -> csr_matrix:
    return csr_matrix(rows.shape, dtype=np.float32)
