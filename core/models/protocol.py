"""The promise every model keeps, and the card that says what a model is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.errors import RunError
from core.basics.progress import Progress
from core.basics.settings import Settings, Value
from core.basics.types import BoolArray, Contributions, DomainScores, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.data.snapshot import Split
from core.models.kernel.arrays import Array, Weights
from core.models.kernel.batches import Batch
from core.models.kernel.training_settings import ONES, weighted
from core.models.task import Task

TIMESTAMPS = "timestamps"  # what a model of sequences needs
ITEM_TEXT = "item text"  # what a model that reads titles needs
ATTRIBUTES = "item attributes"  # what a model of a knowledge graph needs
State = dict[str, np.ndarray]


class CrossDomainModel(Protocol):
    """A model that can be trained step by step, asked, explained, kept and brought back.

    A model sees training data only: who calls it evaluates validation after each yield, keeps the
    best state and decides when to stop. The last five are hooks: a model that extends this class
    and says nothing has what stands here.
    """

    settings: Any  # the model's own Settings class

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """Train; the model can be used after every yield."""
        ...

    def score(self, users: IntArray) -> DomainScores:
        """Both parts of the scores of training users."""
        ...

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Both parts for histories nobody trained on, (n_asked, n_items of the domain) each.

        Stored values are of the kind the model was trained on: ones (what a count weighs, for a
        model that was told to learn from counts), ratings, or places in time.
        """
        ...

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """What each history item, (1, n_items of the domain) each, adds to one item's score."""
        ...

    def vectors(self) -> Vectors | None:
        """Vectors for the map, None for a model that has none."""
        ...

    def state(self) -> State:
        """Everything learned, as named arrays."""
        ...

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state; arrays may be read-only and memory-mapped."""
        ...

    def score_own(self, users: IntArray) -> DomainScores:
        """The own score at least, for whoever does not look at parts; `score` where it costs all.

        It is asked after every epoch.
        """
        return self.score(users)

    def fit_dealt(
        self, train: DomainPair, deals: Sequence[IntArray], seed: int
    ) -> Iterator[CrossDomainModel] | None:
        """The model fitted on `train.with_source_of(givers)` for the givers of each deal.

        For a model that can keep what no deal changes; up to rounding each is what a fit of its
        own finds. None for one that has nothing to keep, whose fits are made one by one.
        """
        return None

    def go_on(self, epochs: int) -> Iterator[Progress]:
        """Train on after `fit_epochs` has ended, up to so many epochs in all; no more by default.

        The epochs are those that a fit of more epochs would have had.
        """
        return iter(())

    def findings(self) -> list[Finding]:
        """What the model found out about itself, asked once after the fit, at its best epoch."""
        return []

    @property
    def preparation(self) -> int:
        """Epochs before the model that is kept exists: they compete only with each other."""
        return 0

    @property
    def weighs_features(self) -> bool:
        """Whether it can weigh histories before they meet, by `score_weighted(...)`."""
        return False


class Resumable(Protocol):
    """What a gradient model also promises: go on from where it was killed."""

    device: str  # "auto", "cpu" or "cuda"

    def checkpoint(self) -> State:
        """State, optimiser, epoch and random generator after the last yield."""
        ...

    def resume(self, train: DomainPair, checkpoint: State) -> None:
        """Take up a checkpoint; the next fit_epochs goes on with the epoch after it."""
        ...


class Network(Protocol):
    """What is particular to one model trained by gradients; `GradientModel` does the rest.

    Weights are tensors while it trains, arrays afterwards. A network has the first five methods;
    all else are hooks: one that extends this class and says nothing has what stands here.
    """

    settings: Any
    has_base: ClassVar[bool] = False  # its answer to nobody is the base: parts are added to it
    adds_up: ClassVar[bool] = False  # its own score is the sum of the parts, not asked for again
    weighs_features: ClassVar[bool] = False  # it has `weighted_users`
    preparation: int = 0  # epochs before the model that is kept exists

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

    def batches(
        self, train: DomainPair, rng: np.random.Generator, epoch: int
    ) -> Iterator[Batch] | None:
        """What an epoch learns from; None for every user once, as the settings hide and add."""
        return None

    def after_step(self, weights: Weights) -> None:
        """Change the weights in place after a step, as a penalty without a slope at 0 asks."""
        return

    def finished(self, weights: State, epoch: int) -> State:
        """What is kept for asking, from all weights."""
        return weights

    def evidence(
        self, weights: State, source: csr_matrix, target: csr_matrix
    ) -> tuple[BoolArray, BoolArray]:
        """Whose histories say anything, (n,) each: those that hold an item."""
        return np.diff(source.indptr) > 0, np.diff(target.indptr) > 0

    def explain(
        self, weights: State, source_row: csr_matrix, target_row: csr_matrix, item: int
    ) -> Contributions | None:
        """What each history item adds; None for what the score loses when it is taken away."""
        return None

    def findings(self, weights: State, train: DomainPair) -> list[Finding]:
        """What the network says of itself after the fit."""
        return []

    def weighted_users(
        self,
        weights: Weights,
        source: csr_matrix,
        target: csr_matrix,
        of_source: FloatArray,
        of_target: FloatArray,
    ) -> Array:
        """`users` with what is read of either history times a weight, (n, 1) each."""
        raise RunError(
            what="This model does not weigh histories before they meet.",
            hint="Weigh its parts after training, or choose a model that fuses features.",
        )


@dataclass(frozen=True)
class Finding:
    """A figure a model found out about itself while training, for its run's record."""

    title: str  # such as "Mapping error"
    value: float
    help: str  # what it is, in which unit, and which way is better


def findings_of(model: CrossDomainModel) -> list[Finding]:
    """What a trained model found out about itself, finite figures only."""
    found = model.findings()
    return [replace(one, value=float(one.value)) for one in found if np.isfinite(one.value)]


@dataclass(frozen=True)
class PairSizes:
    """What a memory estimate needs to know about a pair."""

    users: int
    source_items: int
    target_items: int
    source_rows: int
    target_rows: int
    vector_width: int = 0  # numbers of an item's uploaded vector

    @classmethod
    def of(cls, pair: DomainPair) -> PairSizes:
        """Sizes of a pair as it is trained on."""
        items = len(pair.source_items), len(pair.target_items)
        rows = pair.source.nnz, pair.target.nnz
        return cls(len(pair.users), *items, *rows, max(pair.vector_widths))


@dataclass(frozen=True)
class ModelCard:
    """What a page, a table or the command line says about a model without loading it."""

    name: str  # as the command line spells it
    title: str
    family: str
    line: str  # one sentence: what it does
    paper: str
    differs: str  # where it differs from the paper, "" where it does not
    when: str  # when to use it
    words: str  # how its two parts come about, for the Fusion page
    settings: type[Settings]
    build: Callable[[Any], CrossDomainModel]  # settings -> model
    memory: Callable[[PairSizes, Any], int]  # sizes, settings -> bytes at the peak of a fit
    cross_domain: bool  # whether it uses the source at all
    has_twin: bool  # whether it has a target-only form
    additive: bool  # whether base + parts is exactly its own score
    fold_in: Literal["exact", "approximate", "none"]
    needs: tuple[str, ...] = ()  # "shared users", "timestamps", "item attributes", "ratings"
    gradient: bool = False  # trained by epochs on torch: curves, best epoch, resume
    task: Task = Task.RANKING
    source_speaks: bool = True  # False: the source shapes the model, a user's history there nothing
    new_items: bool = False  # whether it can tell items apart that nobody has in training
    factors_of_texts: bool = False  # its factors are read from texts: few users may have many
    presets: dict[str, dict[str, Value]] = field(default_factory=dict)  # "fast", "thorough"
    grid: dict[str, tuple[Value, ...]] = field(default_factory=dict)  # what a small search tries

    def pair_of(self, split: Split, counts: str = ONES) -> DomainPair:
        """What the model is trained on: the split's ones, its ratings, or its order in time.

        counts: what the model's settings make of them; ones become what they weigh.
        """
        if TIMESTAMPS in self.needs:
            return split.timed
        if self.task.rates:
            return split.rated.train
        return weighted(split.train, counts)
