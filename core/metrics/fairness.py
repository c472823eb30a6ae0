"""Fairness to users and items: gaps between groups, unfairness of ratings, bias disparity."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, FloatArray, IntArray
from core.metrics.card import metric
from core.metrics.intervals import Interval, bootstrap_of_sums

TRIES = 1_000  # random groupings that a gap is compared with
ROUNDING = 1e-12  # gaps this close are the same


@metric(
    "Gap between groups",
    r"largest $-$ smallest mean over groups of users",
    "How much better the best-served group fares than the worst-served. Groups under 10 users "
    "are too few to say and left out. How often random groups of the same sizes are as far "
    "apart says whether it may be chance.",
    "Our own; over any metric per user",
    "fairness",
    name="gap",
    higher_is_better=False,
)
def gap_interval(
    amounts: FloatArray, weights: FloatArray, groups: tuple[BoolArray, BoolArray], power: float = 1
) -> Interval:
    """Mean of the first group minus that of the second, with its interval, users resampled.

    amounts, weights: (users,) what each user adds; a mean is (amounts / weights) ** (1 / power), so
    that errors pooled over ratings have gaps too. groups: (users,) whether a user is in each. Users
    without a value add nothing.
    """
    there = ~np.isnan(amounts)
    columns = [
        np.where(there & group, part, 0.0) for group in groups for part in (amounts, weights)
    ]

    def difference(sums: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            here, other = ((sums[..., i] / sums[..., i + 1]) ** (1 / power) for i in (0, 2))
        return here - other

    kept = groups[0] | groups[1]
    return bootstrap_of_sums(np.column_stack(columns)[kept], difference)[0]


def chance_of_gap(
    amounts: FloatArray,
    weights: FloatArray,
    sizes: IntArray,
    power: float = 1,
    seed: int = 0,
    tries: int = TRIES,
) -> float:
    """How often random groups of these sizes are as far apart as the given ones: a p-value.

    amounts, weights: (users,) without missing values, as in gap_interval, the users of the first
    group first; sizes: (n_groups,) users of each. The gap is the largest mean minus the smallest,
    so that groups picked after looking are judged by what picking alone brings.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    columns = np.column_stack([amounts, weights])

    def gap(rows: FloatArray) -> float:
        sums = np.add.reduceat(rows, starts, axis=0)
        return float(np.ptp((sums[:, 0] / sums[:, 1]) ** (1 / power)))

    generator, given = np.random.default_rng(seed), gap(columns)
    as_far = sum(gap(generator.permutation(columns)) >= given - ROUNDING for _ in range(tries))
    return (as_far + 1) / (tries + 1)


@metric(
    "UserMAD",
    r"mean of $|m_g - m_h|$ over pairs of groups",
    "How much two groups of users differ on average, by any metric per user.",
    "Deldjoo et al. 2021; MAD ranking",
    "fairness",
    name="user_mad",
    higher_is_better=False,
    has_interval=False,
)
def mean_absolute_difference(means: FloatArray) -> float:
    """UserMAD: mean of |m_g - m_h| over pairs of groups with a mean; NaN below two."""
    known = means[~np.isnan(means)]
    pairs = [abs(one - other) for one, other in combinations(known, 2)]
    return float(np.mean(pairs)) if pairs else float("nan")


def rates(got: FloatArray | IntArray, possible: FloatArray | IntArray) -> FloatArray:
    """got / possible per group; NaN where nothing was possible."""
    return np.divide(got, possible, out=np.full(len(got), np.nan), where=possible > 0)


def amounts_by_group(counts: FloatArray | IntArray, members: csr_matrix) -> FloatArray:
    """(n_groups,) counts of items summed over each group; members: (n_items, n_groups) ones."""
    return np.asarray(members.T @ counts, dtype=np.float64)


@metric(
    "Exposure share",
    r"places a group of items has in all lists / all places",
    "What a group of items gets; beside its share of the catalogue, which is an even share.",
    "Singh and Joachims 2018, without discount by rank",
    "fairness",
    higher_is_better=False,
    has_interval=False,
)
def exposure_share(places: IntArray, members: csr_matrix) -> FloatArray:
    """(n_groups,) share of all places in lists that each group has; places: (n_items,) of each."""
    return amounts_by_group(places, members) / max(1, int(places.sum()))


@metric(
    "PopRSP",
    r"std / mean of $P(rec \mid g)$ over head and tail",
    "Whether head and tail are recommended at one rate, given what could have been: 0 is equal "
    "rates. The head is the most popular fifth of the catalogue.",
    "Zhu, Wang, Caverlee 2020, ranking-based statistical parity; WarpRec",
    "fairness",
    name="pop_rsp",
    higher_is_better=False,
    has_interval=False,
)
@metric(
    "PopREO",
    r"std / mean of $P(rec \mid g, relevant)$ over head and tail",
    "Whether held-out items of head and tail are found at one rate: 0 is equal rates. None "
    "where a group has nothing to find.",
    "Zhu, Wang, Caverlee 2020, ranking-based equal opportunity; WarpRec",
    "fairness",
    name="pop_reo",
    higher_is_better=False,
    has_interval=False,
)
@metric(
    "RSP over categories",
    r"std / mean of $P(rec \mid g)$ over categories",
    "Whether categories are recommended at one rate, given what could have been: 0 is equal "
    "rates. Categories of fewer than 10 items are left out.",
    "Zhu, Wang, Caverlee 2020, ranking-based statistical parity; WarpRec",
    "fairness",
    name="rsp",
    higher_is_better=False,
    has_interval=False,
)
@metric(
    "REO over categories",
    r"std / mean of $P(rec \mid g, relevant)$ over categories",
    "Whether held-out items of all categories are found at one rate: 0 is equal rates. None "
    "where a category has nothing to find.",
    "Zhu, Wang, Caverlee 2020, ranking-based equal opportunity; WarpRec",
    "fairness",
    name="reo",
    higher_is_better=False,
    has_interval=False,
)
def relative_spread(rates: FloatArray) -> float:
    """std / mean over groups, 0 for equal rates; NaN where a rate is missing or all are 0.

    RSP of recommendation rates and REO of hit rates: Zhu, Wang, Caverlee 2020.
    """
    mean = rates.mean() if len(rates) > 1 else float("nan")
    return float(rates.std() / mean) if mean > 0 else float("nan")


def item_gains(lists: IntArray, hits: BoolArray, n_items: int) -> FloatArray:
    """(n_items,) mean of hit / log2(rank + 1) over the places each item has; NaN without any."""
    there = lists >= 0
    gains = np.where(hits, 1 / np.log2(np.arange(2, lists.shape[1] + 2)), 0.0)
    places = np.bincount(lists[there], minlength=n_items)
    return rates(np.bincount(lists[there], gains[there], minlength=n_items), places)


@metric(
    "ItemMAD",
    r"mean of $|m_g - m_h|$ over pairs of groups, $m_g$ mean of $r_i / \log_2(i + 1)$ of its "
    r"items when recommended",
    "How much two groups of items differ in what a place brings them: a hit high up counts "
    "most. Items that are never recommended are left out.",
    "Deldjoo et al. 2021, MAD ranking of items; WarpRec",
    "fairness",
    higher_is_better=False,
    has_interval=False,
)
def item_mad(gains: FloatArray, members: csr_matrix) -> float:
    """ItemMAD: mean distance of two groups' gains, each the mean over its recommended items.

    gains: as item_gains gives them; NaN below two groups with a recommended item.
    """
    shown = (~np.isnan(gains)).astype(np.float64)
    total = amounts_by_group(np.nan_to_num(gains), members)
    return mean_absolute_difference(rates(total, amounts_by_group(shown, members)))


def head_and_tail(head: BoolArray) -> csr_matrix:
    """(n_items, 2) membership in head and tail."""
    return csr_matrix(np.column_stack([head, ~head]).astype(np.float64))


# Bias disparity: do lists prefer a category more than the users they are for did?
# Tsintzou, Pitoura, Tsaparas 2018 (arXiv 1811.01461).


def taken_sums(items: csr_matrix, members: csr_matrix) -> FloatArray:
    """(users, n_categories + 1) items each user has in every category, and in all together.

    items: (users, n_items) ones; members: (n_items, n_categories) ones.
    """
    within = np.asarray((items @ members).todense(), dtype=np.float64)
    return np.column_stack([within, np.diff(items.indptr)])


@metric(
    "Bias of histories (BS)",
    r"$\frac{taken\ in\ C}{taken} / \frac{|C|}{|I|}$ of a group of users",
    "How much a group of users prefers a category: 1 is the category's share of the catalogue.",
    "Tsintzou, Pitoura, Tsaparas 2018 (arXiv 1811.01461)",
    "fairness",
    name="bias_source",
    higher_is_better=False,
    at_k=False,
    has_interval=False,
)
@metric(
    "Bias of lists (BR)",
    r"$\frac{places\ of\ C}{places} / \frac{|C|}{|I|}$ of the same users",
    "How much the group's lists prefer the category: 1 is its share of the catalogue.",
    "Tsintzou, Pitoura, Tsaparas 2018 (arXiv 1811.01461)",
    "fairness",
    name="bias_lists",
    higher_is_better=False,
    has_interval=False,
)
def bias(sums: FloatArray, shares: FloatArray) -> FloatArray:
    """(…, n_categories) preference for each category over its share of the catalogue: BS or BR.

    sums: (…, n_categories + 1) of a group's users; shares: (n_categories,). 1 is the share that
    choosing blindly gives; NaN without any items.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., :-1] / sums[..., -1:] / shares)


@metric(
    "Bias disparity (BD)",
    r"$(BR - BS) / BS$",
    "By how much lists exaggerate what the group prefers: 0 keeps it, 1 doubles it, below 0 is "
    "less than they took. Users without target history are left out; its interval resamples "
    "the others.",
    "Tsintzou, Pitoura, Tsaparas 2018 (arXiv 1811.01461)",
    "fairness",
    name="bias_disparity",
    higher_is_better=False,
)
def disparity(sums: FloatArray) -> FloatArray:
    """(…, n_categories) BD = (BR - BS) / BS; NaN where the group took none of a category.

    sums: (…, 2 (n_categories + 1)) of histories, then of lists; shares of the catalogue cancel.
    """
    taken, listed = np.split(sums, 2, axis=-1)
    ones = np.ones(taken.shape[-1] - 1)
    source = bias(taken, ones)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (bias(listed, ones) - source) / source
    return np.where(np.isfinite(found), found, np.nan)


# Are ratings predicted as well for one group of users as for another? Yao and Huang 2017.
# All but non-parity are means over the items that both groups rated: first the group's mean
# prediction and mean rating of each item, then what lies between the two groups' errors.


_unfairness = partial(
    metric,
    source="Yao and Huang 2017; one group against all other users",
    group="fairness",
    higher_is_better=False,
    task="rating",
    at_k=False,
    has_interval=False,
)


@_unfairness(
    "Value unfairness",
    r"mean of $|e_g - e_h|$ over items, $e$ mean predicted minus mean given rating",
    "Whether one group is rated too high where the other is rated too low. Over the items that "
    "both groups rated; few ratings an item make it large by chance, so that stands beside.",
)
def value_unfairness(ours: FloatArray, theirs: FloatArray) -> float:
    """How far the groups' errors are apart; ours, theirs: (n_items,) mean error of each group."""
    return _mean_size(ours - theirs)


@_unfairness(
    "Absolute unfairness",
    r"mean of $||e_g| - |e_h||$ over items",
    "Whether one group is predicted worse than the other, in whichever direction.",
)
def absolute_unfairness(ours: FloatArray, theirs: FloatArray) -> float:
    """The same of errors without their sign."""
    return _mean_size(np.abs(ours) - np.abs(theirs))


@_unfairness(
    "Underestimation unfairness",
    r"mean of $|\max(-e_g, 0) - \max(-e_h, 0)|$ over items",
    "Whether one group's ratings are underestimated more than the other's: good items missed.",
)
def under_unfairness(ours: FloatArray, theirs: FloatArray) -> float:
    """The same of how much too low ratings are predicted."""
    return _mean_size(np.maximum(-ours, 0) - np.maximum(-theirs, 0))


@_unfairness(
    "Overestimation unfairness",
    r"mean of $|\max(e_g, 0) - \max(e_h, 0)|$ over items",
    "Whether one group's ratings are overestimated more than the other's: poor items shown.",
)
def over_unfairness(ours: FloatArray, theirs: FloatArray) -> float:
    """The same of how much too high ratings are predicted."""
    return _mean_size(np.maximum(ours, 0) - np.maximum(theirs, 0))


@_unfairness(
    "Non-parity",
    r"$|\bar{\hat r}_g - \bar{\hat r}_h|$",
    "How far the mean predicted ratings of two groups are apart, whatever they gave; groups "
    "that like other things may differ rightly.",
)
def non_parity(ours: FloatArray, theirs: FloatArray) -> float:
    """How far mean predictions are apart; ours, theirs: (n_ratings,) predictions for each group."""
    return abs(ours.mean() - theirs.mean()) if len(ours) and len(theirs) else np.nan


_OF_ERRORS = (value_unfairness, absolute_unfairness, under_unfairness, over_unfairness)
UNFAIRNESS = (*(figure.__name__ for figure in _OF_ERRORS), non_parity.__name__)


def unfairness(
    predicted: FloatArray, given: FloatArray, items: IntArray, inside: BoolArray
) -> FloatArray:
    """(5,) figures in the order of UNFAIRNESS, in points of the scale.

    predicted, given, items, inside: (n_ratings,), items from 0, inside whether a rating is of the
    group's users; the others are the other group. NaN where no item was rated by both.
    """
    ours, our_count = _errors(predicted, given, items, inside)
    theirs, their_count = _errors(predicted, given, items, ~inside)
    both = (our_count > 0) & (their_count > 0)
    means = [figure(ours[both], theirs[both]) for figure in _OF_ERRORS]
    return np.array([*means, non_parity(predicted[inside], predicted[~inside])])


def _mean_size(apart: FloatArray) -> float:
    """Mean of the values without their sign; NaN without any."""
    return float(np.abs(apart).mean()) if len(apart) else float("nan")


def shared_items(items: IntArray, inside: BoolArray) -> int:
    """How many items were rated by both groups."""
    return len(np.intersect1d(items[inside], items[~inside]))


def _errors(
    predicted: FloatArray, given: FloatArray, items: IntArray, side: BoolArray
) -> tuple[FloatArray, IntArray]:
    """Mean prediction minus mean rating of each item by one side, and how many ratings it has."""
    n_items = int(items.max(initial=-1)) + 1
    count = np.bincount(items[side], minlength=n_items)
    total = np.bincount(items[side], (predicted - given)[side], minlength=n_items)
    return total / np.maximum(count, 1), count
