"""Leakage of time: training rows that are later than what their user is tested on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from core.basics.columns import SOURCE, TARGET, TIME, USER
from core.basics.formatting import count
from core.basics.types import FloatArray
from core.data.check import TIME_LEAK, Check
from core.data.new_items import NEW_ITEMS
from core.data.snapshot import SplitInfo
from core.data.splitting import TEMPORAL
from core.data.time_doubts import judge_times

QUESTION = "Does training know what came after the test?"


@dataclass(frozen=True)
class TimeLeak:
    """Test users with times, and their training rows of both domains."""

    users: int
    users_ahead: int  # of whom some training row is later than their first test row
    rows: int  # training rows of these users, with times
    rows_ahead: int  # those later than the user's first test row
    doubt: str = ""  # why their times are none, where they are not

    @property
    def share(self) -> float:
        """Share of the training rows that are later; 0 where there are none."""
        return self.rows_ahead / self.rows if self.rows else 0.0


def find_time_leak(folder: Path) -> TimeLeak | None:
    """What the training part of a snapshot knows too early; None where test rows have no times."""
    test = _timed(folder, f"{TARGET}_test")
    if test is None or test[TIME].nunique() < 2:
        return None
    first = test.groupby(USER)[TIME].min()
    rows, later = [], []
    for domain in (SOURCE, TARGET):
        train = _timed(folder, f"{domain}_train")
        if train is not None:
            begins = first.reindex(train[USER]).to_numpy(np.float64)  # NaN: no test user
            rows.append(train[USER][~np.isnan(begins)])
            later.append(train[USER][train[TIME].to_numpy() > begins])
    if not rows:
        return None
    ahead = pd.concat(later)
    judged = judge_times({TARGET: test[TIME]})
    doubt = judged.reason if judged.light == "red" else ""
    return TimeLeak(len(first), ahead.nunique(), sum(map(len, rows)), len(ahead), doubt)


def time_check(info: SplitInfo, leak: TimeLeak | None) -> Check:
    """The light and the answer for a split of this kind.

    A temporal split promises that nothing comes from the future; the other kinds do not.
    """
    if leak is None:
        answer = "Cannot be told: the rows of this split have no times that differ."
        return Check(TIME_LEAK, "grey", QUESTION, answer)
    figures = asdict(leak) | {"share": leak.share}
    if not leak.rows_ahead and leak.doubt:
        return Check(TIME_LEAK, "grey", QUESTION, f"Cannot be told: {leak.doubt}", figures)
    if not leak.rows_ahead:
        answer = f"No: nothing any of {count(leak.users, 'test user')} did later is in training."
        return Check(TIME_LEAK, "green", QUESTION, answer, figures)
    said = (
        f"{leak.share:.0%} of the training rows of test users are later than the user's first "
        f"test row ({leak.users_ahead:,} of {count(leak.users, 'user')})"
    )
    if info.kind == TEMPORAL:
        return Check(TIME_LEAK, "red", QUESTION, f"Yes, though it must not: {said}.", figures)
    told = "new items are placed" if info.kind == NEW_ITEMS else "taste is completed"
    answer = (
        f"Yes, as expected of a split that is not by time: {said}. Its figures say how well "
        f"{told}, not how well the future is foreseen; a temporal split says that."
    )
    return Check(TIME_LEAK, "amber", QUESTION, answer, figures)


def _timed(folder: Path, part: str) -> pd.DataFrame | None:
    """USER and TIME of the rows of a part that have one; None where no row can have one."""
    path = folder / f"{part}.parquet"
    if TIME not in pq.read_schema(path).names:
        return None
    frame = pd.read_parquet(path, columns=[USER, TIME])
    times: FloatArray = frame[TIME].to_numpy(dtype=np.float64, na_value=np.nan)
    return frame.assign(**{TIME: times})[~np.isnan(times)]
