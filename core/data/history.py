"""What one user did in a domain, read from the snapshot: items, ratings and times, newest first."""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq

from core.basics.columns import ITEM, RATING, TIME, USER
from core.data.snapshot import PARTS, Split


def user_history(split: Split, part: str, user: int) -> pd.DataFrame:
    """ITEM (number), RATING and TIME (UTC, NaT where unknown) of one user's rows, newest first.

    part: one of PARTS, such as "source_train". Without times the rows stand by item number; a
    user without rows has none.
    """
    if part not in PARTS:
        raise KeyError(part)
    path = split.folder / f"{part}.parquet"
    columns = [name for name in (ITEM, RATING, TIME) if name in pq.read_schema(path).names]
    rows = pd.read_parquet(path, columns=columns, filters=[(USER, "==", int(user))])
    if TIME not in rows:
        return rows.assign(**{TIME: pd.NaT})
    rows[TIME] = pd.to_datetime(rows[TIME].astype("float64"), unit="s", errors="coerce")
    return rows.sort_values([TIME, ITEM], ascending=[False, True], ignore_index=True)
