"""What some points of a map have that the others have not, and what to call groups of points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, diags, vstack

from core.basics.types import BoolArray, FloatArray, IntArray
from core.data.knowledge import compared, item_categories
from core.data.pair import DomainPair
from core.embedding.maps import Points
from core.models.text.words import words_of

CATEGORY, WORD, DOMAIN = "category", "word", "domain"  # what a point has or has not
POPULARITY, ACTIVITY, LIFT = "popularity", "activity", "lift"  # what it has more or less of
FEWEST = 3  # points that have it, below which nothing is said
SURE = 3.0  # standard errors: dozens of things are looked at, and the points were picked by eye
MOST_WORDS = 2_000  # the most frequent ones


@dataclass(frozen=True)
class Marks:
    """What of one kind each point has, such as categories.

    has: (n_points, n_names), 1 or 0 for items, for a user the share of the history that has it.
    known: (n_points,) whether anything of the kind is known of the point.
    """

    kind: str
    names: Sequence[str]
    has: csr_matrix
    known: BoolArray


@dataclass(frozen=True)
class Amount:
    """How much of something each point has, (n_points,); NaN where that is not known."""

    kind: str
    values: FloatArray


@dataclass(frozen=True)
class Facts:
    """Everything that is known of the points of a map."""

    marks: tuple[Marks, ...]
    amounts: tuple[Amount, ...]


@dataclass(frozen=True)
class Trait:
    """One thing in which some points differ from all others.

    here, elsewhere: share of the points that have it; of an amount the median, of lift the mean.
    n_here, n_elsewhere: of how many points it is known. effect: the difference in standard
    deviations, Cohen's h of shares and d of amounts (Cohen 1988, ch. 6 and 2), the latter from the
    chance that a point here has more than one elsewhere, so that no single large value rules it.
    """

    kind: str
    name: str  # "" for amounts
    here: float
    elsewhere: float
    n_here: int
    n_elsewhere: int
    effect: float


def distinct(facts: Facts, chosen: BoolArray) -> list[Trait]:
    """In what the chosen points differ from all others beyond chance, the largest effect first.

    Differences below three standard errors are left out, and what fewer than three points have.
    """
    found = [trait for marks in facts.marks for trait in _of_marks(marks, chosen)]
    found += [trait for amount in facts.amounts for trait in _of_amount(amount, chosen)]
    return sorted(found, key=lambda trait: -abs(trait.effect))


def _of_marks(marks: Marks, chosen: BoolArray) -> list[Trait]:
    inside, outside = chosen & marks.known, ~chosen & marks.known
    n, m = int(inside.sum()), int(outside.sum())
    if not n or not m or not len(marks.names):
        return []
    with_it, without = (
        np.asarray(marks.has[np.flatnonzero(rows)].sum(axis=0)).ravel()
        for rows in (inside, outside)
    )
    here, elsewhere = with_it / n, without / m
    pooled = (with_it + without) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    effect = 2 * np.arcsin(np.sqrt(np.clip(here, 0, 1)))
    effect -= 2 * np.arcsin(np.sqrt(np.clip(elsewhere, 0, 1)))
    enough = np.maximum(with_it, without) >= FEWEST
    sure = enough & (np.abs(here - elsewhere) >= SURE * error) & (error > 0)
    return [
        Trait(
            marks.kind,
            marks.names[place],
            float(here[place]),
            float(elsewhere[place]),
            n,
            m,
            float(effect[place]),
        )
        for place in np.flatnonzero(sure).tolist()
    ]


def _of_amount(amount: Amount, chosen: BoolArray) -> list[Trait]:
    known = np.isfinite(amount.values)
    here, elsewhere = amount.values[chosen & known], amount.values[~chosen & known]
    n, m = len(here), len(elsewhere)
    if n < FEWEST or m < FEWEST:
        return []
    ranks = pd.Series(np.concatenate([here, elsewhere])).rank().to_numpy()
    more = (ranks[:n].sum() - n * (n + 1) / 2) / (n * m)  # chance that one here has more, ties half
    if abs(more - 0.5) < SURE * np.sqrt((n + m + 1) / (12 * n * m)):
        return []
    middle = np.mean if amount.kind == LIFT else np.median
    effect = np.sqrt(2) * NormalDist().inv_cdf(float(np.clip(more, 1e-4, 1 - 1e-4)))
    return [
        Trait(amount.kind, "", float(middle(here)), float(middle(elsewhere)), n, m, float(effect))
    ]


# Names of groups, from what they have more of than the rest has.

TELLING = {CATEGORY: 0.3, WORD: 0.5, DOMAIN: 0.5, POPULARITY: 0.5, ACTIVITY: 0.5}  # least effect
SECOND = 0.7  # of what the first category tells, from which a second one is named too
SINGLE = 0.5  # share of a group from which one category says enough
MIXED = "Mixed"


def group_names(facts: Facts, group: IntArray) -> list[str]:
    """What to call each group, no two alike: a category, else what else sets it most apart.

    group: (n_points,) number of each point's group, negative for none. Where several groups would
    have one name, that which it tells most of gets it. Groups that nothing tells apart are
    "Mixed", "Mixed 2", ….
    """
    traits = [distinct(facts, group == number) for number in range(int(group.max(initial=-1)) + 1)]
    offered = [
        (trait.kind != CATEGORY, -_tells(trait), number, trait)
        for number, found in enumerate(traits)
        for trait in found
        if abs(trait.effect) >= TELLING.get(trait.kind, np.inf)
        and (trait.effect > 0 or trait.kind in (POPULARITY, ACTIVITY))
    ]
    chosen: dict[int, Trait] = {}
    taken: set[str] = set()
    for *_, number, trait in sorted(offered, key=lambda offer: offer[:3]):
        name = _called(trait)
        if number not in chosen and compared(name) not in taken:
            chosen[number] = trait
            taken.add(compared(name))
    names, mixed = [], 0
    for number, found in enumerate(traits):
        if number in chosen:
            names.append(" · ".join([_called(chosen[number]), *_second(chosen[number], found)]))
        else:
            mixed += 1
            names.append(MIXED if mixed == 1 else f"{MIXED} {mixed}")
    return names


def _tells(trait: Trait) -> float:
    """How much a trait tells of a group: of a name its bits over the rest, p log2(p / q).

    So a rare kind that fills a group goes before the wide one that it is a part of.
    """
    if not trait.name:
        return abs(trait.effect)
    rest = (trait.elsewhere * trait.n_elsewhere + 0.5) / (trait.n_elsewhere + 1)
    return float(trait.here * np.log2(max(trait.here, 1e-9) / rest))


def _called(trait: Trait) -> str:
    if trait.kind == POPULARITY:
        return "Much taken" if trait.effect > 0 else "Rarely taken"
    if trait.kind == ACTIVITY:
        return "Active people" if trait.effect > 0 else "Quiet people"
    return f"Mostly {trait.name}" if trait.kind == DOMAIN else trait.name


def _second(first: Trait, found: list[Trait]) -> list[str]:
    """A second category that tells nearly as much of the group, where the first names half of it.

    A group that is nearly all of one category needs no second one.
    """
    if first.kind != CATEGORY or first.here > SINGLE:
        return []
    near = [
        (-_tells(other), other.name)
        for other in found
        if other.kind == CATEGORY and other is not first and other.effect > 0
        if _tells(other) >= SECOND * _tells(first)
    ]
    return [name for _, name in sorted(near)[:1]]


# The facts themselves, from a pair.


def facts_of_points(
    points: Points, train: DomainPair, domains: Sequence[str], lift: FloatArray | None
) -> Facts:
    """Categories, words of titles, domain, popularity, activity and lift of a map's points.

    A user has of each category the share that it has of the history in the point's domain.
    domains: what source and target are called. lift: (n_points,) or None.
    """
    everywhere = np.ones(len(points), dtype=bool)
    both = csr_matrix(np.column_stack([points.is_source, ~points.is_source]).astype(np.float64))
    marks = [
        _categories_of(points, train),
        _words_of(points, train),
        Marks(DOMAIN, list(domains), both, everywhere),
    ]
    taken = np.zeros(len(points))
    for rows, is_item, is_source in _groups(points):
        matrix = train.source if is_source else train.target
        taken[rows] = np.diff(matrix.tocsc().indptr if is_item else matrix.indptr)[
            points.numbers[rows]
        ]
    amounts = [
        Amount(POPULARITY, np.where(points.is_item, taken, np.nan)),
        Amount(ACTIVITY, np.where(points.is_item, np.nan, taken)),
    ]
    return Facts(tuple(marks), tuple([*amounts, *([] if lift is None else [Amount(LIFT, lift)])]))


def facts_of_people(train: DomainPair, users: IntArray, lift: FloatArray | None) -> Facts:
    """The same of users as they are, with both histories; lift: (n_users,) of all users or None."""
    names, members = _all_categories(train)
    having, of = np.zeros((len(users), len(names))), np.zeros((len(users), 1))
    for matrix, part in zip((train.source, train.target), members, strict=True):
        had, some = _history_in(matrix[users], part)
        having, of = having + had.toarray(), of + some[:, None]
    shares = csr_matrix(having / np.maximum(of, 1))
    taken = sum(np.diff(matrix.indptr)[users] for matrix in (train.source, train.target))
    amounts = [Amount(ACTIVITY, np.asarray(taken, dtype=np.float64))]
    if lift is not None:
        amounts.append(Amount(LIFT, lift[users]))
    return Facts((Marks(CATEGORY, names, shares, of.ravel() > 0),), tuple(amounts))


def _groups(points: Points) -> list[tuple[IntArray, bool, bool]]:
    """Rows of each group of points that there are, whether they are items, and of the source."""
    found = [
        (
            np.flatnonzero((points.is_item == is_item) & (points.is_source == is_source)),
            is_item,
            is_source,
        )
        for is_item in (True, False)
        for is_source in (True, False)
    ]
    return [part for part in found if len(part[0])]


def _categories_of(points: Points, train: DomainPair) -> Marks:
    names, members = _all_categories(train)
    known = np.zeros(len(points), dtype=bool)
    parts = []
    for rows, is_item, is_source in _groups(points):
        numbers, of_domain = points.numbers[rows], members[0 if is_source else 1]
        if is_item:
            has = of_domain[numbers]
            known[rows] = np.diff(has.indptr) > 0
        else:
            matrix = train.source if is_source else train.target
            had, of = _history_in(matrix[numbers], of_domain)
            has = diags(1 / np.maximum(of, 1)) @ had
            known[rows] = of > 0
        parts.append(has)
    return Marks(CATEGORY, names, csr_matrix(vstack(parts)), known)


def _all_categories(train: DomainPair) -> tuple[list[str], list[csr_matrix]]:
    """Names of the categories of both domains, and which items of either have them."""
    found = [
        item_categories(features) for features in (train.source_features, train.target_features)
    ]
    names: dict[str, str] = {}
    for of in found:
        names |= {} if of is None else dict(zip(of.keys, of.names, strict=True))
    place = {key: number for number, key in enumerate(names)}
    members = []
    for of, matrix in zip(found, (train.source, train.target), strict=True):
        shape = (matrix.shape[1], len(place))
        if of is None:
            members.append(csr_matrix(shape))
            continue
        there = of.members.tocoo()
        columns = np.array([place[key] for key in of.keys])[there.col]
        members.append(csr_matrix((there.data, (there.row, columns)), shape=shape))
    return list(names.values()), members


def _history_in(matrix: csr_matrix, members: csr_matrix) -> tuple[csr_matrix, FloatArray]:
    """How many items of each category users took, and how many items with any, (n_users,)."""
    ones = csr_matrix((np.ones(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape)
    return csr_matrix(ones @ members), ones @ (np.diff(members.indptr) > 0).astype(np.float64)


def _words_of(points: Points, train: DomainPair) -> Marks:
    """Words of items' titles that stand in several of them, the most frequent ones."""
    said: list[list[str]] = [[] for _ in range(len(points))]
    for rows, is_item, is_source in _groups(points):
        features = train.source_features if is_source else train.target_features
        if is_item and features is not None:
            titles = features.titles[points.numbers[rows]]
            for row, title in zip(rows.tolist(), titles, strict=True):
                said[row] = words_of(str(title))
    counts = Counter(word for words in said for word in words)
    names = [word for word, n in counts.most_common(MOST_WORDS) if n >= FEWEST]
    place = {word: number for number, word in enumerate(names)}
    cells = [
        (row, place[word]) for row, words in enumerate(said) for word in words if word in place
    ]
    at = np.array(cells, dtype=np.intp).reshape(-1, 2)
    has = csr_matrix((np.ones(len(at)), (at[:, 0], at[:, 1])), shape=(len(said), len(names)))
    return Marks(WORD, names, has, np.array([bool(words) for words in said]))
