"""Figures of recommended lists at any k: per user, and of the catalogue as a whole.

They need lists and a split, never a model, so that lists from another system are measured alike.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, SHARE, SKIPPED, USER, USERS
from core.basics.scores import FloatArray, IntArray
from core.evaluation.list_world import Judged, ListWorld
from core.metrics.cards import METRICS
from core.metrics.catalogue import coverage
from core.metrics.diversity import (
    categories_in,
    membership,
    outside,
    pair_distance,
    personalisation,
    rank_biased_overlap,
    unit_rows,
)
from core.metrics.exposure import (
    average_popularity,
    entropy,
    exposure,
    gini,
    items_for_half,
    lorenz,
    tail_share,
)
from core.metrics.further import (
    capped_recall,
    discounted_worth,
    percentile_rank,
    pooled_auc,
    r_precision,
    rank_biased_precision,
    serendipity,
)
from core.metrics.intervals import Interval, bootstrap_difference, bootstrap_means
from core.metrics.mix import category_mix, even_rows, miscalibration
from core.metrics.resampled import bootstrap_of_sums

CATALOGUE = ("coverage", "gini", "entropy", "personalisation")  # figures of all lists together
DIFFERENCE, EXPOSURE = "difference", "exposure"
RBO = "rbo"
LORENZ_POINTS = 150
Columns = dict[str, FloatArray]


def list_figures(
    judged: Judged, world: ListWorld, k: int, auc: FloatArray | None = None
) -> pd.DataFrame:
    """USER and a column per figure that each user has, such as "serendipity@10".

    auc: (users,) of the same users, where the model's scores were known. Figures by category are
    left out where the target has no categories.
    """
    lists = judged.items[:, :k]
    columns = _further(judged, k, auc) | _variety(lists, world, k)
    columns |= _familiarity(judged, world, k) | _mix(judged.users, lists, world)
    return pd.DataFrame({USER: judged.users.astype(np.int32)} | {
        f"{name}@{k}" if METRICS[name].at_k else name: values for name, values in columns.items()
    })  # fmt: skip


def catalogue_figures(judged: Judged, world: ListWorld, k: int) -> dict[str, float]:
    """CATALOGUE at k, such as "gini@10"; none has an interval, see their cards."""
    lists = judged.items[:, :k]
    counts = _shown(lists, world)
    values = (
        coverage(lists, len(counts)), gini(counts), entropy(counts),
        personalisation(membership(lists, world.n_items)),
    )  # fmt: skip
    return {f"{name}@{k}": value for name, value in zip(CATALOGUE, values, strict=True)}


def overlap_with(ours: Judged, theirs: Judged, k: int) -> pd.DataFrame:
    """USER and RBO at k of the lists of every user of both."""
    users, here, there = np.intersect1d(ours.users, theirs.users, return_indices=True)
    rbo = rank_biased_overlap(ours.items[here, :k], theirs.items[there, :k])
    return pd.DataFrame({USER: users.astype(np.int32), f"{RBO}@{k}": rbo})


def compared(frames: Mapping[str, pd.DataFrame], twin: str | None = None) -> pd.DataFrame:
    """One row per run and figure: RUN, METRIC, MEAN, LOW, HIGH, USERS, SKIPPED.

    With a twin, rows named DIFFERENCE hold the first run minus the twin, paired over users.
    """
    users = np.unique(np.concatenate([frame[USER].to_numpy() for frame in frames.values()]))
    tables = {name: frame.set_index(USER).reindex(users) for name, frame in frames.items()}
    places = [(name, column) for name, table in tables.items() for column in table]
    values = np.column_stack([tables[name][column].to_numpy(np.float64) for name, column in places])
    found = list(zip(places, bootstrap_means(values), strict=True))
    if twin is not None:
        ours, theirs = tables[next(iter(tables))], tables[twin]
        both = [column for column in ours if column in theirs and not column.startswith(RBO)]
        lifts = bootstrap_difference(ours[both].to_numpy(float), theirs[both].to_numpy(float))
        found += [((DIFFERENCE, c), lift) for c, lift in zip(both, lifts, strict=True)]
    return pd.DataFrame([{RUN: name, METRIC: column} | _said(gap) for (name, column), gap in found])


def gauc(judged: Judged, auc: FloatArray) -> Interval:
    """AUC of the users, (users,), each weighing by what there is to find; NaN are left out."""
    sums = np.column_stack([judged.n_relevant * auc, judged.n_relevant])
    return bootstrap_of_sums(sums, pooled_auc)[0]


def lorenz_points(judged: Judged, world: ListWorld, k: int) -> pd.DataFrame:
    """SHARE of the catalogue, least shown first, and EXPOSURE it has: few points, most at the end.

    Exact where a point stands; between two the curve is drawn straight.
    """
    x, y = lorenz(_shown(judged.items[:, :k], world))
    wanted = 1 - np.linspace(1, 0, LORENZ_POINTS) ** 3
    kept = np.unique(np.round(wanted * (len(x) - 1)).astype(int))
    return pd.DataFrame({SHARE: x[kept], EXPOSURE: y[kept]})


def half_share(judged: Judged, world: ListWorld, k: int) -> tuple[int, float]:
    """Items that take half of all places, and their share of the catalogue."""
    counts = _shown(judged.items[:, :k], world)
    n = items_for_half(counts)
    return n, n / max(1, len(counts))


def _shown(lists: IntArray, world: ListWorld) -> IntArray:
    """How often each item is recommended, (items that may be,)."""
    return exposure(lists, world.n_items)[world.rankable]


def _further(judged: Judged, k: int, auc: FloatArray | None) -> Columns:
    hits, wanted = judged.hits, judged.n_relevant
    found = {
        "capped_recall": capped_recall(hits, wanted, k),
        "rbp": rank_biased_precision(hits, wanted, k),
        "r_precision": r_precision(hits, wanted),
    }
    if auc is not None and not np.isnan(auc).all():
        found["percentile_rank"] = percentile_rank(auc, wanted, judged.n_candidates)
    return found


def _variety(lists: IntArray, world: ListWorld, k: int) -> Columns:
    members = membership(lists, world.n_items)
    found = {"intra_list_diversity": pair_distance(lists, world.item_vectors)}
    if world.categories is not None:
        touched = categories_in(members, world.categories.members)
        units = unit_rows(world.categories.members)
        found["category_distance"] = pair_distance(lists, units)
        found["categorical_diversity"] = touched / k
        found["s_recall"] = touched / len(world.categories.names)
    return found | {"full_list": (np.diff(members.indptr) == k).astype(np.float64)}


def _familiarity(judged: Judged, world: ListWorld, k: int) -> Columns:
    lists, hits, wanted = judged.items[:, :k], judged.hits[:, :k], judged.n_relevant
    popularity, known = world.popularity.astype(np.float64), max(1, world.n_known)
    members = membership(lists, world.n_items)
    usual = membership(world.most_popular(judged.users, k), world.n_items)
    bits = -np.log2((popularity + 1) / (known + 1))
    return {
        "serendipity": serendipity(hits, lists, wanted, popularity),
        "unexpectedness": outside(members, usual),
        "epc": discounted_worth(hits, lists, wanted, 1 - popularity / known),
        "efd": discounted_worth(hits, lists, wanted, bits),
        "average_popularity": average_popularity(lists, popularity),
        "tail_share": tail_share(lists, world.head),
    }


def _mix(users: IntArray, lists: IntArray, world: ListWorld) -> Columns:
    members, found = membership(lists, world.n_items), {}
    if world.categories is not None and world.history_mix is not None:
        got = category_mix(members, even_rows(world.categories.members))
        found["calibration"] = miscalibration(world.history_mix[users], got)
    if world.shared_categories is not None and world.source_mix is not None:
        got = category_mix(members, even_rows(world.shared_categories[1].members))
        found["source_calibration"] = miscalibration(world.source_mix[users], got)
    return found


def _said(interval: Interval) -> dict[str, float]:
    return {
        MEAN: interval.mean, LOW: interval.low, HIGH: interval.high,
        USERS: interval.users, SKIPPED: interval.skipped,
    }  # fmt: skip
