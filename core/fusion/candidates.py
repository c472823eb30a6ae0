"""The items that can reach a top list at some weighting: the K-skyband of the two parts.

Item j dominates item i when it stands before i at every alpha and beta: at least as good in both
parts and better in one, or equal in both with the lower number (Papadias et al. 2005, sec. 5.4).
With K or more dominators an item never reaches a top K, so leaving it out changes no list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from core.basics.types import Candidates, DomainScores, FloatArray, IntArray, Masked
from core.fusion.combine import part_scale, ranks_among, top_k

DEPTH = 50
WIDTH = 8  # how many times the depth of best items are looked at to drop the rest
CELLS = 1_000_000  # users times items looked at at once
BLOCK = 256  # items whose dominators among themselves are counted at once, in one byte each

_ENTRIES = ("items", "source", "target", "base", "source_rank", "target_rank", "dominators")
_USERS = ("users", "has_source", "has_target", "source_scale", "target_scale")


def find_candidates(
    scores: DomainScores, users: IntArray, masked: Masked, depth: int = DEPTH
) -> Candidates:
    """Candidates of some users, exact for lists up to `depth`.

    users: (rows,) numbers of the rows of scores, which masked has too. Users nobody knows
    anything about must have popularity in base (`DomainScores.filled`).
    """
    at_once = max(1, CELLS // max(1, scores.source.shape[1]))
    groups = [slice(start, start + at_once) for start in range(0, len(users), at_once)]
    found = [user for group in groups for user in _of_group(scores, masked, group, depth)]
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


def _of_group(
    scores: DomainScores, masked: Masked, group: slice, depth: int
) -> Iterator[tuple[dict[str, np.ndarray], list[FloatArray]]]:
    """Entries of each user of a group, in the order of Candidates, and the scales of both parts."""
    free = ~masked[np.arange(len(scores.source))[group]].toarray()
    source, target = (
        np.where(free, part[group], -np.inf) for part in (scores.source, scores.target)
    )
    rising = np.sort(source, axis=1), np.sort(target, axis=1)  # masked items first
    base = np.broadcast_to(scores.base, scores.source.shape)[group]
    known = scores.has_evidence[group]
    flat = known & (base == base[:, :1]).all(axis=1)
    near = _near(source, target, rising, depth, flat)
    skybands = _skybands(source, target, free & near, depth)
    for row in range(len(free)):
        unmasked = np.flatnonzero(free[row])
        seen_source, seen_target = source[row][unmasked], target[row][unmasked]
        if flat[row]:
            items, dominators = skybands[row]
        else:
            find = _skyband_with_base if known[row] else _top_by_base
            places, dominators = find(seen_source, seen_target, base[row][unmasked], depth)
            items = unmasked[places]
        entries = {
            "items": items.astype(np.int32),
            "source": source[row][items],
            "target": target[row][items],
            "base": base[row][items],
            "source_rank": ranks_among(rising[0][row], source[row][items]),
            "target_rank": ranks_among(rising[1][row], target[row][items]),
            "dominators": dominators.astype(np.int32),
        }
        yield entries, [part_scale(seen_source), part_scale(seen_target)]


def _top_by_base(
    source: FloatArray, target: FloatArray, base: FloatArray, depth: int
) -> tuple[IntArray, IntArray]:
    """Places of the best by base, where no weight changes anything, and how many stand before."""
    best = top_k(base[None], source[None], target[None], min(depth, len(base)))[0]
    order = np.lexsort((best, -target[best], -source[best]))
    return best[order], order


def _near(
    source: FloatArray,
    target: FloatArray,
    rising: tuple[FloatArray, FloatArray],
    depth: int,
    asked: np.ndarray,
) -> np.ndarray:
    """True for the items of the rows asked, less most of those that have `depth` dominators.

    Two cheap looks find them. source, target: (rows, items), masked items at -inf; rising: both
    with every row sorted.
    """
    near = np.repeat(asked[:, None], source.shape[1], axis=1)
    if source.shape[1] > 2 * WIDTH * depth:
        rows = slice(None) if asked.all() else np.flatnonzero(asked)
        source, target = source[rows], target[rows]
        near[rows] = _not_below(source, target, rising[0][rows], depth)
        near[rows] &= _not_below(target, source, rising[1][rows], depth)
    return near


def _not_below(by: FloatArray, other: FloatArray, rising: FloatArray, depth: int) -> np.ndarray:
    """False for items outside the best by one part that have `depth` of these before them.

    The best stand before all others by the one part, or by their number where they tie with the
    last of the best.
    """
    width = WIDTH * depth
    edge = rising[:, -width]
    best = by >= edge[:, None]
    for row in np.flatnonzero(rising[:, -width - 1] == edge):  # more than `width` reach the edge
        level = np.flatnonzero(by[row] == edge[row])
        best[row, level[width - np.count_nonzero(by[row] > edge[row]) :]] = False
    cut = np.sort(other[best].reshape(len(by), width), axis=1)[:, -depth]
    return best | (other > cut[:, None])


def _skybands(
    source: FloatArray, target: FloatArray, near: np.ndarray, depth: int
) -> list[tuple[IntArray, IntArray]]:
    """Of each row the items with fewer than `depth` dominators, and the number of each.

    A dominator of a survivor survives itself, because domination is transitive. So any superset of
    the survivors that is made by dropping dominated items gives the true numbers: near, which may
    still hold dominated ones.
    """
    flat, sizes = np.flatnonzero(near), np.count_nonzero(near, axis=1)
    source, target = (_packed(part.ravel()[flat], sizes) for part in (source, target))
    # Places of each row in the order of falling source part, then target part, then number
    order = np.argsort(-source, axis=1)  # several times as fast as the stable sort of both
    sorted_source = np.take_along_axis(source, order, axis=1)
    tied = sorted_source[:, 1:] == sorted_source[:, :-1]
    tied &= np.arange(1, source.shape[1]) < sizes[:, None]
    for row in np.flatnonzero(tied.any(axis=1)):
        filled = slice(sizes[row])
        order[row, filled] = np.lexsort((-target[row, filled], -source[row, filled]))
    target = np.take_along_axis(target, order, axis=1)
    # False for items of rows in falling (source, target) order that lose to `depth` before them
    left = np.arange(target.shape[1]) < sizes[:, None]
    best, size = target[:, :depth], depth
    while size < target.shape[1]:
        best = np.sort(best, axis=1)[:, -depth:]
        block = slice(size, size + max(1, size // 4))
        left[:, block] &= target[:, block] > best[:, :1]
        best = np.concatenate([best, target[:, block]], axis=1)
        size = block.stop
    items = _packed(flat % near.shape[1], sizes)
    items = np.take_along_axis(items, order, axis=1)[left]
    sizes = np.count_nonzero(left, axis=1)
    dominators = _counted(_packed(target[left], sizes), sizes, depth)
    few, ends = dominators < depth, np.cumsum(sizes)
    return [
        (items[start:end][few[start:end]], dominators[start:end][few[start:end]])
        for start, end in zip(ends - sizes, ends, strict=True)
    ]


def _packed(values: np.ndarray, sizes: IntArray) -> np.ndarray:
    """Values of one row after the other as a matrix, (rows, largest size).

    Each row is filled up with the lowest value there is.
    """
    lowest = -np.inf if values.dtype.kind == "f" else -1
    packed = np.full((len(sizes), sizes.max(initial=0)), lowest, dtype=values.dtype)
    packed[np.arange(packed.shape[1]) < sizes[:, None]] = values
    return packed


def _counted(target: FloatArray, sizes: IntArray, depth: int) -> IntArray:
    """Dominators of each item of rows in falling (source, target) order, one row after the other.

    They are the earlier items with its target part or more; numbers below `depth` are exact.
    Within a block of places every row is held against itself, shifted by one place more each time.
    Of the blocks before, only the best `depth` target parts matter. Longer rows stand first, so
    that the shorter ones drop out.
    """
    longest = np.argsort(-sizes, kind="stable")
    target = target[longest]
    counts = np.zeros(target.shape, dtype=np.int64)
    reaching = np.count_nonzero(sizes > np.arange(target.shape[1])[:, None], axis=1)
    best = target[:, :0]
    for start in range(0, target.shape[1], BLOCK):
        rows, places = slice(reaching[start]), slice(start, start + BLOCK)
        block = target[rows, places]
        within = np.zeros(block.shape, dtype=np.uint8)
        for shift in range(1, block.shape[1]):
            some = slice(reaching[start + shift])
            before = block[some, shift:] <= block[some, :-shift]
            within[some, shift:] += before.view(np.uint8)
        counts[rows, places] = within
        for one in best[rows].T:
            counts[rows, places] += block <= one[:, None]
        best = np.sort(np.concatenate([best[rows], block], axis=1), axis=1)[:, -depth:]
    in_order = np.empty_like(counts)
    in_order[longest] = counts
    return in_order[np.arange(target.shape[1]) < sizes[:, None]]


def _skyband_with_base(
    source: FloatArray, target: FloatArray, base: FloatArray, depth: int
) -> tuple[IntArray, IntArray]:
    """Places of the items with fewer than `depth` dominators, and the number of each.

    Here base differs between items.
    """
    order = np.lexsort((-target, -source))  # stable: then item number
    dominators = _count_with_base(target[order], base[order])
    few = dominators < depth
    return order[few], dominators[few]


def _count_with_base(target: FloatArray, base: FloatArray) -> IntArray:
    """Dominators of each item of a list in falling (source, target) order, (n,): the earlier items
    with its target part and its base or more.
    """
    counts = np.empty(len(target), dtype=np.int64)
    for place in range(len(target)):
        earlier = slice(place)
        counts[place] = np.count_nonzero(
            (target[earlier] >= target[place]) & (base[earlier] >= base[place])
        )
    return counts
