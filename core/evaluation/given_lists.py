"""Lists from another system, measured like those of any model: full catalogue, training masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, RANK, SCORE, USER
from core.basics.ids import IdMap
from core.basics.scores import BoolArray, FloatArray, IntArray
from core.basics.sorted_sets import among
from core.data.entries import cells
from core.data.snapshot import Split
from core.evaluation.evaluate import Evaluation, findable
from core.fusion.lists import NOBODY
from core.metrics.catalogue import coverage, novelty
from core.metrics.ranking import KS, per_user_metrics


@dataclass(frozen=True)
class GivenLists:
    """Rows that name a user and an item of the split, by user and best first.

    unknown: what was left out on the way, {"unknown_user_rows", "unknown_users", …}.
    """

    users: IntArray  # (n_rows,)
    items: IntArray  # (n_rows,) target item numbers
    unknown: dict[str, int]


@dataclass(frozen=True)
class MeasuredLists:
    """Lists and metrics of one part, and what became of every row; counts add up to the rows."""

    evaluation: Evaluation
    rows: dict[str, int]  # "masked", "not_evaluated", "beyond", "used"
    users: dict[str, int]  # "without_list", "short@10": lists of fewer items than that


def given_lists(frame: pd.DataFrame, split: Split) -> GivenLists:
    """The rows in the split's numbers, ordered.

    frame: USER, ITEM as texts, a pair at most once, and RANK (1 is best), else SCORE (the largest
    is best), else the order of the rows. Equal ranks or scores stand by item number.
    """
    users, items = _found(frame[USER], split.train.users), _found(frame[ITEM], target_ids(split))
    unknown_user, unknown_item = users < 0, (users >= 0) & (items < 0)
    kept = ~(unknown_user | unknown_item)
    order = np.lexsort((items[kept], _place(frame)[kept], users[kept]))
    unknown = {
        "unknown_user_rows": int(unknown_user.sum()),
        "unknown_users": int(frame[USER][unknown_user].nunique()),
        "unknown_item_rows": int(unknown_item.sum()),
        "unknown_items": int(frame[ITEM][unknown_item].nunique()),
    }
    return GivenLists(users[kept][order], items[kept][order], unknown)


def measure_lists(
    given: GivenLists, split: Split, part: str, ks: Sequence[int] = KS
) -> MeasuredLists:
    """Metrics of the users with something to find, as `evaluate` gives them for a model.

    What is masked for a model is taken out of the lists. A user without a list found nothing, so
    the metrics are 0 and not missing. Only AUC, which needs scores of every item, is NaN.
    """
    hidden = split.masked(part)
    relevant = findable(split.held_out(part), hidden)
    users, n_items = np.flatnonzero(np.diff(relevant.indptr)), relevant.shape[1]
    row_of = np.full(relevant.shape[0], -1)
    row_of[users] = np.arange(len(users))
    masked = among(given.users * n_items + given.items, cells(hidden.rows))
    masked |= ~hidden.rankable[given.items]
    known = ~masked & (row_of[given.users] >= 0)
    rows, items = row_of[given.users[known]], given.items[known]
    places = _places(rows)
    listed = places < max(ks)
    lists = np.full((len(users), max(ks)), NOBODY, dtype=np.int32)
    lists[rows[listed], places[listed]] = items[listed]
    lengths = (lists != NOBODY).sum(axis=1)
    n_relevant = np.diff(relevant.indptr)[users]
    columns = per_user_metrics(_hits(lists, users, cells(relevant), n_items), n_relevant, ks)
    evaluation = _evaluation(users, lists, columns, split, hidden.n_rankable, ks)
    return MeasuredLists(
        evaluation,
        {
            "masked": int(masked.sum()),
            "not_evaluated": int((~masked & ~known).sum()),
            "beyond": int((~listed).sum()),
            "used": int(listed.sum()),
        },
        {"without_list": int((lengths == 0).sum())}
        | {f"short@{k}": int(((lengths > 0) & (lengths < k)).sum()) for k in ks},
    )


def holds_any_of(given: GivenLists, split: Split, part: str) -> bool:
    """Whether any list holds any item to be found: a system may have left out the part's items."""
    held_out = split.held_out(part)
    return bool(among(given.users * held_out.shape[1] + given.items, cells(held_out)).any())


def target_ids(split: Split) -> IdMap:
    """Ids of the items that may be recommended."""
    return split.train.target_items


def _evaluation(
    users: IntArray,
    lists: IntArray,
    columns: dict,
    split: Split,
    n_rankable: int,
    ks: Sequence[int],
) -> Evaluation:
    popularity = split.train.popularity
    n_known = int((split.train.target_history > 0).sum())
    columns = columns | {"auc": np.full(len(users), np.nan)}
    columns |= {f"novelty@{k}": novelty(lists[:, :k], popularity, n_known) for k in ks}
    n_users = len(split.train.users)
    return Evaluation(
        users=users,
        per_user=pd.DataFrame({USER: users.astype(np.int32)} | columns),
        lists=lists,
        coverage={f"coverage@{k}": coverage(lists[:, :k], n_rankable) for k in ks},
        counts={"users": len(users), "skipped": n_users - len(users), "by_popularity": 0},
    )


def _hits(lists: IntArray, users: IntArray, relevant: IntArray, n_items: int) -> BoolArray:
    found = among(users[:, None] * n_items + lists, relevant)
    return np.asarray(found & (lists != NOBODY), dtype=bool)


def _found(names: pd.Series, ids: IdMap) -> IntArray:
    """Numbers of the ids, -1 for those that are not there."""
    return pd.Index(ids.ids, dtype="object").get_indexer(names.to_numpy(dtype=object))


def _place(frame: pd.DataFrame) -> FloatArray:
    if RANK in frame:
        return frame[RANK].to_numpy(dtype=np.float64)
    if SCORE in frame:
        return -frame[SCORE].to_numpy(dtype=np.float64)
    return np.arange(len(frame), dtype=np.float64)


def _places(rows: IntArray) -> IntArray:
    """0, 1, … within each run of equal numbers; rows: (n,) ascending."""
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    return np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
