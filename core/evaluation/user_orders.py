"""Orders to walk through users in: the most helped first, typical ones first, and so on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.basics.columns import USER
from core.basics.types import IntArray
from core.data.pair import DomainPair

HELPED, HARMED, TYPICAL, COLD, RANDOM, BY_ID = (
    "helped",
    "harmed",
    "typical",
    "cold",
    "random",
    "id",
)
TITLES = {
    HELPED: "most helped first",
    HARMED: "most harmed first",
    TYPICAL: "typical first",
    COLD: "cold users",
    RANDOM: "random order",
    BY_ID: "every user, by id",
}


def user_order(
    kind: str, train: DomainPair, evaluated: IntArray, moved: pd.DataFrame | None, seed: int = 0
) -> IntArray:
    """User numbers in the order of the kind; empty where there is nobody of the kind.

    moved: USER (number), `run` (the metric) and `difference` of the evaluated users against the
    twin or popularity; None where there is nothing to compare with, which leaves the first two
    kinds empty. Typical is near the median in the metric and in both histories.
    """
    if kind == BY_ID:
        return np.arange(len(train.users))
    if kind == COLD:
        cold = train.cold_users
        return np.concatenate([cold[np.isin(cold, evaluated)], cold[~np.isin(cold, evaluated)]])
    if kind == RANDOM:
        return evaluated[np.random.default_rng(seed).permutation(len(evaluated))]
    if moved is None:
        return _typical(train, evaluated) if kind == TYPICAL else np.array([], dtype=int)
    if kind == TYPICAL:
        return _typical(train, evaluated, moved)
    sign = -1 if kind == HELPED else 1
    wanted = moved[sign * moved["difference"] < 0]
    order = np.lexsort((wanted[USER], sign * wanted["difference"]))
    return wanted[USER].to_numpy()[order]


def _typical(train: DomainPair, evaluated: IntArray, moved: pd.DataFrame | None = None) -> IntArray:
    """Users by their distance from the median, in ranks so that no unit weighs more."""
    columns = [train.source_history[evaluated], train.target_history[evaluated]]
    if moved is not None:
        columns.append(moved.set_index(USER)["run"].reindex(evaluated).fillna(0).to_numpy())
    places = np.column_stack([pd.Series(column).rank(pct=True) for column in columns])
    return evaluated[np.argsort(np.abs(places - 0.5).sum(axis=1), kind="stable")]
