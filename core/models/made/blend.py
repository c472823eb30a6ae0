"""A blend: two trained models asked together, their scores made comparable and added up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.errors import RunError
from core.basics.progress import Progress
from core.basics.settings import Settings, setting
from core.basics.types import BoolArray, Contributions, DomainScores, FloatArray, IntArray
from core.data.pair import DomainPair
from core.models.protocol import CrossDomainModel, State

SUM, PRODUCT, STACKING = KINDS = ("sum", "product", "stacking")
MEMBERS = ("first", "second")  # what a member's arrays are called by in the blend's state


@dataclass(frozen=True)
class BlendSettings(Settings):
    """How two models become one; found after training, on validation users."""

    kind: str = setting(
        SUM,
        choices=KINDS,
        help="Add standard scores (sum), multiply their sigmoids (product), or weigh own scores "
        "and parts as learned on validation users (stacking).",
    )
    weight: float = setting(
        0.5,
        low=0.0,
        high=1.0,
        help="What the first run counts; the second counts the rest. Stacking learns its own.",
    )


class Blend(CrossDomainModel):
    """Both members' scores, comparable per user, times coefficients.

    coefficients: (2, 3), a row per member: of its own score, its source part, its target part.
    Sum and product use the first column alone: weight and 1 - weight (Burke 2002, sec. 2.1;
    Jahrer et al. 2010, sec. 4). Stacking has six of them (Wolpert 1992). A sum or a stacking of
    additive members is additive too; any other blend's parts are what it says with the other
    domain silenced.
    """

    coefficients: FloatArray

    def __init__(
        self,
        settings: BlendSettings,
        members: Sequence[CrossDomainModel],
        ordered: Sequence[bool] = (False, False),
    ) -> None:
        """ordered: which member reads histories in time order, places in time for values."""
        self.settings = settings
        self.first, self.second = members
        self.ordered = tuple(ordered)
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
        first, second = (self._rows(place, source_rows, target_rows) for place in (0, 1))
        return self._combined(self.first.fold_in(*first), self.second.fold_in(*second))

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Both members' amounts in the units of the blend's parts; exact where it is additive.

        Under a product they are times the slope of log sigmoid at the item.
        """
        source, target = np.zeros(source_row.nnz), np.zeros(target_row.nnz)
        for place, member in enumerate((self.first, self.second)):
            own, of_source, of_target = self.coefficients[place]
            rows = self._rows(place, source_row, target_row)
            said = member.explain(*rows, item)
            by_source, by_target = self._units(member.fold_in(*rows), item)
            by_source, by_target = (own + of_source) * by_source, (own + of_target) * by_target
            source += by_source * _in_order(source_row, said.source_items, said.source_amounts)
            target += by_target * _in_order(target_row, said.target_items, said.target_amounts)
        return Contributions(source_row.indices, source, target_row.indices, target)

    def vectors(self) -> None:
        """None: the members' vectors live in spaces of their own."""

    def state(self) -> State:
        """Everything both members learned, and the coefficients."""
        kept = {"coefficients": self.coefficients}
        for name, member in zip(MEMBERS, (self.first, self.second), strict=True):
            kept |= state_of(member, name)
        return kept

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state, member by member."""
        self.coefficients = np.array(state["coefficients"])
        for place, member in enumerate((self.first, self.second)):
            source, target = self._rows(place, train.source, train.target)
            member.restore(
                replace(train, source=source, target=target), state_for(state, MEMBERS[place])
            )

    def _rows(
        self, place: int, source: csr_matrix, target: csr_matrix
    ) -> tuple[csr_matrix, csr_matrix]:
        return as_read(self.ordered, place, source, target)

    def _combined(self, first: DomainScores, second: DomainScores) -> DomainScores:
        kind = self.settings.kind
        both = Comparable.of(first, kind), Comparable.of(second, kind)
        return combined(both[0], both[1], self.coefficients)

    def _units(self, scores: DomainScores, item: int) -> tuple[float, float]:
        """What one point of a member's source and target part is worth in the blend."""
        if self.settings.kind != PRODUCT:
            unit = float(_units(_own(scores))[0, 0])
            return unit, unit
        return _slope(scores.source, item), _slope(scores.target, item)


@dataclass(frozen=True)
class Comparable:
    """One member's scores on the scale both members share, (n_asked, n_items) each.

    base broadcasts to that shape; additive: whether own is base + source + target.
    """

    own: FloatArray
    source: FloatArray
    target: FloatArray
    base: FloatArray
    scores: DomainScores
    additive: bool

    @classmethod
    def of(cls, scores: DomainScores, kind: str) -> Comparable:
        """Everything in units of the spread of the user's own scores over all items.

        What a standard score also takes away, the mean, is the same for all items of a user and
        changes no list. A product takes log sigmoids of standard scores.
        """
        own = _own(scores)
        if kind == PRODUCT:
            parts = [_log_sigmoids(values) for values in (own, scores.source, scores.target)]
            nothing = np.zeros((len(own), 1), dtype=np.float32)
            return cls(parts[0], parts[1], parts[2], nothing, scores, additive=False)
        unit = _units(own)
        source, target, base = scores.source * unit, scores.target * unit, scores.base * unit
        return cls(own * unit, source, target, base, scores, additive=scores.own is None)


def combined(first: Comparable, second: Comparable, coefficients: FloatArray) -> DomainScores:
    """Own score and both parts of a blend with these (2, 3) coefficients."""
    (a, b), (x, y) = (first, second), np.asarray(coefficients, dtype=np.float32)
    own = None
    if not (a.additive and b.additive):
        own = x[0] * a.own + y[0] * b.own
        if x[1:].any() or y[1:].any():
            own += x[1] * a.source + x[2] * a.target + y[1] * b.source + y[2] * b.target
    return DomainScores(
        source=(x[0] + x[1]) * a.source + (y[0] + y[1]) * b.source,
        target=(x[0] + x[2]) * a.target + (y[0] + y[2]) * b.target,
        base=x[0] * a.base + y[0] * b.base,
        own=own,
        has_source=a.scores.has_source | b.scores.has_source,
        has_target=a.scores.has_target | b.scores.has_target,
    )


def simple_coefficients(weight: float) -> FloatArray:
    """(2, 3): the first member's own score times weight, the second's times 1 - weight."""
    return np.array([[weight, 0, 0], [1 - weight, 0, 0]], dtype=np.float32)


# What every model made of models does: its members' arrays in one state, and their histories.


def state_of(member: CrossDomainModel, name: str) -> State:
    """Everything the member learned, under its name."""
    return {f"{name}.{key}": array for key, array in member.state().items()}


def state_for(state: State, name: str) -> State:
    """What stands in the state under a member's name, as the member calls it."""
    start = f"{name}."
    return {key.removeprefix(start): state[key] for key in state if key.startswith(start)}


def as_read(
    ordered: Sequence[bool], place: int, source: csr_matrix, target: csr_matrix
) -> tuple[csr_matrix, csr_matrix]:
    """Histories as a member reads them: places in time mean nothing to most models.

    ordered: by member, whether it reads histories in time order; where one does, the given values
    are places in time.
    """
    if ordered[place] or not any(ordered):
        return source, target
    return _ones(source), _ones(target)


def _own(scores: DomainScores) -> FloatArray:
    """A member's own scores; its base where it has no evidence about the user.

    That is silence for every model but popularity.
    """
    if scores.own is None:
        return np.broadcast_to(scores.own_scores(), scores.source.shape)
    return np.where(scores.has_evidence[:, None], scores.own, scores.base)


def _units(values: FloatArray) -> FloatArray:
    """1 over the standard deviation of each row, (rows, 1) float32; 0 where all are the same."""
    if not values.shape[1]:
        return np.zeros((len(values), 1), dtype=np.float32)
    spread = values.std(axis=1, keepdims=True, dtype=np.float64)
    says = (values.min(axis=1) < values.max(axis=1))[:, None] & (spread > 0)
    return np.where(says, 1 / np.where(says, spread, 1), 0).astype(np.float32)


def _log_sigmoids(values: FloatArray) -> FloatArray:
    """log sigmoid of each row's standard scores, float32; 0 where a row says nothing."""
    units = _units(values).astype(np.float64)
    mean = values.mean(axis=1, keepdims=True, dtype=np.float64) if values.shape[1] else 0.0
    standard = (values - mean) * units
    logs = np.minimum(standard, 0.0) - np.log1p(np.exp(-np.abs(standard)))
    return np.where(units > 0, logs, 0.0).astype(np.float32)


def _slope(part: FloatArray, item: int) -> float:
    """What one point of a part, (1, n_items), adds to its log sigmoid at the item."""
    unit = float(_units(part)[0, 0])
    standard = (float(part[0, item]) - float(part.mean(dtype=np.float64))) * unit
    return unit / (1 + float(np.exp(standard)))


def _ones(rows: csr_matrix) -> csr_matrix:
    """The same interactions with ones for values."""
    ones = np.ones(rows.nnz, dtype=np.float32)
    return csr_matrix((ones, rows.indices, rows.indptr), shape=rows.shape)


def _in_order(row: csr_matrix, items: IntArray, amounts: FloatArray) -> FloatArray:
    """The amounts in the order of the row's own items, (nnz,)."""
    by_item = np.zeros(row.shape[1])
    by_item[items] = amounts
    return by_item[row.indices]


# Stacking: how much each of a few scores should count, learned from what users went on to take.

RIDGE = 0.01  # on the squared weights, beside the mean loss of a user


def stacked_weights(
    features: Sequence[FloatArray], liked: Sequence[BoolArray], ridge: float = RIDGE
) -> FloatArray:
    """Weights, (n_features,) none below 0, under which liked items come out on top.

    features: per user (n_shown, n_features), liked: per user (n_shown,); users without a liked
    item or without another one teach nothing. Minimises the mean over users of the cross-entropy
    between their liked items and softmax of the weighted sum (Cao et al. 2007, ListNet, eq. 4)
    plus ridge: a stacked generalization (Wolpert 1992) with weights that may not oppose
    (Breiman 1996). Equal features share their weight. Nobody to learn from gives equal weights.
    """
    from scipy.optimize import minimize

    n_features = features[0].shape[1] if features else 0
    told = [(f, y) for f, y in zip(features, liked, strict=True) if y.any() and not y.all()]
    if not told:
        return np.ones(n_features) / max(1, n_features)
    table = np.concatenate([shown for shown, _ in told]).astype(np.float64)
    starts = np.cumsum([0, *(len(shown) for shown, _ in told[:-1])])
    lengths = np.diff([*starts, len(table)])
    wanted = np.concatenate([y / y.sum() for _, y in told])  # sums to 1 for each user

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        scores = table @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, starts), lengths)
        chances = np.exp(scores)
        sums = np.add.reduceat(chances, starts)
        chances /= np.repeat(sums, lengths)
        cross_entropy = np.log(sums).sum() - wanted @ scores
        slope = table.T @ (chances - wanted)
        return (
            cross_entropy / len(told) + ridge * float(weights @ weights),
            slope / len(told) + 2 * ridge * weights,
        )

    start = np.full(n_features, 1 / n_features)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * n_features)
    return np.asarray(found.x)
