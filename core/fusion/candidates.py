"""The items that can reach a top list at some weighting: the K-skyband of the two parts.

Item j dominates item i when it stands before i at every alpha and beta: at least as good in both
parts and better in one, or equal in both with the lower number (Papadias et al. 2005, sec. 5.4).
With K or more dominators an item never reaches a top K, so leaving it out changes no list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.basics.masked import Masked
from core.basics.scores import Candidates, DomainScores, FloatArray, IntArray
from core.fusion.combine import competition_ranks, part_scale
from core.fusion.lists import kth_best, top_k

DEPTH = 50
WIDTH = 8  # how many times the depth of best items are looked at to drop the rest
BLOCK = 128  # items whose dominators are counted at once
_EARLIER = np.tri(BLOCK, k=-1, dtype=bool)

_ENTRIES = ("items", "source", "target", "base", "source_rank", "target_rank", "dominators")
_USERS = ("users", "has_source", "has_target", "source_scale", "target_scale")


def find_candidates(
    scores: DomainScores, users: IntArray, masked: Masked, depth: int = DEPTH
) -> Candidates:
    """Candidates of some users, exact for lists up to `depth`.

    users: (rows,) numbers of the rows of scores, which masked has too. Users nobody knows
    anything about must have popularity in base (`DomainScores.filled`).
    """
    base = np.broadcast_to(scores.base, scores.source.shape)
    found = [_of_user(scores, base, masked, row, depth) for row in range(len(users))]
    sizes = [len(entries["items"]) for entries, _ in found]
    columns = {
        name: np.concatenate([entries[name] for entries, _ in found] or [np.zeros(0, dtype)])
        for name, dtype in zip(_ENTRIES, ("i4", "f4", "f4", "f4", "i4", "i4", "i4"), strict=True)
    }
    scales = np.array([scale for _, scale in found], np.float32).reshape(len(users), 2, 4)
    return Candidates(
        users=np.asarray(users, dtype=np.int32),
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        **columns,
        has_source=scores.has_source,
        has_target=scores.has_target,
        source_scale=scales[:, 0],
        target_scale=scales[:, 1],
        depth=depth,
    )


def join_candidates(parts: Sequence[Candidates]) -> Candidates:
    """Candidates of several groups of users as one; all must have the same depth."""
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in (*_ENTRIES, *_USERS)
    }
    sizes = np.concatenate([np.diff(part.starts) for part in parts])
    return Candidates(
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        depth=parts[0].depth,
        **columns,
    )


def pick_users(candidates: Candidates, rows: IntArray) -> Candidates:
    """Candidates of some users alone, in the order of rows (positions, not user numbers)."""
    sizes = np.diff(candidates.starts)[rows]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes)
    entries = np.repeat(candidates.starts[rows], sizes) + within
    columns = {name: getattr(candidates, name)[entries] for name in _ENTRIES}
    of_users = {name: getattr(candidates, name)[rows] for name in _USERS}
    return replace(candidates, starts=starts, **columns, **of_users)


def _of_user(
    scores: DomainScores, base: FloatArray, masked: Masked, row: int, depth: int
) -> tuple[dict[str, np.ndarray], tuple[FloatArray, FloatArray]]:
    """Entries of one user, in the order of Candidates, and the scale of both parts."""
    items = np.flatnonzero(masked.free(row)).astype(np.int32)
    source, target = scores.source[row, items], scores.target[row, items]
    prior = base[row, items]
    if scores.has_source[row] or scores.has_target[row]:
        kept, dominators = _skyband(source, target, prior, depth)
    else:
        kept, dominators = _top_by_base(source, target, prior, depth)
    entries = {
        "items": items[kept],
        "source": source[kept],
        "target": target[kept],
        "base": prior[kept],
        "source_rank": competition_ranks(source, source[kept]),
        "target_rank": competition_ranks(target, target[kept]),
        "dominators": dominators.astype(np.int32),
    }
    return entries, (part_scale(source), part_scale(target))


def _top_by_base(
    source: FloatArray, target: FloatArray, base: FloatArray, depth: int
) -> tuple[IntArray, IntArray]:
    """Places of the best by base, where no weight changes anything, and how many stand before."""
    best = top_k(base[None], source[None], target[None], min(depth, len(base)))[0]
    order = np.lexsort((best, -target[best], -source[best]))
    return best[order], order


def _skyband(
    source: FloatArray, target: FloatArray, base: FloatArray, depth: int
) -> tuple[IntArray, IntArray]:
    """Places of the items with fewer than `depth` dominators, and the number of each.

    A dominator of a survivor survives itself, because domination is transitive. So any superset of
    the survivors that is made by dropping dominated items gives the true numbers.
    """
    flat = len(base) == 0 or base.min() == base.max()
    places = _undominated(source, target, depth) if flat else np.arange(len(base))
    order = places[np.lexsort((-target[places], -source[places]))]  # stable: then item number
    if flat:
        order = _swept(order, target, depth)
    dominators = _count(target[order]) if flat else _count_with_base(target[order], base[order])
    few = dominators < depth
    return order[few], dominators[few]


def _undominated(source: FloatArray, target: FloatArray, depth: int) -> IntArray:
    """Places left, in rising order, after two cheap looks that drop most dominated items."""
    n = len(source)
    if n <= 2 * WIDTH * depth:
        return np.arange(n)
    keep = _not_below(source, target, depth) & _not_below(target, source, depth)
    places = np.flatnonzero(keep)
    return _without_crowd(places, source, target, depth)


def _not_below(by: FloatArray, other: FloatArray, depth: int) -> np.ndarray:
    """False for items outside the best by one part that lose to `depth` of these in the other."""
    width = WIDTH * depth
    edge = kth_best(by, width)
    above, level = np.flatnonzero(by > edge), np.flatnonzero(by == edge)
    best = np.concatenate([above, level[: width - len(above)]])
    cut = kth_best(other[best], depth)
    keep = other >= cut
    keep[best] = True
    return keep


def _without_crowd(
    places: IntArray, source: FloatArray, target: FloatArray, depth: int
) -> IntArray:
    """Without all but the first `depth` items that share the most common pair of scores.

    Sparse models leave thousands of items at (0, 0); of these only the first can be reached.
    """
    if len(places) <= 2 * WIDTH * depth:
        return places
    middle = places[len(places) // 2]
    same = (source[places] == source[middle]) & (target[places] == target[middle])
    same &= np.cumsum(same) > depth
    return places[~same]


def _swept(order: IntArray, target: FloatArray, depth: int) -> IntArray:
    """What is left of items in falling source order when each must beat the target parts so far.

    Blocks double in length; an item goes when `depth` items of earlier blocks have its target part
    or more, for these all stand before it.
    """
    size = 2 * depth
    kept, at = [order[:size]], size
    best = target[order[:size]]
    while at < len(order):
        cut = kth_best(best, depth)
        block = order[at : at + size]
        block = block[target[block] > cut]
        kept.append(block)
        best = np.concatenate([best[best >= cut], target[block]])
        at, size = at + size, 2 * size
    return np.concatenate(kept)


def _count(target: FloatArray) -> IntArray:
    """Dominators of each item of a list in falling (source, target) order, (n,): the earlier items
    with its target part or more, counted block by block against a sorted list.
    """  # fmt: skip
    counts = np.empty(len(target), dtype=np.int64)
    before = np.empty(0, dtype=target.dtype)
    for start in range(0, len(target), BLOCK):
        block = target[start : start + BLOCK]
        within = (block[None, :] >= block[:, None]) & _EARLIER[: len(block), : len(block)]
        outside = len(before) - np.searchsorted(before, block)
        counts[start : start + BLOCK] = within.sum(axis=1) + outside
        before = np.sort(np.concatenate([before, block]))
    return counts


def _count_with_base(target: FloatArray, base: FloatArray) -> IntArray:
    """The same where base differs between items: dominators need the item's base or more too."""
    counts = np.empty(len(target), dtype=np.int64)
    for place in range(len(target)):
        earlier = slice(place)
        counts[place] = np.count_nonzero(
            (target[earlier] >= target[place]) & (base[earlier] >= base[place])
        )
    return counts
