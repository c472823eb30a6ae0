"""Do lists prefer categories more than their users did? BS, BR and BD of a group of users."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, USERS
from core.basics.types import BoolArray
from core.evaluation.list_world import Judged, ListWorld
from core.evaluation.segments import FEWEST
from core.metrics.fairness import bias, disparity, taken_sums
from core.metrics.intervals import bootstrap_of_sums
from core.metrics.lists import membership

IN_HISTORY, IN_LISTS = "in_history", "in_lists"
COLUMNS = [SEGMENT, IN_HISTORY, IN_LISTS, MEAN, LOW, HIGH, USERS]


def disparity_rows(
    judged: Judged, world: ListWorld, k: int, kinds: list[str], group: BoolArray | None = None
) -> pd.DataFrame:
    """A row per category of `kinds`: SEGMENT (its name), IN_HISTORY (BS), IN_LISTS (BR), MEAN (BD).

    LOW, HIGH and USERS are of BD. group: (n_users,) whose lists and histories count, None for all
    of the lists; users without target history or without a list are left out. No rows below FEWEST
    users, or without categories.
    """
    if world.categories is None or not kinds:
        return pd.DataFrame(columns=COLUMNS)
    members = world.categories.named(kinds)
    listed = membership(judged.items[:, :k], world.n_items)
    taken = csr_matrix(world.train.target[judged.users] != 0).astype(np.float64)
    counted = (taken.getnnz(axis=1) > 0) & (listed.getnnz(axis=1) > 0)
    if group is not None:
        counted &= group[judged.users]
    if counted.sum() < FEWEST:
        return pd.DataFrame(columns=COLUMNS)
    sums = [taken_sums(part[counted], members) for part in (taken, listed)]
    shares = members.getnnz(axis=0) / world.n_items
    found = bootstrap_of_sums(np.column_stack(sums), disparity)
    in_history, in_lists = (bias(part.sum(axis=0), shares) for part in sums)
    return pd.DataFrame(
        {
            SEGMENT: kinds,
            IN_HISTORY: in_history,
            IN_LISTS: in_lists,
            MEAN: [one.mean for one in found],
            LOW: [one.low for one in found],
            HIGH: [one.high for one in found],
            USERS: [one.users for one in found],
        }
    )
