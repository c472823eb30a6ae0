"""Figures of recommended lists at any k: per user, and of the catalogue as a whole.

They need lists and a split, never a model, so that lists from another system are measured alike.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, SHARE, SKIPPED, USER, USERS
from core.basics.types import FloatArray
from core.evaluation.lists import ListWorld, columns_of
from core.metrics.card import Judged, Seen
from core.metrics.catalogue import items_for_half, lorenz
from core.metrics.further import pooled_auc
from core.metrics.intervals import (
    Interval,
    bootstrap_difference,
    bootstrap_means,
    bootstrap_of_sums,
)
from core.metrics.mix import rank_biased_overlap
from core.metrics.registry import CATALOGUE

DIFFERENCE, EXPOSURE = "difference", "exposure"
RBO = "rbo"
LORENZ_POINTS = 150


def list_figures(seen: Seen) -> pd.DataFrame:
    """USER and a column per figure that each user has, such as "serendipity@10".

    What cannot be said of anybody is left out: by category without categories, of scores where
    only lists are known.
    """
    users = seen.judged.users.astype(np.int32)
    return pd.DataFrame({USER: users} | columns_of(seen))


def catalogue_figures(judged: Judged, world: ListWorld, k: int) -> dict[str, float]:
    """CATALOGUE at k, such as "gini@10"; none has an interval, see their cards."""
    seen = Seen(judged, world, k)
    return {card.column(k): card.value(seen) for card in CATALOGUE.values()}


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
    return pd.DataFrame(
        [
            {RUN: name, METRIC: column}
            | {
                MEAN: gap.mean,
                LOW: gap.low,
                HIGH: gap.high,
                USERS: gap.users,
                SKIPPED: gap.skipped,
            }
            for (name, column), gap in found
        ]
    )


def gauc(judged: Judged, auc: FloatArray) -> Interval:
    """AUC of the users, (users,), each weighing by what there is to find; NaN are left out."""
    sums = np.column_stack([judged.n_relevant * auc, judged.n_relevant])
    return bootstrap_of_sums(sums, pooled_auc)[0]


def lorenz_points(judged: Judged, world: ListWorld, k: int) -> pd.DataFrame:
    """SHARE of the catalogue, least shown first, and EXPOSURE it has: few points, most at the end.

    Exact where a point stands; between two the curve is drawn straight.
    """
    x, y = lorenz(Seen(judged, world, k).exposure)
    wanted = 1 - np.linspace(1, 0, LORENZ_POINTS) ** 3
    kept = np.unique(np.round(wanted * (len(x) - 1)).astype(int))
    return pd.DataFrame({SHARE: x[kept], EXPOSURE: y[kept]})


def half_share(judged: Judged, world: ListWorld, k: int) -> tuple[int, float]:
    """Items that take half of all places, and their share of the catalogue."""
    counts = Seen(judged, world, k).exposure
    n = items_for_half(counts)
    return n, n / max(1, len(counts))
