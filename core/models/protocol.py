"""The promise every model keeps, and the card that says what a model is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.progress import Progress
from core.basics.settings import Settings, Value
from core.basics.types import Contributions, DomainScores, IntArray, Vectors
from core.data.pair import DomainPair
from core.data.snapshot import Split
from core.models.kernel.training_settings import ONES, weighted
from core.models.task import Task

TIMESTAMPS = "timestamps"  # what a model of sequences needs
ITEM_TEXT = "item text"  # what a model that reads titles needs
ATTRIBUTES = "item attributes"  # what a model of a knowledge graph needs
State = dict[str, np.ndarray]


class CrossDomainModel(Protocol):
    """A model that can be trained step by step, asked, explained, kept and brought back.

    A model sees training data only: who calls it evaluates validation after each yield, keeps the
    best state and decides when to stop.
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


class Resumable(Protocol):
    """What a gradient model also promises: go on from where it was killed."""

    device: str  # "auto", "cpu" or "cuda"

    def checkpoint(self) -> State:
        """State, optimiser, epoch and random generator after the last yield."""
        ...

    def resume(self, train: DomainPair, checkpoint: State) -> None:
        """Take up a checkpoint; the next fit_epochs goes on with the epoch after it."""
        ...


@dataclass(frozen=True)
class Finding:
    """A figure a model found out about itself while training, for its run's record."""

    title: str  # such as "Mapping error"
    value: float
    help: str  # what it is, in which unit, and which way is better


def findings_of(model: CrossDomainModel) -> list[Finding]:
    """What a trained model found out about itself, finite figures only.

    A model that has something to say has a method `findings() -> list[Finding]`, asked once after
    the fit, when it stands at its best epoch on its training data.
    """
    found: list[Finding] = getattr(model, "findings", list)()
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
