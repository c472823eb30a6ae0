"""Unfairness of predicted ratings to one group of users, beside what groups by lot would show."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, MEAN, METRIC, OWN, RATING, RUN, USER
from core.basics.types import BoolArray
from core.evaluation.item_groups import FEWEST_ITEMS
from core.evaluation.rating_error import Bounds
from core.evaluation.segments import FEWEST
from core.metrics.fairness import UNFAIRNESS, shared_items, unfairness

BY_LOT, CHANCE, ITEMS = "by_lot", "chance", "items"
TRIES = 200  # groups drawn by lot
COLUMNS = [RUN, METRIC, MEAN, BY_LOT, CHANCE, ITEMS]


def unfairness_rows(
    predictions: Mapping[str, pd.DataFrame],
    bounds: Bounds,
    group: pd.Series,
    name: str,
    tries: int = TRIES,
    seed: int = 0,
) -> pd.DataFrame:
    """RUN, METRIC, MEAN, BY_LOT, CHANCE and ITEMS of every run and figure of UNFAIRNESS.

    group: (n_users,) the group of every user number; those without one are left out, all others but
    the group's own stand against it. BY_LOT: the mean over groups of the same size drawn by lot;
    CHANCE: how often such a group is as far from fair. No rows where either side has under FEWEST
    users, or both rated fewer than FEWEST_ITEMS items.
    """
    rows = []
    for run, frame in predictions.items():
        of_rating = group.iloc[frame[USER].to_numpy()]
        kept = frame[of_rating.notna().to_numpy()]
        users, owners = np.unique(kept[USER].to_numpy(), return_inverse=True)
        inside = (group.iloc[users] == name).to_numpy(dtype=bool)
        items = np.unique(kept[ITEM].to_numpy(), return_inverse=True)[1]
        enough = shared_items(items, inside[owners])
        if min(inside.sum(), (~inside).sum()) < FEWEST or enough < FEWEST_ITEMS:
            continue
        guesses = bounds.clipped(kept[OWN].to_numpy())
        given = kept[RATING].to_numpy(np.float64)

        def told(chosen: BoolArray) -> np.ndarray:
            return unfairness(guesses, given, items, chosen[owners])  # noqa: B023

        found, generator = told(inside), np.random.default_rng(seed)
        drawn = np.array([told(generator.permutation(inside)) for _ in range(tries)])
        chance = (1 + (drawn >= found - 1e-12).sum(axis=0)) / (tries + 1)
        rows += [
            (run, metric, value, lot, often, enough)
            for metric, value, lot, often in zip(
                UNFAIRNESS, found, drawn.mean(axis=0), chance, strict=True
            )
        ]
    return pd.DataFrame(rows, columns=COLUMNS)
