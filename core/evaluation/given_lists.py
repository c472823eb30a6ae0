"""Measure lists from another system like those of any model, and say what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.basics.columns import DISTANCE, ITEM, RANK, SCORE, TEST, USER
from core.basics.files import unescaped
from core.basics.formatting import count
from core.basics.sorted_sets import among
from core.basics.types import BoolArray, FloatArray, IdMap, IntArray
from core.data.pair import cells
from core.data.snapshot import Split
from core.evaluation.evaluate import Evaluation, findable
from core.fusion.combine import NO_ITEM
from core.metrics.catalogue import coverage, novelty
from core.metrics.ranking import KS, per_user_metrics

ORDERS = (RANK, SCORE, DISTANCE)  # what decides a list's order, the first that a file has


@dataclass(frozen=True)
class GivenLists:
    """Rows that name a user and an item of the split, by user and best first.

    told: what was merged, tied or left out on the way, {"duplicates", "unknown_user_rows", …}.
    """

    users: IntArray  # (n_rows,)
    items: IntArray  # (n_rows,) target item numbers
    told: dict[str, int]


@dataclass(frozen=True)
class MeasuredLists:
    """Lists and metrics of one part, and what became of every row; counts add up to the rows."""

    evaluation: Evaluation
    rows: dict[str, int]  # "masked", "not_evaluated", "beyond", "used"
    users: dict[str, int]  # "without_list", "short@10": lists of fewer items than that


def given_lists(frame: pd.DataFrame, split: Split) -> GivenLists:
    """The rows in the split's numbers, ordered.

    frame: USER, ITEM as texts, and RANK (1 is best), else SCORE (the largest is best), else
    DISTANCE (the smallest is best), else the order of the rows. Of an item twice in a user's list
    the better place stays; equal ranks, scores or distances stand as the rows do. This is the one
    place where either is decided, for every way on which lists come in.
    """
    place = _place(frame)
    best, merged = _best_rows(frame, place)
    frame, place = frame.iloc[best], place[best]
    (users, opened_users), (items, opened_items) = (
        _found(frame[USER], split.train.users),
        _found(frame[ITEM], target_ids(split)),
    )
    unknown_user, unknown_item = users < 0, (users >= 0) & (items < 0)
    kept = ~(unknown_user | unknown_item)
    order = np.argsort(users[kept], kind="stable")  # the rows stand by place already
    tied = _tied(users[kept][order], place[kept][order]) if _order(frame) else np.zeros(0, int)
    told = {
        "duplicates": merged,
        "unknown_user_rows": int(unknown_user.sum()),
        "unknown_users": int(frame[USER][unknown_user].nunique()),
        "unknown_item_rows": int(unknown_item.sum()),
        "unknown_items": int(frame[ITEM][unknown_item].nunique()),
        "unquoted_rows": int((opened_users | opened_items).sum()),
        "tied_rows": len(tied),
        "tied_users": len(np.unique(tied)),
    }
    return GivenLists(users[kept][order], items[kept][order], told)


def rising_lists(frame: pd.DataFrame) -> tuple[int, int]:
    """Of the lists with different scores, how many rise down their rows, and how many there are.

    frame: as for `given_lists`. Best first is usual; where scores rise, small may be near.
    """
    if _order(frame) != SCORE:
        return 0, 0
    scores = frame[SCORE].groupby(frame[USER], sort=False)
    spread = scores.max() > scores.min()
    rising = scores.agg(lambda part: part.is_monotonic_increasing)
    return int((rising & spread).sum()), int(spread.sum())


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
    # 0, 1, … within each run of equal numbers; rows: (n,) ascending
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    places = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    listed = places < max(ks)
    lists = np.full((len(users), max(ks)), NO_ITEM, dtype=np.int32)
    lists[rows[listed], places[listed]] = items[listed]
    lengths = (lists != NO_ITEM).sum(axis=1)
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
    return np.asarray(found & (lists != NO_ITEM), dtype=bool)


def _found(names: pd.Series, ids: IdMap) -> tuple[IntArray, BoolArray]:
    """Numbers of the ids, -1 for those that are not there; True for those taken without a quote.

    A file made for a spreadsheet has a `'` before ids that would be formulas.
    """
    known, given = pd.Index(ids.ids, dtype="object"), names.astype("object")
    numbers = known.get_indexer(given.to_numpy())
    plain = given.map(unescaped)
    marked = (numbers < 0) & (plain != given).to_numpy()
    numbers[marked] = known.get_indexer(plain.to_numpy()[marked])
    return numbers, marked & (numbers >= 0)


def _order(frame: pd.DataFrame) -> str | None:
    """The column that orders the rows; None where they stand as in the file."""
    return next((name for name in ORDERS if name in frame), None)


def _place(frame: pd.DataFrame) -> FloatArray:
    """(n_rows,) what the rows of one user are ordered by, the smallest first."""
    by = _order(frame)
    if by is None:
        return np.arange(len(frame), dtype=np.float64)
    values = frame[by].to_numpy(dtype=np.float64)
    return -values if by == SCORE else values


def _best_rows(frame: pd.DataFrame, place: FloatArray) -> tuple[IntArray, int]:
    """Numbers of the rows that stay, the best place first, and how many were merged into them."""
    order = np.lexsort((np.arange(len(place)), place))
    again = frame[[USER, ITEM]].iloc[order].duplicated().to_numpy()
    return order[~again], int(again.sum())


def _tied(users: IntArray, place: FloatArray) -> IntArray:
    """The user of every row that has the place of its neighbour; rows by user and place."""
    same = (users[1:] == users[:-1]) & (place[1:] == place[:-1])
    return users[np.append(False, same) | np.append(same, False)] if len(users) else users


# What became of the rows and users of uploaded lists, in sentences made from the counts.

Counts = Mapping[str, Any]
SHORT = 10  # items below which a list is too short for figures at 10
_ORDERS = {
    "rank": "Lists are ordered by rank, the smallest first",
    "score": "Lists are ordered by score, the largest first",
    "distance": "Lists are ordered by distance, the smallest first",
    "file": "Lists are ordered as the rows stand in the file",
}


def given_words(upload: Counts | None, evaluated: int) -> list[str]:
    """Sentences about the lists of an uploaded run; none for a run of another kind.

    upload: what its record counted. evaluated: users of the test part.
    """
    if not upload:
        return []
    rows, users = upload[TEST]["rows"], upload[TEST]["users"]
    used = f"Of {count(upload['rows'], 'row')}, {rows['used']:,} count in the test figures."
    if held := upload.get("file_rows"):
        used = f"The {count(held, 'row')} of the file became a row for each item. {used}"
    found = [used, *_left_out(upload, rows)]
    if without := users["without_list"]:
        found.append(
            f"{without:,} of {evaluated:,} test users have no list: they found nothing and count "
            "with 0, not as absent."
        )
    if short := users[f"short@{SHORT}"]:
        found.append(
            f"{count(short, 'list')} {_has(short)} fewer than {SHORT} items left: the missing "
            "places find nothing."
        )
    found.append(f"{_ORDERS[upload['order']]}{_ties(upload)}.")
    if _rises(upload):
        found.append(
            f"In {upload['rising']:,} of {count(upload['ordered'], 'list')} the scores rise from "
            "the first row to the last: if small is better, mark the column as distance."
        )
    missing = "AUC needs a score for every item, so it has no figure"
    if not upload["validation_items"]:
        missing += "; nor has validation, because no list holds any of its items"
    return [*found, f"{missing}."]


def is_odd(upload: Counts) -> bool:
    """Whether anything of the lists could not be used, or a user has none."""
    rows, users = upload[TEST]["rows"], upload[TEST]["users"]
    lost = upload["rejected"] + upload["duplicates"] + upload["unknown_user_rows"]
    told = upload.get("tied_rows", 0) + upload.get("unquoted_rows", 0) + _rises(upload)
    return bool(
        lost + upload["unknown_item_rows"] + rows["masked"] + told
        or users["without_list"] + users[f"short@{SHORT}"]
    )


def _ties(upload: Counts) -> str:
    """How many places are shared; records of older versions did not count them."""
    if not (tied := upload.get("tied_rows", 0)):
        return "; equal ones stand as the rows do" if upload["order"] != "file" else ""
    return (
        f"; {tied:,} rows in {count(upload.get('tied_users', 0), 'list')} are equal to another of "
        "their list there and stand as the rows do"
    )


def _rises(upload: Counts) -> bool:
    """Whether most lists have their smallest score first, as distances have."""
    return bool(2 * upload.get("rising", 0) > upload.get("ordered", 0))


def _left_out(upload: Counts, rows: Counts) -> list[str]:
    """One sentence per reason, with how many rows it cost."""
    users, items = upload["unknown_users"], upload["unknown_items"]
    reasons = {
        "could not be read": upload["rejected"],
        "repeated a user and an item, the better place stays": upload["duplicates"],
        f"named {count(users, 'user')} this split does not have": upload["unknown_user_rows"],
        f"named {count(items, 'item')} the target does not have": upload["unknown_item_rows"],
        f"named {_masked(upload)}, which are masked": rows["masked"],
        "stood beyond the first 50 of their list": rows["beyond"],
        "were of users with nothing to find in test": rows["not_evaluated"],
    }
    said = [f"{count(cost, 'row')} {reason}." for reason, cost in reasons.items() if cost]
    if marked := upload.get("unquoted_rows", 0):
        said.append(f"{count(marked, 'row')} had ids marked for a spreadsheet, read without the '.")
    return said


def _masked(upload: Counts) -> str:
    if upload.get("new_items"):
        return "items that are not new in the part"
    return "items of the user's own training or validation"


def _has(number: int) -> str:
    return "has" if number == 1 else "have"
