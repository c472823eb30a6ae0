"""The mix of a list: of categories as in the user's history, of domains, and with another list."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags_array

from core.basics.types import Candidates, FloatArray, IntArray
from core.metrics.card import metric

SMOOTHING = 0.01  # share of the history's mix in the smoothed mix of the list
CELLS = 2_000_000  # cells of users times categories held at once
PERSISTENCE = 0.9  # of RBO: how likely a reader goes on to the next rank


def even_rows(categories: csr_matrix) -> csr_matrix:
    """p(c | i): every item's categories at equal shares, rows sum to 1 or are empty."""
    counts = np.diff(categories.indptr)
    shares = np.divide(1.0, counts, out=np.zeros(len(counts)), where=counts > 0)
    return csr_matrix(diags_array(shares) @ categories)


def category_mix(items: csr_matrix, shares: csr_matrix) -> csr_matrix:
    """p(c | u): mean of p(c | i) over each row's items that have categories, (users, categories).

    items: (users, n_items) ones; shares: as even_rows gives them. A row without any is empty.
    """
    total = csr_matrix((items != 0).astype(np.float64) @ shares)
    weight = np.asarray(total.sum(axis=1)).ravel()
    scale = np.divide(1.0, weight, out=np.zeros(len(weight)), where=weight > 0)
    return csr_matrix(diags_array(scale) @ total)


@metric(
    "Miscalibration",
    r"$\sum_c p_c \log_2 (p_c / \tilde q_c)$, $\tilde q = 0.99 q + 0.01 p$",
    "How far the list's mix of categories is from the user's target history, in bits; 0 is the "
    "same mix. Users without target history have no value.",
    "Steck 2018, KL divergence with alpha 0.01",
    "mix",
    name="calibration",
    of=lambda seen: (
        seen.world.history_mix[seen.users],
        category_mix(seen.members, even_rows(seen.world.kinds)),
    ),
    needs=["categories"],
    higher_is_better=False,
)
@metric(
    "Miscalibration to the source",
    r"the same with $p$ from the source history, over categories of both domains",
    "How far the list's mix is from what the user took in the source: low where tastes are "
    "carried across. Only categories that both domains name.",
    "Our own; after Steck 2018",
    "mix",
    name="source_calibration",
    of=lambda seen: (
        seen.world.source_mix[seen.users],
        category_mix(seen.members, even_rows(seen.world.shared_kinds)),
    ),
    needs=["shared categories"],
    higher_is_better=False,
)
def miscalibration(wanted: csr_matrix, got: csr_matrix, smoothing: float = SMOOTHING) -> FloatArray:
    """KL divergence of the wanted mix from the smoothed mix of the list in bits, (users,).

    NaN where either mix is empty. Steck 2018, C_KL.
    """
    step = max(1, CELLS // max(1, wanted.shape[1]))
    parts = [
        _divergence(
            wanted[start : start + step].toarray(), got[start : start + step].toarray(), smoothing
        )
        for start in range(0, wanted.shape[0], step)
    ]
    return np.concatenate([np.zeros(0), *parts])


def _divergence(wanted: FloatArray, got: FloatArray, smoothing: float) -> FloatArray:
    smoothed = (1 - smoothing) * got + smoothing * wanted
    ratio = np.divide(wanted, smoothed, out=np.ones_like(wanted), where=wanted > 0)
    there = (wanted.sum(axis=1) > 0) & (got.sum(axis=1) > 0)
    return np.where(there, (wanted * np.log2(ratio)).sum(axis=1), np.nan)


# What each domain adds to the items of a list, from the parts kept for fusion.

Parts = tuple[FloatArray, FloatArray]


@metric(
    "Source share of scores",
    r"$\sum_{i \le k} |s_i| / \sum_{i \le k} (|s_i| + |t_i|)$, "
    r"$s_i$ and $t_i$ what source and target add to an item's score",
    "How much of the scores in the list comes from the source: 0 is target alone, 1 source "
    "alone. Only models whose score is the sum of both parts have it, at equal weights, and "
    "only users with evidence in both domains: others have nothing to share between. Like the "
    "parts, it is told for at most 5,000 users.",
    "Our own",
    "mix",
    of=lambda seen: (seen.users, seen.lists, seen.parts),
    needs=["parts"],
)
def domain_mix(users: IntArray, lists: IntArray, candidates: Candidates) -> FloatArray:
    """Share of the source in what both domains add to each list, (users,).

    NaN for a user without evidence in both domains, or without kept parts: there is nothing to
    share between.
    """
    source, target = parts_of(users, lists, candidates)
    both = candidates.users[candidates.has_source & candidates.has_target]
    return np.where(np.isin(users, both), source_share(source, target), np.nan)


def source_share(source: FloatArray, target: FloatArray) -> FloatArray:
    """Size of the source's parts over that of both domains', (users,); NaN where all are 0.

    source, target: (users, k) what each domain adds to every place, NaN where nothing is known.
    """
    here, there = (
        np.nan_to_num(np.abs(part)).sum(axis=1, dtype=np.float64) for part in (source, target)
    )
    both = np.asarray(here + there)
    return np.divide(here, both, out=np.full(len(both), np.nan), where=both > 0)


def parts_of(users: IntArray, lists: IntArray, candidates: Candidates) -> Parts:
    """Source and target part of every place, (users, k) each; NaN where a place has none kept."""
    n_items = int(max(candidates.items.max(initial=0), lists.max(initial=0))) + 1
    owners = np.repeat(candidates.users.astype(np.int64), np.diff(candidates.starts))
    keys = owners * n_items + candidates.items
    order = np.argsort(keys)
    asked = users.astype(np.int64)[:, None] * n_items + lists
    place = np.minimum(np.searchsorted(keys[order], asked), max(0, len(keys) - 1))
    if not len(keys):
        return np.full(lists.shape, np.nan), np.full(lists.shape, np.nan)
    entry = order[place]
    there = (keys[entry] == asked) & (lists >= 0)
    return (
        np.where(there, candidates.source[entry], np.nan),
        np.where(there, candidates.target[entry], np.nan),
    )


# Two lists of one user.


@metric(
    "List overlap (RBO)",
    r"$\frac{|A \cap B|_k}{k} p^k + \frac{1-p}{p} \sum_{d \le k} \frac{|A \cap B|_d}{d} p^d$, "
    r"$p = 0.9$",
    "How alike two lists of one user are, the top counting more: 1 for the same list in the "
    "same order, 0 for no item in common. Read to the end of the shorter one.",
    "Webber, Moffat, Zobel 2010, equation 30 (extrapolated)",
    "mix",
    name="rbo",
)
def rank_biased_overlap(ours: IntArray, theirs: IntArray, p: float = PERSISTENCE) -> FloatArray:
    """RBO of two lists of each user, (users,), extrapolated beyond their end; NaN for an empty one.

    Both (users, k), read to the end of the shorter. Webber, Moffat, Zobel 2010, equation 30.
    """
    k = ours.shape[1]
    lengths = np.minimum((ours >= 0).sum(axis=1), (theirs >= 0).sum(axis=1))
    common = _common_by_depth(ours, theirs)
    depth = np.arange(1, k + 1)
    within = depth <= lengths[:, None]
    agreement = np.where(within, common / depth, 0.0)
    end = np.maximum(lengths, 1)
    last = agreement[np.arange(len(ours)), end - 1]
    found = last * p**end + (1 - p) / p * (agreement * p**depth).sum(axis=1)
    return np.where(lengths > 0, found, np.nan)


def _common_by_depth(ours: IntArray, theirs: IntArray) -> IntArray:
    """(users, k) items that both lists hold in their first d places, d from 1 to k."""
    rows, here, there = np.nonzero(
        (ours[:, :, None] == theirs[:, None, :]) & (ours >= 0)[:, :, None]
    )
    joined = np.maximum(here, there)  # from this place on both have the item
    k = ours.shape[1]
    counts = np.bincount(rows * k + joined, minlength=len(ours) * k).reshape(len(ours), k)
    return counts.cumsum(axis=1)
