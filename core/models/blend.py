"""A blend: two trained models asked together, their scores made comparable and added up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.errors import RunError
from core.basics.progress import Progress
from core.basics.scores import Contributions, DomainScores, FloatArray, IntArray
from core.basics.settings import Settings, setting
from core.data.pair import DomainPair
from core.models.protocol import CrossDomainModel, State

SUM, PRODUCT, STACKING = KINDS = ("sum", "product", "stacking")
MEMBERS = ("first", "second")  # what a member's arrays are called by in the blend's state


@dataclass(frozen=True)
class BlendSettings(Settings):
    """How two models become one; found after training, on validation users."""

    kind: str = setting(
        SUM, choices=KINDS,
        help="Add standard scores (sum), multiply their sigmoids (product), or weigh own scores "
        "and parts as learned on validation users (stacking).",
    )  # fmt: skip
    weight: float = setting(
        0.5, low=0.0, high=1.0,
        help="What the first run counts; the second counts the rest. Stacking learns its own.",
    )  # fmt: skip


class Blend:
    """Per user, both members' scores as standard scores over all items, times coefficients.

    coefficients: (2, 3), a row per member: of its own score, its source part, its target part.
    Sum and product use the first column alone: weight and 1 - weight (Burke 2002, sec. 2.1;
    Jahrer et al. 2010, sec. 4). Stacking has six of them (Wolpert 1992). A part of the blend is
    what it says with the other domain silenced, so the parts do not sum to the own score.
    """

    coefficients: FloatArray

    def __init__(self, settings: BlendSettings, members: Sequence[CrossDomainModel]) -> None:
        self.settings = settings
        self.first, self.second = members
        self.coefficients = simple_coefficients(settings.weight)

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """Refused with RunError: the members are trained, a blend is made of them."""
        raise RunError(
            what="A blend is not trained.",
            hint="Train two runs on one split and blend them.",
        )

    def score(self, users: IntArray) -> DomainScores:
        """Both parts and the own score of training users."""
        return self._combined(self.first.score(users), self.second.score(users))

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """The same for any histories; as exact as the less exact member."""
        rows = source_rows, target_rows
        return self._combined(self.first.fold_in(*rows), self.second.fold_in(*rows))

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Both members' amounts in the blend's units: over the spread of the member's part.

        What standardising takes off every item alike is nobody's amount. Under a product they
        are times the slope of log sigmoid at the item.
        """
        source, target = np.zeros(source_row.nnz), np.zeros(target_row.nnz)
        for member, (own, of_source, of_target) in zip(
            (self.first, self.second), self.coefficients, strict=True
        ):
            said = member.explain(source_row, target_row, item)
            scores = member.fold_in(source_row, target_row)
            by_source = (own + of_source) * self._unit(scores.source[0], item)
            by_target = (own + of_target) * self._unit(scores.target[0], item)
            source += by_source * _in_order(source_row, said.source_items, said.source_amounts)
            target += by_target * _in_order(target_row, said.target_items, said.target_amounts)
        return Contributions(source_row.indices, source, target_row.indices, target)

    def vectors(self) -> None:
        """None: the members' vectors live in spaces of their own."""

    def state(self) -> State:
        """Everything both members learned, and the coefficients."""
        kept = {"coefficients": self.coefficients}
        for name, member in zip(MEMBERS, (self.first, self.second), strict=True):
            kept |= {f"{name}.{key}": array for key, array in member.state().items()}
        return kept

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state, member by member."""
        self.coefficients = np.array(state["coefficients"])
        for name, member in zip(MEMBERS, (self.first, self.second), strict=True):
            start = f"{name}."
            inner = {key.removeprefix(start): state[key] for key in state if key.startswith(start)}
            member.restore(train, inner)

    def _combined(self, first: DomainScores, second: DomainScores) -> DomainScores:
        kind = self.settings.kind
        both = Comparable.of(first, kind), Comparable.of(second, kind)
        return combined(both[0], both[1], self.coefficients)

    def _unit(self, part: FloatArray, item: int) -> float:
        """What one point of a member's part is worth in the blend, near this item."""
        spread = float(part.std(dtype=np.float64))
        if not part.min() < part.max():
            return 0.0
        if self.settings.kind != PRODUCT:
            return 1 / spread
        standard = (float(part[item]) - float(part.mean(dtype=np.float64))) / spread
        return 1 / spread / (1 + np.exp(standard))


@dataclass(frozen=True)
class Comparable:
    """One member's own score and parts on the scale both members share, (n_asked, n_items)."""

    own: FloatArray
    source: FloatArray
    target: FloatArray
    scores: DomainScores

    @classmethod
    def of(cls, scores: DomainScores, kind: str) -> Comparable:
        """Standard scores per user, through log sigmoid for a product.

        A member without evidence about a user speaks by its base, and that is silence for all
        models but popularity.
        """
        own = np.where(scores.has_evidence[:, None], scores.own_scores(), scores.base)
        source, target = _scaled(scores.source, kind), _scaled(scores.target, kind)
        return cls(_scaled(own, kind), source, target, scores)


def combined(first: Comparable, second: Comparable, coefficients: FloatArray) -> DomainScores:
    """Own score and both parts of a blend with these (2, 3) coefficients."""
    own, source, target = (np.zeros_like(first.own) for _ in range(3))
    for member, row in ((first, coefficients[0]), (second, coefficients[1])):
        by_own, by_source, by_target = (np.float32(weight) for weight in row)
        own += by_own * member.own
        if by_source or by_target:
            own += by_source * member.source + by_target * member.target
        source += (by_own + by_source) * member.source
        target += (by_own + by_target) * member.target
    has_source = first.scores.has_source | second.scores.has_source
    has_target = first.scores.has_target | second.scores.has_target
    nothing = np.zeros((len(has_source), 1), dtype=np.float32)
    return DomainScores(source, target, nothing, own, has_source, has_target)


def simple_coefficients(weight: float) -> FloatArray:
    """(2, 3): the first member's own score times weight, the second's times 1 - weight."""
    return np.array([[weight, 0, 0], [1 - weight, 0, 0]], dtype=np.float32)


def _scaled(values: FloatArray, kind: str) -> FloatArray:
    """Standard scores of each row, float32; a row that says the same of every item becomes 0."""
    if not values.shape[1]:
        return np.asarray(values, dtype=np.float32)
    says = (values.min(axis=1) < values.max(axis=1))[:, None]
    spread = values.std(axis=1, keepdims=True, dtype=np.float64)
    centred = values - values.mean(axis=1, keepdims=True, dtype=np.float64)
    standard = np.where(says, centred / np.where(says & (spread > 0), spread, 1.0), 0.0)
    if kind == PRODUCT:
        standard = np.where(says, _log_sigmoid(standard), 0.0)
    return standard.astype(np.float32)


def _log_sigmoid(values: FloatArray) -> FloatArray:
    return np.minimum(values, 0.0) - np.log1p(np.exp(-np.abs(values)))


def _in_order(row: csr_matrix, items: IntArray, amounts: FloatArray) -> FloatArray:
    """The amounts in the order of the row's own items, (nnz,)."""
    by_item = np.zeros(row.shape[1])
    by_item[items] = amounts
    return by_item[row.indices]
