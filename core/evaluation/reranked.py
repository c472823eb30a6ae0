"""Lists re-ranked for variety or for the mix of a user's history, and what that costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import HIGH, KIND, LOW, MEAN, METRIC, SHARE, USERS
from core.basics.types import Candidates, FloatArray, IntArray, Lists
from core.evaluation.lists import ListWorld, judge
from core.fusion.combine import NO_ITEM, Fusion
from core.fusion.fused import FusedLists, fused_top_k
from core.fusion.rerank import CALIBRATED, MMR, POOL, Rerank, calibrated, varied
from core.metrics.card import Judged, Seen
from core.metrics.catalogue import coverage, list_means
from core.metrics.intervals import bootstrap_means
from core.metrics.lists import pair_distance, unit_rows
from core.metrics.mix import category_mix, even_rows, miscalibration
from core.metrics.ranking import per_user_metrics
from core.models.text.encoders import DEFAULT
from core.models.text.vectors import kept_vectors
from core.models.text.words import item_texts

CATEGORIES, TEXTS, PEOPLE = "categories", "texts", "people"
LIKENESS = (CATEGORIES, TEXTS, PEOPLE)  # what makes items alike, the first that there is by default
STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
COST = "cost"  # nDCG less that of the lists as they were, paired over users


def there(world: ListWorld) -> list[str]:
    """Of LIKENESS what the target's items have here; texts only where their vectors are kept."""
    has = {
        CATEGORIES: world.categories is not None,
        TEXTS: _texts(world) is not None,
        PEOPLE: world.masked.columns is None,  # nobody has a new item
    }
    return [name for name in LIKENESS if has[name]]


def likeness(world: ListWorld, by: str | None = None) -> csr_matrix:
    """(n_items, d) rows of length 1: categories, vectors of texts, or who has the item.

    by: one of LIKENESS; None for the first that there is. What is not there makes nothing alike.
    """
    known = there(world)
    name = by or (known[0] if known else PEOPLE)
    if name == TEXTS and (vectors := _texts(world)) is not None:
        return unit_rows(csr_matrix(vectors))
    return unit_rows(world.kinds) if name == CATEGORIES else world.item_vectors


def _texts(world: ListWorld) -> FloatArray | None:
    """Vectors of the titles, where the default encoder has read all of them before."""
    features = world.train.target_features
    if features is None or features.vectors_folder is None or not (features.titles != "").any():
        return None
    return kept_vectors(item_texts(features), DEFAULT, features.vectors_folder)


def places_of(
    items: IntArray,
    fused: FloatArray,
    users: IntArray,
    world: ListWorld,
    rule: Rerank,
    k: int,
    by: str | None = None,
) -> IntArray:
    """Places in each user's pool that make the list, (users, k), -1 where it is shorter.

    items, fused: (users, pool), best first; -1 and any score where a pool is shorter. by: what
    makes items alike, as `likeness` takes it.
    """
    scores = np.where(items == NO_ITEM, -np.inf, fused)
    if rule.kind == MMR and rule.acts:
        return varied(items, scores, likeness(world, by), rule.strength, k)
    if rule.kind == CALIBRATED and rule.acts and world.categories is not None:
        wanted = world.history_mix[users].toarray()
        return calibrated(items, scores, wanted, even_rows(world.kinds), rule.strength, k)
    places = np.broadcast_to(
        np.arange(min(k, items.shape[1])), (len(items), min(k, items.shape[1]))
    )
    return np.where(items[:, : places.shape[1]] == NO_ITEM, -1, places)


def reranked_lists(
    pools: FusedLists, world: ListWorld, rule: Rerank, k: int, by: str | None = None
) -> Lists:
    """The lists of k of users whose pools are known."""
    places = places_of(pools.items, pools.fused, pools.users, world, rule, k, by)
    items = np.take_along_axis(pools.items, np.maximum(places, 0), axis=1)
    return Lists(pools.users, np.where(places < 0, NO_ITEM, items).astype(np.int32))


def rerank_curve(
    candidates: Candidates,
    world: ListWorld,
    fusion: Fusion,
    k: int,
    by: str | None = None,
    strengths: tuple[float, ...] = STRENGTHS,
) -> pd.DataFrame:
    """What a re-ranking of each kind brings and costs: KIND, SHARE (the strength), METRIC, MEAN,
    LOW, HIGH, USERS.

    METRIC is a column such as "ndcg@10", or COST. Figures of the whole catalogue have no interval.
    Calibrated lists are left out where items have no categories.
    """
    pools = fused_top_k(candidates, fusion, min(POOL, candidates.depth))
    kinds = [MMR] if world.categories is None else [MMR, CALIBRATED]
    rows = []
    for kind in kinds:
        before = None
        for strength in strengths:
            lists = reranked_lists(pools, world, Rerank(kind, strength), k, by)
            values = _per_user(judge(lists, world), world, k)
            before = values if before is None else before
            values[COST] = values[f"ndcg@{k}"] - before[f"ndcg@{k}"]
            found = bootstrap_means(np.column_stack(list(values.values())))
            for name, one in zip(values, found, strict=True):
                rows.append((kind, strength, name, one.mean, one.low, one.high, one.users))
            share = coverage(lists.items, int(world.rankable.sum()))
            rows.append((kind, strength, f"coverage@{k}", share, np.nan, np.nan, len(lists.users)))
    return pd.DataFrame(rows, columns=[KIND, SHARE, METRIC, MEAN, LOW, HIGH, USERS])


def _per_user(judged: Judged, world: ListWorld, k: int) -> dict[str, FloatArray]:
    """By column, (users,): quality, variety, how far from the history's mix, and how popular."""
    lists, seen = judged.items, Seen(judged, world, k)
    values = per_user_metrics(judged.hits, judged.n_relevant, (k,))
    values = {f"ndcg@{k}": values[f"ndcg@{k}"]}
    values[f"intra_list_diversity@{k}"] = pair_distance(lists, world.item_vectors)
    if world.categories is not None:
        values[f"category_distance@{k}"] = pair_distance(lists, unit_rows(world.kinds))
        got = category_mix(seen.members, even_rows(world.kinds))
        values[f"calibration@{k}"] = miscalibration(world.history_mix[judged.users], got)
    values[f"exposure_share@{k}"] = list_means(world.head, lists)
    return values
