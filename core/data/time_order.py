"""Training histories in time order, for models that read sequences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.sparse import csr_matrix

from core.basics.columns import ITEM, SOURCE, TARGET, TIME, USER
from core.basics.types import IntArray
from core.data.pair import DomainPair


def has_times(folder: Path) -> bool:
    """Whether the training rows of both domains of a snapshot have times; no row is read."""
    return all(_is_timed(folder / f"{domain}_train.parquet") for domain in (SOURCE, TARGET))


def in_time_order(train: DomainPair, folder: Path, givers: IntArray | None = None) -> DomainPair:
    """The pair with each interaction's place in its user's history as its value, 1 the earliest.

    Places run over both domains together. Rows of one moment stand source first, then by item; a
    row without a time counts as the earliest. givers: (n_users,) whose source rows each user has
    in `train`, where they were dealt; rows keep their times.
    """
    frames = [_rows(folder, domain) for domain in (SOURCE, TARGET)]
    if givers is not None:
        frames[0] = frames[0].assign(**{USER: np.argsort(givers)[frames[0][USER]]})
    rows = pd.concat(frames, keys=[0, 1], names=["domain"]).reset_index("domain")
    rows = rows.sort_values([USER, TIME, "domain", ITEM], na_position="first")
    rows["place"] = rows.groupby(USER).cumcount() + 1
    source, target = (
        _places(rows[rows["domain"] == domain], like)
        for domain, like in ((0, train.source), (1, train.target))
    )
    return replace(train, source=source, target=target)


def _rows(folder: Path, domain: str) -> pd.DataFrame:
    path = folder / f"{domain}_train.parquet"
    known = TIME in pq.read_schema(path).names
    frame = pd.read_parquet(path, columns=[USER, ITEM, TIME] if known else [USER, ITEM])
    return frame if known else frame.assign(**{TIME: 0})


def _places(rows: pd.DataFrame, like: csr_matrix) -> csr_matrix:
    places = rows[USER].to_numpy(), rows[ITEM].to_numpy()
    return csr_matrix((rows["place"].to_numpy(dtype=np.float32), places), shape=like.shape)


def _is_timed(path: Path) -> bool:
    file = pq.ParquetFile(path)
    place = file.schema_arrow.get_field_index(TIME)
    if place < 0:
        return False
    groups = range(file.metadata.num_row_groups)
    found = [file.metadata.row_group(group).column(place).statistics for group in groups]
    bounds = [(s.min, s.max) for s in found if s is not None and s.has_min_max]
    return bool(bounds) and min(low for low, _ in bounds) < max(high for _, high in bounds)
