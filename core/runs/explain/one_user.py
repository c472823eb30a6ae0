"""What one user gets from a run, and why: the list, its hits, and the amounts behind one item."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, DomainScores, FloatArray, IntArray, Masked
from core.data.pair import DomainPair
from core.data.snapshot import Split
from core.evaluation.lists import ListWorld
from core.evaluation.reranked import places_of
from core.fusion.combine import NO_ITEM, NO_USER, RAW, WEIGHTED_SUM, Fusion, fuse_scores, top_k
from core.fusion.rerank import POOL, Rerank
from core.models.protocol import CrossDomainModel
from core.store.run_folder import Run

NOTHING = np.empty(0, dtype=np.int32)


@dataclass(frozen=True)
class UserList:
    """A user's list, best first; source and target are raw, as the model gave them."""

    user: int
    items: IntArray  # (up to k,) target item numbers
    source: FloatArray  # (up to k,)
    target: FloatArray
    source_weighted: FloatArray  # (up to k,) as the parts count: base and both sum to fused
    target_weighted: FloatArray
    base: FloatArray
    own: FloatArray  # the model's own score, before any weights
    fused: FloatArray
    hits: BoolArray  # (up to k,) held out for this user
    held_out: IntArray  # (n,) items to be found
    places: IntArray  # (n_target_items,) rank of every item that is not masked, 0 where it is
    has_source: bool
    has_target: bool

    @property
    def held_out_ranks(self) -> IntArray:
        """(n,) places of the items to be found among every item that is not masked."""
        return self.places[self.held_out]


@dataclass(frozen=True)
class ShortList:
    """A list without anything about its scores."""

    items: IntArray  # (up to k,) target item numbers
    hits: BoolArray


@dataclass(frozen=True)
class Reasons:
    """Amounts that add up to one item's score: base, every history item, and the rest.

    rest is what a model whose score is no sum has beyond what single items add; 0 (up to rounding)
    for additive models. weighted: score and amounts are the fused ones, with alpha and beta in
    them; else they are the model's own.
    """

    item: int
    base: float
    source_items: IntArray
    source_amounts: FloatArray
    target_items: IntArray
    target_amounts: FloatArray
    rest: float
    score: float
    weighted: bool


def user_list(
    model: CrossDomainModel, split: Split, part: str, user: int, fusion: Fusion, k: int
) -> UserList:
    """The user's top k among every item that is not masked in the part, computed on the spot."""
    scores, masked = (
        model.score(np.array([user])).filled(split.train.popularity),
        split.masked(part, [user]),
    )
    held_out = split.held_out(part)[[user]].indices
    return list_of_scores(scores, masked, fusion, k, user, held_out)


def reranked_user_list(
    model: CrossDomainModel,
    split: Split,
    part: str,
    user: int,
    fusion: Fusion,
    k: int,
    rule: Rerank,
    world: ListWorld | None = None,
) -> UserList:
    """The user's list of k, chosen by the rule from the best POOL by score; parts are as they were.

    world: of the same part, where the caller has it already.
    """
    if not rule.acts:
        return user_list(model, split, part, user, fusion, k)
    pool = user_list(model, split, part, user, fusion, max(k, POOL))
    world = world or ListWorld.of(split, part)
    places = places_of(pool.items[None], pool.fused[None], np.array([user]), world, rule, k)[0]
    return reordered(pool, places[places >= 0])


def reordered(pool: UserList, chosen: IntArray) -> UserList:
    """The list of the chosen places of a longer one; every item not chosen stands below, in order.

    Items keep their scores and parts, so the reasons of each place stay exact.
    """
    first = pool.items[chosen]
    places = pool.places.copy()
    ahead = np.sort(pool.places[first])
    places += len(first) - np.searchsorted(ahead, pool.places).astype(places.dtype)
    places[pool.places == 0] = 0
    places[first] = np.arange(1, len(first) + 1)
    names = ("source", "target", "source_weighted", "target_weighted", "base", "own", "fused")
    columns = {name: getattr(pool, name)[chosen] for name in (*names, "hits")}
    return replace(pool, items=first, places=places, **columns)


def list_of_scores(
    scores: DomainScores,
    masked: Masked,
    fusion: Fusion,
    k: int,
    user: int = NO_USER,
    held_out: IntArray = NOTHING,
) -> UserList:
    """The top k by one row of scores; masked: one row of what may not be listed."""
    fused = fuse_scores(scores, masked, fusion)
    items = top_k(fused, scores.source, scores.target, k)[0]
    items = items[items != NO_ITEM]
    # Both parts as they count in the fused score, (1, n_target_items) each
    has = bool(scores.has_source[0]), bool(scores.has_target[0])
    parts = []
    for weight, known, alone in zip(
        effective_weights(*has, fusion), has, ((1.0, 0.0), (0.0, 1.0)), strict=True
    ):
        shaped = fuse_scores(scores, masked, replace(fusion, alpha=alone[0], beta=alone[1]))
        parts.append(
            np.float32(weight * known) * np.where(np.isneginf(shaped), 0.0, shaped - scores.base)
        )
    source, target = parts[0], parts[1]
    own = np.broadcast_to(scores.own_scores(), fused.shape)
    base = np.broadcast_to(scores.base, fused.shape)
    # Place of each item in the full order (score, source part, target part, item number)
    order = np.lexsort((-scores.target[0], -scores.source[0], -fused[0]))
    places = np.empty(fused.shape[1], dtype=np.int32)
    places[order] = np.arange(1, fused.shape[1] + 1)
    places[np.isneginf(fused[0])] = 0
    return UserList(
        user,
        items,
        scores.source[0, items],
        scores.target[0, items],
        source[0, items],
        target[0, items],
        base[0, items],
        own[0, items],
        fused[0, items],
        np.isin(items, held_out),
        held_out,
        places,
        bool(scores.has_source[0]),
        bool(scores.has_target[0]),
    )


def kept_list(run: Run, split: Split, part: str, user: int, k: int) -> ShortList:
    """The user's list as the run's folder has it, which is all there is of uploaded lists."""
    if not run.has_lists:
        return ShortList(NOTHING, NOTHING.astype(bool))
    kept = run.lists(part)
    row = np.flatnonzero(kept.users == user)
    items = kept.items[row[0], :k] if len(row) else NOTHING
    items = items[items != NO_ITEM]
    return ShortList(items, np.isin(items, split.held_out(part)[[user]].indices))


def effective_weights(has_source: bool, has_target: bool, fusion: Fusion) -> tuple[float, float]:
    """alpha and beta as they act for a user: evidence from one domain alone counts in full."""
    if has_source and has_target:
        return fusion.alpha, fusion.beta
    return float(has_source), float(has_target)


def reasons(
    model: CrossDomainModel, train: DomainPair, listed: UserList, place: int, fusion: Fusion
) -> Reasons:
    """Why the item at this place of the list has its score.

    train: the pair the model was trained on (a twin's has no source items). Amounts are weighted
    by alpha and beta where the fusion is a weighted sum of raw parts, and the model's own else.
    """
    item, user = int(listed.items[place]), listed.user
    found = model.explain(_row(train.source, user), _row(train.target, user), item)
    weighted = fusion.kind == WEIGHTED_SUM and fusion.scale == RAW
    alpha, beta = (
        effective_weights(listed.has_source, listed.has_target, fusion) if weighted else (1.0, 1.0)
    )
    source, target = alpha * found.source_amounts, beta * found.target_amounts
    base = float(listed.base[place])
    score = float((listed.fused if weighted else listed.own)[place])
    return Reasons(
        item,
        base,
        found.source_items,
        source,
        found.target_items,
        target,
        rest=score - base - float(source.sum() + target.sum()),
        score=score,
        weighted=weighted,
    )


def _row(matrix: csr_matrix, user: int) -> csr_matrix:
    return matrix[[user]]
