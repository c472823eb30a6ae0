"""Cross-listed items: the same product in both catalogues, betrayed by nearly the same users."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csc_matrix, csr_matrix, diags

from core.basics.columns import ITEM, USER
from core.basics.types import BoolArray, FloatArray, IntArray
from core.data.pair import DomainPair

SOURCE_ITEM, TARGET_ITEM = "source_item", "target_item"
COMMON_USERS, JACCARD, CONTAINMENT = "common_users", "jaccard", "containment"

FEWEST_COMMON = 3
ENOUGH_JACCARD = 0.5  # alone, or ...
ENOUGH_CONTAINMENT, WITH_JACCARD = 0.7, 0.3  # ... these two together
_PRODUCTS_AT_ONCE = 20_000_000  # entries of a chunk of the co-occurrence matrix, at most


@dataclass(frozen=True)
class CrossListed:
    """pairs: SOURCE_ITEM, TARGET_ITEM, COMMON_USERS, JACCARD, CONTAINMENT, the surest first."""

    pairs: pd.DataFrame
    target_items: int  # target items of the pair with training rows
    target_rows: int = 0  # training rows of the target

    @property
    def found(self) -> int:
        """Number of target items that are cross-listed."""
        return int(self.pairs[TARGET_ITEM].nunique())

    @property
    def share(self) -> float:
        """Share of the target items that are cross-listed."""
        return self.found / self.target_items if self.target_items else 0.0

    @property
    def row_share(self) -> float:
        """Share of the target's rows whose user has the item in the source too, at least.

        A few popular items may be most of what people do, so this says more of the leak.
        """
        rows = int(self.pairs.groupby(TARGET_ITEM)[COMMON_USERS].max().sum())
        return rows / self.target_rows if self.target_rows else 0.0


def find_cross_listed(train: DomainPair) -> CrossListed:
    """Items of both domains with at least 3 common users who are nearly all of their users.

    A pair counts from Jaccard .5, or containment .7 with Jaccard .3. Two rarely used items share
    their few users by chance where some users use nearly everything, so the pair must also be
    beyond chance: the number of common users is compared with a Poisson count that knows how
    popular both items and how active their users are, with the share of false finds held below
    1 % (Benjamini & Hochberg 1995). Give it training rows only: test rows betray the answer.
    """
    source, target = train.source.tocsc(), train.target.tocsc()
    found = [_similar(source, target, rows) for rows in _chunks(source, train.target)]
    pairs = pd.concat(found, ignore_index=True)
    pairs = pairs[_beyond_chance(pairs, train)]
    pairs = pairs.sort_values([COMMON_USERS, JACCARD], ascending=False, kind="stable")
    pairs[SOURCE_ITEM] = train.source_items.names(pairs[SOURCE_ITEM].to_numpy())
    pairs[TARGET_ITEM] = train.target_items.names(pairs[TARGET_ITEM].to_numpy())
    return CrossListed(pairs.reset_index(drop=True), len(train.target_items), train.target.nnz)


def _chunks(source: csc_matrix, target: csr_matrix) -> Iterator[slice]:
    """Runs of source items whose co-occurrences with target items fit in memory."""
    costs = source.T @ np.diff(target.indptr).astype(np.float64)  # (n_source_items,)
    ends = np.cumsum(costs) // _PRODUCTS_AT_ONCE
    starts = np.flatnonzero(np.diff(ends, prepend=-1.0))
    for start, end in zip(starts, [*starts[1:], len(costs)], strict=True):
        yield slice(start, end)


def _similar(source: csc_matrix, target: csc_matrix, rows: slice) -> pd.DataFrame:
    """Pairs of item numbers that share enough of their users."""
    common = (source[:, rows].T @ target).tocoo()
    enough = common.data >= FEWEST_COMMON
    left, right = common.row[enough] + rows.start, common.col[enough]
    both = common.data[enough]
    n_left, n_right = np.diff(source.indptr)[left], np.diff(target.indptr)[right]
    jaccard = both / (n_left + n_right - both)
    containment = both / np.minimum(n_left, n_right)
    alike = jaccard >= ENOUGH_JACCARD
    alike |= (containment >= ENOUGH_CONTAINMENT) & (jaccard >= WITH_JACCARD)
    columns = {
        SOURCE_ITEM: left,
        TARGET_ITEM: right,
        COMMON_USERS: both.astype(np.int64),
        JACCARD: jaccard,
        CONTAINMENT: containment,
    }
    return pd.DataFrame(columns)[alike]


def _beyond_chance(pairs: pd.DataFrame, train: DomainPair) -> BoolArray:
    """(n_pairs,) whether so many common users are more than chance gives among all item pairs."""
    left, right = pairs[SOURCE_ITEM].to_numpy(), pairs[TARGET_ITEM].to_numpy()
    expected = np.maximum(
        expected_common(train.source, train.target, left, right),
        expected_common(train.target, train.source, right, left),
    )
    frequent = [
        np.count_nonzero(np.bincount(m.indices, minlength=m.shape[1]) >= FEWEST_COMMON)
        for m in (train.source, train.target)
    ]
    tests = int(frequent[0]) * int(frequent[1])
    return beyond_chance(pairs[COMMON_USERS].to_numpy(), expected, tests)


# Which of many overlaps are more than chance gives: Poisson counts, few false finds.

BY_CHANCE = 0.01  # share of the found that chance may explain


def beyond_chance(common: IntArray, expected: FloatArray, tests: int) -> BoolArray:
    """(n,) whether so much in common is more than chance gives among `tests` comparisons.

    The common count is compared with a Poisson count of the expected size; the share of false
    finds is held below 1 % (Benjamini & Hochberg 1995).
    """
    from scipy.special import pdtrc

    chance = pdtrc(common - 1, expected)  # P(that many or more)
    order = np.argsort(chance, kind="stable")
    allowed = BY_CHANCE * np.arange(1, len(order) + 1) / max(1, tests)
    passed = np.flatnonzero(chance[order] <= allowed)
    kept = np.zeros(len(order), dtype=bool)
    kept[order[: passed[-1] + 1 if len(passed) else 0]] = True
    return kept


def expected_common(
    here: csr_matrix, there: csr_matrix, items: IntArray, others: IntArray
) -> FloatArray:
    """Common users of `items` and `others` if the others' users drew from here at random.

    A user with d of all rows here has drawn an item with n rows about d * n / rows times.
    """
    popularity = np.bincount(here.indices, minlength=here.shape[1])
    activity = there.T @ np.diff(here.indptr).astype(np.float64)  # rows here of an other's users
    return activity[others] * popularity[items] / max(1, here.nnz)


# Who can gain from the cross-listed items, and whether they carry what the source adds.

MOST_PEOPLE = 1_500  # shared people who are ranked for; a third is held out at a time
FEWEST_PEOPLE = 100  # fewer show no lift
_THIRDS, _RIDGE, _LIST = 3, 10.0, 10
_SURE = 1.96  # standard errors
MOST_OF_LIFT = 0.5
MANY_REACHED = 0.05  # share of the shared people with held-out rows


@dataclass(frozen=True)
class Carried:
    """What cross-listed items do for shared people with held-out rows.

    reached: share of them with a held-out item that is a source item of theirs under another id.
    lift: what the source adds to nDCG@10 of a ridge regression over the target alone; without: what
    it adds without the cross-listed source items; both NaN where fewer than 100 people are there.
    """

    people: int
    reached: float
    lift: float = float("nan")
    without: float = float("nan")
    lift_is_sure: bool = False  # its 95 % interval lies above 0
    loss_is_sure: bool = False  # the same of lift minus without

    @property
    def share(self) -> float:
        """Share of the lift that goes with them, at most 1; 0 where none surely does."""
        if not self.loss_is_sure:
            return 0.0
        return min(1.0, 1 - self.without / self.lift) if self.lift_is_sure else 1.0

    @property
    def carries(self) -> bool:
        """Whether most of the lift is theirs, or, where no lift can be told, many may gain."""
        if self.lift_is_sure or self.loss_is_sure:
            return self.share >= MOST_OF_LIFT
        return self.reached >= MANY_REACHED


def carried_by(found: CrossListed, train: DomainPair, held_out: pd.DataFrame) -> Carried:
    """How many people gain from the cross-listed items, and what the source adds without them.

    held_out: target rows, user and item, that `train` lacks. A twin of a held-out item in the
    source is the answer itself, however few rows such items have, so they are weighed by whom
    they reach. The ridge regression is learnt on two thirds of at most 1,500 shared people and
    ranks for the third, in turns; it is solved among people, which costs the same for any
    catalogue, and stands for all models that read item by item.
    """
    known = held_out[
        held_out[USER].isin(train.users.ids) & held_out[ITEM].isin(train.target_items.ids)
    ]
    wanted = csr_matrix(
        (
            np.ones(len(known), dtype=np.float32),
            (train.users.numbers(known[USER]), train.target_items.numbers(known[ITEM])),
        ),
        shape=train.target.shape,
    )
    shared = np.flatnonzero((train.source_history > 0) & (np.diff(wanted.indptr) > 0))
    if len(shared) == 0 or not found.found:
        return Carried(len(shared), 0.0)
    twins = csr_matrix(
        (
            np.ones(len(found.pairs), dtype=np.float32),
            (
                train.source_items.numbers(found.pairs[SOURCE_ITEM]),
                train.target_items.numbers(found.pairs[TARGET_ITEM]),
            ),
        ),
        shape=(len(train.source_items), len(train.target_items)),
    )
    leaked = (train.source[shared] @ twins).multiply(wanted[shared])
    reached = float(np.mean(np.diff(csr_matrix(leaked).indptr) > 0))
    if len(shared) < FEWEST_PEOPLE:
        return Carried(len(shared), reached)
    some = np.random.default_rng(2022).permutation(shared)[:MOST_PEOPLE]
    source, target, wanted = train.source[some], train.target[some], wanted[some]
    others = np.ones(source.shape[1], dtype=np.float32)
    others[train.source_items.numbers(found.pairs[SOURCE_ITEM])] = 0
    whole = _likeness(source)
    fitting: dict[str, FloatArray | float] = {
        "none": 0.0,
        "whole": whole,
        "without": _likeness(source @ diags(others)),
    }
    ndcg = {name: _ranked(likeness, target, wanted) for name, likeness in fitting.items()}
    lift, without = (ndcg[name] - ndcg["none"] for name in ("whole", "without"))
    return Carried(
        len(shared),
        reached,
        float(lift.mean()),
        float(without.mean()),
        _is_sure(lift),
        _is_sure(lift - without),
    )


def _is_sure(gains: FloatArray) -> bool:
    return bool(gains.mean() > _SURE * gains.std(ddof=1) / np.sqrt(len(gains)))


def _likeness(user_items: csr_matrix) -> FloatArray:
    """(n, n) items that people have in common."""
    return (user_items @ user_items.T).toarray().astype(np.float64)


def _ranked(
    source_likeness: FloatArray | float, target: csr_matrix, wanted: csr_matrix
) -> FloatArray:
    """(n,) nDCG@10 of everybody's held-out items, ranked by a ridge regression of others' rows."""
    likeness = _likeness(target) + source_likeness
    found = np.zeros(target.shape[0])
    gains = 1 / np.log2(np.arange(_LIST) + 2.0)
    for test in np.array_split(np.arange(len(found)), _THIRDS):
        learn = np.setdiff1d(np.arange(len(found)), test)
        inner = likeness[np.ix_(learn, learn)] + _RIDGE * np.eye(len(learn))
        weights = np.linalg.solve(inner, likeness[np.ix_(learn, test)]).T.astype(np.float32)
        scores = np.asarray(target[learn].T.dot(weights.T)).T  # (test, items)
        scores[target[test].toarray() > 0] = -np.inf
        length = min(_LIST, scores.shape[1])
        first = np.argpartition(-scores, length - 1, axis=1)[:, :length]
        order = np.argsort(-np.take_along_axis(scores, first, axis=1), axis=1, kind="stable")
        listed = np.take_along_axis(first, order, axis=1)
        hits = np.take_along_axis(wanted[test].toarray(), listed, axis=1)
        possible = np.minimum(np.diff(wanted[test].indptr), length)
        found[test] = hits @ gains[:length] / np.cumsum(gains)[possible - 1]
    return found
